"""The command line: what it understands, and the one line it says when it does not."""

import json
import os
import re
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from jobs.shell import annotate_command, sync_command, watch_command
from jobs.shell.options import options
from tests.sandbox.server import Fault, wait_until
from tests.sandbox.world import PROGRAM, World
from tests.support import forks
from tests.support.processes import (
    ANNOTATE,
    GRACE_SECONDS,
    NODE,
    bare_environment,
    children,
    complaint,
    environment_of,
    isolated,
    network,
    run,
    start,
)

DOMAIN = "cdn.example.com"
SYNC = ("sync-once", "--domain", DOMAIN)
OPTIONS = {
    command: options(chosen)
    for command, chosen in (
        ("annotate-once", annotate_command.Settings),
        ("sync-once", sync_command.Settings),
        ("watch", watch_command.Settings),
    )
}
NEEDED = {
    "annotate-once": {"--node-name": NODE},
    "sync-once": {"--domain": DOMAIN},
    "watch": {"--cronjob": "sync", "--namespace": "kube-node-dns"},
}

WRONG_VALUES = [
    pytest.param("sync-once", "--ttl", "1m", "seconds", id="sync-once"),
    pytest.param("annotate-once", "--interface", "eth/0", "eth*", id="annotate-once"),
    pytest.param("watch", "--min-interval", "often", "seconds", id="watch"),
]
"""One of each command; the parsers of all options are in test_options."""


def twin(option: str) -> str:
    """Name the environment variable of an option."""
    return "KUBE_NODE_DNS_" + option.removeprefix("--").replace("-", "_").upper()


def needed(command: str, without: str = "") -> list[str]:
    """Give a command with the options it cannot do without, but for one."""
    return [command, *(f"{option}={value}" for option, value in NEEDED[command].items() if option != without)]


def assert_untouched(world: World) -> None:
    """Expect that neither server was asked anything."""
    assert (world.cluster.calls, world.dns.calls) == ([], [])


@pytest.mark.parametrize(("command", "option", "value", "remedy"), WRONG_VALUES)
def test_a_wrong_value_is_refused_before_anything_is_asked(
    world: World, command: str, option: str, value: str, remedy: str
) -> None:
    """A wrong value ends the run with one line that names option, value and remedy; no request is made."""
    finished = forks.run(world, *needed(command), f"{option}={value}")
    line = complaint(finished, 2)
    assert option in line
    assert value in line
    assert remedy in line
    assert finished.stdout == ""
    assert_untouched(world)


