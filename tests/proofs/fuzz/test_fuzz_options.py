"""Whatever stands on the command line and in the environment: accepted, or one line that says what to put right."""

import contextlib
import io
import json
import logging
import signal
import socket
from collections.abc import Iterator, Mapping, Sequence
from typing import NoReturn

import pytest
from hypothesis import event, example, given
from hypothesis import strategies as st

from jobs.core.errors import ConfigurationError
from jobs.shell import cli
from jobs.shell.annotate_command import Settings as AnnotateSettings
from jobs.shell.options import Option, options
from jobs.shell.sync_command import Settings as SyncSettings
from jobs.shell.watch_command import Settings as WatchSettings
from tests.proofs.fuzz.values import Draw, examples, texts
from tests.support.processes import bare_environment, run

COMMANDS = {
    "annotate-once": options(AnnotateSettings),
    "sync-once": options(SyncSettings),
    "watch": options(WatchSettings),
}
NEEDED = {
    "annotate-once": {"KUBE_NODE_DNS_DRY_RUN": "true"},
    "sync-once": {"KUBE_NODE_DNS_DOMAIN": "cdn.example.com"},
    "watch": {"KUBE_NODE_DNS_CRONJOB": "sync", "KUBE_NODE_DNS_NAMESPACE": "dns"},
}
"""What each command cannot do without, in variables, so that options win over them."""

GOOD = {
    "--domain": ("www.example.com", "*.example.com", "xn--bcher-kva.example."),
    "--node-label-selector": ("serve-public=true", "a in (b,c),!d"),
    "--ttl": ("0", "60", "2147483647"),
    "--min-nodes": ("1", "50%", "100%"),
    "--lease-timeout": ("0", "15", "3600"),
    "--ready-service": ("traefik/traefik",),
    "--probe": ("tcp:443", "tcp:65535", "https://www.example.com:8443/healthz?a=b", "http://example.com"),
    "--ip-family": ("IPv4", "IPv6"),
    "--exclude-address": ("5.75.128.0/24", "2a01:4f8::/32", "5.75.128.10"),
    "--exclude-taint": ("example.com/draining", "example.com/*"),
    "--min-ready-seconds": ("0", "86400"),
    "--place": ("fsn1=50.48,12.37", "syd=-33.87,151.21"),
    "--routing": ("auto", "simple", "geoproximity", "multivalue"),
    "--default-coordinates": ("12.34,56.78", "-33.86, 151.20", "90,-180"),
    "--zone-id": ("Z2ABCDEFGHIJKL", "/hostedzone/Z1"),
    "--output": ("text", "json"),
    "--log-format": ("text", "json"),
    "--timeout": ("15", "86400"),
    "--health-check": ("none", "tcp:443", "https://www.example.com/healthz"),
    "--health-check-interval": ("30", "10"),
    "--publish-to": ("route53",),
    "--interface": ("eth*", "en[op]?"),
    "--exclude-interface": ("wg*", "tailscale0"),
    "--min-interval": ("1", "3600"),
}
LONGEST_LINE = 500
SECRETS = {
    "AWS_ACCESS_KEY_ID": "AKIDNEVERSHOWN",
    "AWS_SECRET_ACCESS_KEY": "aws-secret-never-shown",
    "AWS_SESSION_TOKEN": "aws-token-never-shown",
    "GITHUB_TOKEN": "other-token-never-shown",
}


@pytest.fixture(autouse=True, scope="module")
def nowhere() -> Iterator[None]:
    """Lead to no cluster and to no AWS, hold secrets, and take any connection for a failure."""

    def refuse(*address: object) -> NoReturn:
        pytest.fail(f"a connection to {address}")

    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"KUBECONFIG": "/nonexistent/kubeconfig", **SECRETS}.items():
            patch.setenv(name, value)
        patch.setattr(socket.socket, "connect", refuse)
        patch.setattr(socket, "getaddrinfo", refuse)
        yield


def called(arguments: Sequence[str], environ: Mapping[str, str]) -> tuple[int, str, str]:
    """Run a command line in this process; give its exit status and both outputs."""
    root, own = logging.getLogger(), logging.getLogger("jobs")
    handlers, level = root.handlers, own.level
    out, err = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = cli.main(arguments, environ)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)  # it would end the process, which goes on here
        root.handlers = handlers
        own.setLevel(level)
        logging.captureWarnings(capture=False)
    return status, out.getvalue(), err.getvalue()


def message(line: str) -> str:
    """Give what a line of the log says, in either form."""
    if line.startswith("{"):
        said: str = json.loads(line)["message"]
        return said
    return line.removeprefix("error: ")


