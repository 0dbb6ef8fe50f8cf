"""The loop around annotate-once, as the manifest has it, run by /bin/sh with a stand-in for the program."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.manifests import container
from tests.processes import children
from tests.sandbox.server import wait_until

SHELL = "/bin/sh"
AT_ONCE_SECONDS = 1.0
STAND_INS = {
    "succeeds": "exit 0",
    "fails": "exit 2",
    "hangs": 'echo "$$" > running; exec sleep 600',
    "hangs and is deaf": "trap '' TERM; echo \"$$\" > running; while :; do sleep 1; done",
}


def script() -> str:
    """Give the script as the kubelet hands it to the shell: `$$` is `$`, and `$(NAME)` a variable it knows."""
    shell, option, text = container("annotate")["command"]
    assert (shell, option) == (SHELL, "-c")
    assert not re.search(r"\$\$|\$\(", text), "the kubelet would change this"
    return str(text)


class Wrapper:
    """The script in a folder with stand-ins for the program and, unless it is the real one, for sleep."""

    def __init__(self, home: Path) -> None:
        """Use a folder."""
        self.home = home
        self.process: subprocess.Popen[str] | None = None

    def start(self, stand_in: str, *, sleeps: str = "") -> "subprocess.Popen[str]":
        """Run the script; `sleeps` is what stands in for sleep."""
        self._put("kube-node-dns", f'echo "$@" >> runs; {STAND_INS[stand_in]}')
        if sleeps:
            self._put("sleep", f'echo "$@" >> sleeps; {sleeps}')
        self.process = subprocess.Popen(
            [SHELL, "-c", script()],
            cwd=self.home,
            env={"PATH": f"{self.home}:{os.environ['PATH']}"},
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        return self.process

    def _put(self, name: str, text: str) -> None:
        (self.home / name).write_text(f"#!/bin/sh\n{text}\n", encoding="ascii")
        (self.home / name).chmod(0o755)

    def lines(self, name: str) -> list[str]:
        """Give what a stand-in has noted."""
        path = self.home / name
        return path.read_text(encoding="ascii").splitlines() if path.exists() else []

    def end(self) -> None:
        """End whatever the script has started."""
        if self.process is not None:
            with self.process:
                try:
                    os.killpg(self.process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    return


@pytest.fixture
def wrapper(tmp_path: Path) -> Iterator[Wrapper]:
    """Give a wrapper that is ended with all it has started."""
    wrapper = Wrapper(tmp_path)
    yield wrapper
    wrapper.end()


def terminated(process: "subprocess.Popen[str]") -> float:
    """Send SIGTERM and give how long the script took to end."""
    begin = time.monotonic()
    process.terminate()
    process.wait(30)
    return time.monotonic() - begin


def is_running(pid: int) -> bool:
    """Say whether there is such a process, zombies left out."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def commands(pids: list[int]) -> list[str]:
    """Name what these processes run, as far as they still do."""
    names = []
    for pid in pids:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            names.append(Path(f"/proc/{pid}/comm").read_text(encoding="ascii").strip())
    return names


def test_it_annotates_every_five_minutes(wrapper: Wrapper) -> None:
    """A new address would not be found, or the API server be asked without a pause."""
    process = wrapper.start("succeeds", sleeps='[ "$(wc -l < sleeps)" -lt 3 ] || exec tail -f /dev/null')
    assert wait_until(lambda: len(wrapper.lines("sleeps")) == 3)
    assert wrapper.lines("runs") == ["annotate-once"] * 3
    assert wrapper.lines("sleeps") == ["300"] * 3
    assert process.poll() is None


def test_a_failing_run_ends_the_container(wrapper: Wrapper) -> None:
    """Kubernetes would show a node as healthy that cannot be annotated, and not slow the retries down."""
    process = wrapper.start("fails", sleeps="exit 0")
    assert process.wait(30) == 2
    assert (wrapper.lines("runs"), wrapper.lines("sleeps")) == (["annotate-once"], [])


def test_a_sleep_that_fails_ends_it_too(wrapper: Wrapper) -> None:
    """Where `sleep` cannot be started, the loop would ask the API server as fast as it can."""
    assert wrapper.start("succeeds", sleeps="exit 7").wait(30) == 7
    assert wrapper.lines("runs") == ["annotate-once"]


def test_it_ends_at_once_while_a_run_is_under_way(wrapper: Wrapper) -> None:
    """Each rollout and drain would wait for the grace period, and the run go on as an orphan."""
    process = wrapper.start("hangs")
    assert wait_until(lambda: bool(wrapper.lines("running")))
    assert terminated(process) < AT_ONCE_SECONDS
    assert process.returncode == 143
    assert wait_until(lambda: not is_running(int(wrapper.lines("running")[0])))


def test_it_ends_at_once_even_if_the_run_does_not_listen(wrapper: Wrapper) -> None:
    """A run that is stuck would hold up the container's end."""
    process = wrapper.start("hangs and is deaf")
    assert wait_until(lambda: bool(wrapper.lines("running")))
    assert terminated(process) < AT_ONCE_SECONDS
    assert process.returncode == 143


def test_it_ends_at_once_while_it_sleeps(wrapper: Wrapper) -> None:
    """Each rollout and drain would wait for the grace period."""
    process = wrapper.start("succeeds", sleeps='echo "$$" > sleeping; exec tail -f /dev/null')
    assert wait_until(lambda: bool(wrapper.lines("sleeping")))
    assert terminated(process) < AT_ONCE_SECONDS
    assert process.returncode == 143
    assert wait_until(lambda: not is_running(int(wrapper.lines("sleeping")[0])))


def test_only_a_shell_and_a_sleep_stay_between_the_runs(wrapper: Wrapper) -> None:
    """Every public node would hold a Python process in memory for five minutes of doing nothing."""
    process = wrapper.start("succeeds")
    assert wait_until(lambda: bool(wrapper.lines("runs")) and commands(children(process)) == ["sleep"])
    resident = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text(encoding="ascii"))
    assert resident is not None
    assert int(resident[1]) < 8 * 1024


def test_shellcheck_has_no_complaint(tmp_path: Path) -> None:
    """A shell's trap for the unwary would be found by an operator."""
    path = tmp_path / "wrapper.sh"
    path.write_text(f"#!{SHELL}\n{script()}", encoding="utf-8")
    shellcheck = Path(sys.executable).with_name("shellcheck")
    ended = subprocess.run([shellcheck, "--enable=all", path], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