def test_a_wrong_variable_is_refused_under_its_own_name(world: World) -> None:
    """A wrong value of a variable is reported under the variable's name; no request is made.

    So `KUBE_NODE_DNS_DRY_RUN=yes` is not a real run.
    """
    line = complaint(forks.run(world, *SYNC, KUBE_NODE_DNS_DRY_RUN="yes"), 2)
    assert "KUBE_NODE_DNS_DRY_RUN: 'yes' is neither true nor false" in line
    assert_untouched(world)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param((), ("COMMAND", "--help"), id="no command"),
        pytest.param(("sync",), ("'sync'", "sync-once"), id="unknown command"),
        pytest.param(("sync-once", "--bogus"), ("--bogus", "'kube-node-dns sync-once --help'"), id="unknown option"),
        pytest.param(("sync-once", "--prob=http://me:secret@h"), ("--prob=http://...@h",), id="a login, misplaced"),
        pytest.param(("sync-once", "--dom", DOMAIN), ("--dom", "--help"), id="abbreviated option"),
        pytest.param(("--vers",), ("--help",), id="abbreviated option of the program"),
        pytest.param((*SYNC, "--ttl"), ("--ttl", "--help"), id="option without its value"),
        pytest.param((*SYNC, "--dry-run=true"), ("--dry-run", "'true'", "--help"), id="value for a switch"),
        pytest.param((*SYNC, "extra"), ("extra", "--help"), id="one word too many"),
        pytest.param(("annotate-once", "--ttl", "60"), ("--ttl", "--help"), id="another command's option"),
    ],
)
def test_wrong_usage_is_one_line_that_names_the_slip(
    world: World, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    """Wrong usage ends the run with one line that names the wrong word; no request is made."""
    finished = forks.run(world, *arguments)
    line = complaint(finished, 2)
    assert all(word in line for word in words), line
    assert finished.stdout == ""
    assert_untouched(world)


@pytest.mark.parametrize(
    ("command", "option"), [("sync-once", "--domain"), ("watch", "--cronjob"), ("watch", "--namespace")]
)
def test_a_command_asks_for_what_it_cannot_do_without(world: World, command: str, option: str) -> None:
    """A command without an option that it needs ends with one line that names option and variable."""
    line = complaint(forks.run(world, *needed(command, without=option)), 2)
    assert option in line
    assert twin(option) in line
    assert_untouched(world)


@pytest.mark.parametrize("command", OPTIONS)
def test_help_and_readme_name_every_option(command: str) -> None:
    """`--help` names each option with its variable, no other command's, and exit statuses; the README has them too."""
    finished = run((command, "--help"), bare_environment())
    assert (finished.returncode, finished.stderr) == (0, "")
    statuses = {"annotate-once": "012", "sync-once": "0123", "watch": "12"}[command]
    assert re.findall("\n  ([0-9])  ", finished.stdout) == [*statuses], finished.stdout
    readme = (Path(__file__).parents[3] / "README.md").read_text("utf-8")
    for option in OPTIONS[command]:
        assert f"{option.name} " in finished.stdout
        assert f"[{option.variable}" in finished.stdout
        assert f"`{option.name}" in readme
    mentioned = set(re.findall("--[a-z0-9-]+", finished.stdout)) - {"--help"}
    assert mentioned == {option.name for option in OPTIONS[command]}


def test_help_lists_the_commands() -> None:
    """`--help` lists the commands."""
    finished = run(("--help",), bare_environment())
    assert (finished.returncode, finished.stderr) == (0, "")
    assert all(command in finished.stdout for command in OPTIONS)


def test_the_version_goes_to_standard_output() -> None:
    """`--version` writes name and version to standard output."""
    finished = run(("--version",), bare_environment())
    expected = f"kube-node-dns {version('kube-node-dns')}\n"
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, expected, "")


