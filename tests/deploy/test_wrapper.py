"""What the loop around annotate-once promises of its runs, its end and what it leaves running."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox.server import wait_until
from tests.support.large_clusters import kilobytes
from tests.support.processes import GRACE_SECONDS, children
from tests.support.wrapping import SHELL, Wrapper, commands, script


@pytest.fixture
def wrapper(tmp_path: Path) -> Iterator[Wrapper]:
    """Give a wrapper that is ended with all it has started."""
    wrapper = Wrapper(tmp_path)
    yield wrapper
    wrapper.end()


def terminated(process: "subprocess.Popen[str]") -> int:
    """Send SIGTERM and give the exit status; what the script may be waiting for takes ten minutes or never ends."""
    process.terminate()
    return process.wait(GRACE_SECONDS)


def is_running(pid: int) -> bool:
    """Whether there is such a process, zombies left out."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_it_annotates_every_five_minutes(wrapper: Wrapper) -> None:
    """Between two runs it sleeps for 300 s."""
    process = wrapper.start("succeeds", sleeps='[ "$(wc -l < sleeps)" -lt 3 ] || exec tail -f /dev/null')
    assert wait_until(lambda: len(wrapper.lines("sleeps")) == 3)
    assert wrapper.lines("runs") == ["annotate-once"] * 3
    assert wrapper.lines("sleeps") == ["300"] * 3
    assert process.poll() is None


def test_a_failing_run_ends_the_container(wrapper: Wrapper) -> None:
    """A run that fails ends the container with its status. Kubernetes shows the failure and slows the retries down."""
    process = wrapper.start("fails", sleeps="exit 0")
    assert process.wait(30) == 2
    assert (wrapper.lines("runs"), wrapper.lines("sleeps")) == (["annotate-once"], [])


def test_a_slip_in_the_settings_halts_the_rollout(wrapper: Wrapper) -> None:
    """With a glob that matches no interface the container ends with 2 at once, before anything is written.

    So its pod is never available, which halts the rollout at the first nodes.
    """
    process = wrapper.start("is the program", KUBE_NODE_NAME="node-1", KUBE_NODE_DNS_INTERFACE="eht*")
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert said.startswith("error: --interface eht*: no interface of this machine matches")
    assert wrapper.lines("runs") == ["annotate-once"]


def test_a_sleep_that_fails_ends_it_too(wrapper: Wrapper) -> None:
    """A sleep that fails ends it too. Otherwise the loop would ask the API server as fast as it can."""
    assert wrapper.start("succeeds", sleeps="exit 7").wait(30) == 7
    assert wrapper.lines("runs") == ["annotate-once"]


def test_it_ends_at_once_while_a_run_is_under_way(wrapper: Wrapper) -> None:
    """SIGTERM ends it and its run while a run is under way."""
    process = wrapper.start("hangs")
    assert wait_until(lambda: bool(wrapper.lines("running")))
    assert terminated(process) == 143
    assert wait_until(lambda: not is_running(int(wrapper.lines("running")[0])))


def test_it_ends_at_once_even_if_the_run_does_not_listen(wrapper: Wrapper) -> None:
    """SIGTERM ends it while a run ignores signals."""
    process = wrapper.start("hangs and is deaf")
    assert wait_until(lambda: bool(wrapper.lines("running")))
    assert terminated(process) == 143


def test_it_ends_at_once_while_it_sleeps(wrapper: Wrapper) -> None:
    """SIGTERM ends it and its sleep between two runs."""
    process = wrapper.start("succeeds", sleeps='echo "$$" > sleeping; exec tail -f /dev/null')
    assert wait_until(lambda: bool(wrapper.lines("sleeping")))
    assert terminated(process) == 143
    assert wait_until(lambda: not is_running(int(wrapper.lines("sleeping")[0])))


def test_only_a_shell_and_a_sleep_stay_between_the_runs(wrapper: Wrapper) -> None:
    """Between two runs there is a shell of less than 8 MB and a sleep."""
    process = wrapper.start("succeeds")
    assert wait_until(lambda: bool(wrapper.lines("runs")) and commands(children(process)) == ["sleep"])
    assert kilobytes(process.pid, "VmRSS") < 8 * 1024


def test_shellcheck_has_no_complaint(tmp_path: Path) -> None:
    """The linter shellcheck has no finding."""
    path = tmp_path / "wrapper.sh"
    path.write_text(f"#!{SHELL}\n{script()}", encoding="utf-8")
    shellcheck = Path(sys.executable).with_name("shellcheck")
    ended = subprocess.run([shellcheck, "--enable=all", path], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
