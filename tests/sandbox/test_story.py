"""`python -m tests.sandbox`: a newcomer's first command, and what it needs."""

import itertools
import json
import re
import signal
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest

from tests.sandbox.__main__ import WITH_CLIENTS
from tests.support.packages import needed, owners
from tests.support.processes import bare_environment

ROOT = Path(__file__).parents[2]
DUMP = (
    "import atexit, sys; atexit.register(lambda: print(*sys.modules)); from tests.sandbox.__main__ import main; main()"
)
SERVE = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background of a shell it is ignored
from tests.sandbox.__main__ import main
main()
"""
ENDINGS = [*["(exit status 0)"] * 6, "(exit status 3)"]
COMMAND = "pip install -q uv && uv run -q --no-dev --group sandbox python -m tests.sandbox"


@pytest.fixture(scope="module")
def story() -> list[str]:
    """Give what the command prints, line by line, with the modules that it has loaded in the last line."""
    return told()


def told(*arguments: str) -> list[str]:
    """Let the command tell a story."""
    command = [sys.executable, "-c", DUMP, *arguments]
    finished = subprocess.run(command, env=bare_environment(), cwd=ROOT, capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stderr) == (0, "")
    return finished.stdout.splitlines()


def statuses(story: list[str]) -> list[str]:
    """Give the exit status of each run."""
    return [line for line in story if line.startswith("(exit status ")]


def test_the_story_ends_well(story: list[str]) -> None:
    """Every run ends with 0, but the last, which --min-nodes refuses, with 3."""
    assert statuses(story) == [*["(exit status 0)"] * 2, *ENDINGS]


def test_the_story_of_a_dnsendpoint_is_the_same() -> None:
    """Told with --publish-to dnsendpoint every run ends alike (health checks aside), and the same addresses stay."""
    story = told("--publish-to", "dnsendpoint")
    assert statuses(story) == ENDINGS
    last = [json.loads(line) for line in story[story.index("The DNSEndpoint holds:") :] if line.startswith('  {"dns')]
    assert {target for each in last[-5:] for target in each["targets"]} == {
        *("5.75.128.10", "2a01:4f8:c17:1::10", "5.161.40.7", "2a01:4ff:f0:7::7", "5.223.50.3")
    }


def test_a_dead_place_is_skipped_while_the_api_server_is_away(story: list[str]) -> None:
    """While no run gets anywhere, Route 53 answers New York with the nearest living place."""
    heads = [at for at, line in enumerate(story) if line == "New York is answered with:"]
    assert [story[at + 1 : at + 3] for at in heads] == [
        ["  5.161.40.7", "  2a01:4ff:f0:7::7"],
        ["  5.75.128.10", "  2a01:4f8:c17:1::10"],
    ]


def test_the_readme_shows_an_extract_of_the_story(story: list[str]) -> None:
    """The README quotes what the command prints, but for how long a Lease was not renewed."""
    readme = (ROOT / "README.md").read_text("utf-8")
    (extract,) = re.findall(r"```\n(\$ kube-node-dns sync-once.*?)```", readme, re.DOTALL)
    assert ageless(extract) in ageless("\n".join(story))


def ageless(text: str) -> str:
    """Leave out of a text how old a Lease is."""
    return re.sub(r"renewed for \d+ s", "renewed", text)


def test_it_needs_the_group_of_the_readmes_command_alone(story: list[str]) -> None:
    """The story loads no package but the program's own and those of the group `sandbox`: 160 MB, not 880."""
    assert COMMAND in (ROOT / "README.md").read_text("utf-8")
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]
    loaded = owners(story[-1].split())
    assert loaded <= needed(["kube-node-dns", *groups["sandbox"]])
    assert {re.split("[^a-z-]", each)[0] for each in groups["sandbox"]} <= loaded


@pytest.mark.parametrize(
    ("found", "missing"),
    [
        pytest.param((), "kubectl and aws", id="neither is there"),
        pytest.param(("kubectl",), "aws", id="kubectl is there"),
        pytest.param(("kubectl", "aws"), None, id="both are there"),
    ],
)
def test_serve_says_how_to_get_the_clients_that_are_missing(
    tmp_path: Path, found: tuple[str, ...], missing: str | None
) -> None:
    """--serve names the clients that are missing and the command that brings them; Ctrl-C ends it."""
    interpreter = tmp_path / "python"  # clients beside the interpreter are found, and beside the real one are both
    interpreter.symlink_to(sys.executable)
    for name in found:
        (tmp_path / name).touch(0o755)
    environment = bare_environment(PATH=str(tmp_path), PYTHONPATH=sysconfig.get_path("purelib"))
    command = [str(interpreter), "-c", SERVE, "--serve"]
    with subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [*itertools.takewhile(lambda line: not line.startswith("#   aws route53"), process.stdout)]
        process.send_signal(signal.SIGINT)
        try:
            assert process.wait(60) == 0
        finally:
            process.kill()
    advice = [line.rstrip() for line in lines if "not found" in line or "--group clients" in line]
    first = f"# {missing} not found. This serves again with both beside the sandbox, 200 MB more:"
    assert advice == ([first, f"#   {WITH_CLIENTS}"] if missing else [])