def test_python_runs_the_package() -> None:
    """`python -m jobs` runs the program. Some images do not have the script on their PATH."""
    command = [sys.executable, "-m", "jobs", "--version"]
    finished = subprocess.run(command, env=bare_environment(), capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout == f"kube-node-dns {version('kube-node-dns')}\n"


def test_variables_of_others_are_ignored(world: World) -> None:
    """Variables that Kubernetes injects for a Service called kube-node-dns are ignored."""
    host = {"KUBE_NODE_DNS_SERVICE_HOST": "10.96.0.20", "KUBE_NODE_DNS_SERVICE_PORT": "80"}
    port = {"KUBE_NODE_DNS_PORT": "tcp://10.96.0.20:80", "KUBE_NODE_DNS_PORT_80_TCP_ADDR": "10.96.0.20"}
    world.node(NODE)
    finished = forks.run(world, *ANNOTATE, **host, **port)
    assert (finished.returncode, "KUBE_NODE_DNS" in finished.stderr) == (0, False)


def test_a_misspelt_variable_is_told(world: World) -> None:
    """A misspelt variable brings a warning that names the one it resembles."""
    world.node(NODE)
    slips = {"KUBE_NODE_DNS_DRYRUN": "true", "KUBE_NODE_DNS_MIN_NODE": "2", twin("--min-nodes"): "2"}
    lines = forks.run(world, *ANNOTATE, **slips).stderr.splitlines()
    warnings = [line for line in lines if line.startswith("warning: ")]
    told = [("KUBE_NODE_DNS_DRYRUN ", twin("--dry-run")), ("KUBE_NODE_DNS_MIN_NODE ", twin("--min-nodes"))]
    assert len(warnings) == len(told)
    assert all(slip in line and meant in line for line, (slip, meant) in zip(warnings, told, strict=True)), warnings


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        pytest.param((*SYNC, "--log-format", "json", "--ttl=x"), {}, id="wrong value"),
        pytest.param((*SYNC, "--ttl=x"), {"KUBE_NODE_DNS_LOG_FORMAT": "json"}, id="wrong value, by variable"),
        pytest.param(("sync-once", "--bogus"), {"KUBE_NODE_DNS_LOG_FORMAT": "json"}, id="unknown option, by variable"),
        pytest.param(("sync-once", "--log-format", "json", "--bogus"), {}, id="unknown option"),
        pytest.param(("sync-once", "--log-format=json", "--bogus"), {}, id="unknown option, with ="),
        pytest.param((*SYNC, "--log-format", "json"), {}, id="no zone"),
        pytest.param((*ANNOTATE, "--log-format", "json"), {}, id="unknown node"),
        pytest.param((*ANNOTATE, "--log-format", "json", "-v"), {}, id="verbose"),
    ],
)
def test_a_json_log_has_one_object_a_line_also_for_errors(
    world: World, arguments: tuple[str, ...], variables: dict[str, str]
) -> None:
    """With `--log-format json` each line of the log is a JSON object, errors included."""
    finished = forks.run(world, *arguments, **variables)
    records = [json.loads(line) for line in finished.stderr.splitlines()]
    assert all({"time", "level", "message"} <= record.keys() for record in records)
    assert "error" in {record["level"] for record in records}


def test_sigterm_ends_process_1(world: World) -> None:
    """SIGTERM ends the program as process 1 of a container, with status 143."""
    world.node(NODE)
    world.cluster.fail(Fault("slow"))
    process = start([*isolated("pid"), *PROGRAM, *ANNOTATE], environment_of(world))
    assert wait_until(lambda: bool(world.cluster.calls), 30)
    (first,) = children(process)
    os.kill(first, signal.SIGTERM)
    process.communicate(timeout=GRACE_SECONDS)
    assert process.returncode == 143


def test_sigterm_ends_a_run_inside_name_resolution(tmp_path: Path) -> None:
    """SIGTERM ends a run that waits for a name server which does not answer, with status 143."""
    resolver = tmp_path / "resolv.conf"
    resolver.write_text("nameserver 198.51.100.53\noptions timeout:30 attempts:3\n", encoding="ascii")
    order = tmp_path / "nsswitch.conf"
    order.write_text("hosts: dns\n", encoding="ascii")
    config = tmp_path / "config"
    cluster = {"name": "c", "cluster": {"server": "http://cluster.example.com"}}
    context = {"name": "c", "context": {"cluster": "c", "user": ""}}
    config.write_text(
        json.dumps({"clusters": [cluster], "contexts": [context], "users": [], "current-context": "c"}), "utf-8"
    )
    silence = f"""
        link eth0
        ip address add 198.51.100.1/24 dev eth0
        ip neighbour add 198.51.100.53 lladdr 02:00:00:00:00:01 dev eth0
        mount --bind {resolver} /etc/resolv.conf
        if test -e /etc/nsswitch.conf; then mount --bind {order} /etc/nsswitch.conf; fi
    """
    process = start([*network(silence, "mount"), *PROGRAM, *ANNOTATE], bare_environment(KUBECONFIG=str(config)))
    sockets = Path(f"/proc/{process.pid}/net/udp")
    assert wait_until(
        lambda: "356433C6:0035" in sockets.read_text("ascii"), 30
    )  # 198.51.100.53:53 in the kernel's words
    process.terminate()
    process.communicate(timeout=GRACE_SECONDS)
    assert process.returncode == 143