def judge(status: int, out: str, err: str, *settings: str) -> None:
    """Take a missing login or a done dry run for accepted; anything else must be one line that names the setting."""
    assert all(map(str.isprintable, (out + err).split("\n")))
    assert not any(secret in out + err for secret in SECRETS.values())
    if status == 0:
        event("accepted")
        return
    assert status == ConfigurationError.exit_status
    lines = err.splitlines()
    if all("no login to Kubernetes from" in line for line in lines):
        event("accepted")
    else:
        event("refused")
        (line,) = lines
        assert out == ""
        assert any(each in message(line) for each in settings), line
    assert all(len(message(line)) <= LONGEST_LINE for line in lines), lines


Case = tuple[str, Option, str]


@st.composite
def cases(draw: Draw) -> Case:
    """Draw a command, one of its options that take a value, and any text for it."""
    command = draw(st.sampled_from([*COMMANDS]))
    option = draw(st.sampled_from([each for each in COMMANDS[command] if not each.flag]))
    good = GOOD.get(option.name, ("node-1.example", "dns"))
    return command, option, draw(texts(*good) | st.text(st.characters(codec=None), max_size=5))


@examples(1.5)
@given(case=cases(), joined=st.booleans())
@example(case=("sync-once", COMMANDS["sync-once"][0], "-x"), joined=False)
@example(case=("sync-once", COMMANDS["sync-once"][0], "\udcff"), joined=True)
def test_an_option_of_any_text(case: Case, *, joined: bool) -> None:
    """An option of any text is taken as written or refused in one line with its name."""
    command, option, text = case
    given_ = [f"{option.name}={text}"] if joined else [option.name, text]
    status, out, err = called([command, *given_], NEEDED[command])
    names = [option.name]
    if not joined and text.startswith("-"):
        names += [f"argument {option.name}", "unrecognized arguments", f"argument {_flags(option)}"]
        if not any(message(err).startswith(f"{name}: ") for name in names):
            return  # another option, such as -v or --help
    judge(status, out, err, *names)


def _flags(option: Option) -> str:
    return "/".join(filter(None, [option.short, option.name]))


@examples(1.5)
@given(cases())
def test_a_variable_of_any_text(case: Case) -> None:
    """A variable of any text is taken as written or refused in one line with its name."""
    command, option, text = case
    variable = option.also or option.variable
    judge(*called([command], {**NEEDED[command], variable: text}), variable)


@examples(0.3)
@given(st.sampled_from([*COMMANDS]), st.data(), texts("true", "false", "TRUE", "1", "yes"))
def test_a_switch_of_any_text(command: str, data: st.DataObject, text: str) -> None:
    """A switch's variable is true, false or refused."""
    option = data.draw(st.sampled_from([each for each in COMMANDS[command] if each.flag]))
    others = {key: value for key, value in NEEDED[command].items() if key != option.variable}
    if command == "annotate-once":
        others["KUBE_NODE_DNS_NODE_NAME"] = "node-1"
    judge(*called([command], {**others, option.variable: text}), option.variable)


@examples(0.5)
@given(st.lists(texts("sync-once", "watch", "--dry-run", "--domain", "--log-format=json", "-v", "--"), max_size=4))
def test_arguments_in_any_order(arguments: list[str]) -> None:
    """Arguments in any order end with 2 in short lines, unless they ask for help or a dry run."""
    with contextlib.suppress(SystemExit):  # --help and --version
        status, out, err = called(arguments, {})
        assert status == ConfigurationError.exit_status or "--dry-run" in arguments
        assert all(map(str.isprintable, (out + err).split("\n")))
        assert all(len(message(line)) <= LONGEST_LINE for line in err.splitlines())


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        pytest.param(["sync-once", "--domain", "\udcff\x1b[2J"], {}, id="bytes that are no text"),
        pytest.param(["sync-once", "--domain", "x" * 100_000], {}, id="a huge option"),
        pytest.param(["sync-once"], {"KUBE_NODE_DNS_TTL": "9" * 100_000}, id="a huge variable"),
        pytest.param(["sync-once", "x" * 100_000], {}, id="a huge argument of nothing"),
        pytest.param(["x" * 100_000], {}, id="a huge command"),
        pytest.param(["watch", "--cronjob", "a\nb"], {}, id="two lines"),
        pytest.param(["annotate-once", "--node-name", "\u202eabc"], {"LC_ALL": "C"}, id="right to left"),
        pytest.param(["annotate-once"], {"KUBE_NODE_NAME": "\x07"}, id="a bell"),
    ],
)
def test_a_process(arguments: list[str], variables: dict[str, str]) -> None:
    """What holds in the tests' own process holds for the program."""
    finished = run(arguments, bare_environment(**SECRETS, **variables))
    assert finished.returncode == ConfigurationError.exit_status
    assert finished.stdout == ""
    (line,) = finished.stderr.splitlines()
    assert line.startswith("error: ")
    assert line.isprintable()
    assert len(line) <= LONGEST_LINE


def test_standard_output_that_cannot_say_everything() -> None:
    """What standard output cannot encode is escaped, and the run ends with 0."""
    finished = run(("annotate-once", "--dry-run"), bare_environment(PYTHONIOENCODING="ascii"))
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.startswith("this machine \\xb7 dry run\n")
