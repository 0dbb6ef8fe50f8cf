"""Login plugins of a kubeconfig: what they give is used, and a run never hangs in one."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.sandbox.server import wait_until
from tests.sandbox.world import World
from tests.support import forks
from tests.support.logins import LOGIN, credential, plugged, plugin, who
from tests.support.processes import GRACE_SECONDS, complaint


@pytest.mark.parametrize("token", ["second", "second\n", " second "], ids=["plain", "newline", "spaces"])
def test_a_plugin_gives_the_token(cluster: World, token: str) -> None:
    """The token of a plugin logs in; white space around it reaches no header."""
    plugin(cluster, credential(token))
    assert who(forks.run(cluster, *LOGIN), cluster.cluster) == "second"


def test_a_plugin_is_asked_again_when_its_token_has_expired(cluster: World) -> None:
    """A plugin is asked again when its token has expired; white space around the token reaches no header."""
    expired = {"status": {"token": "first\n", "expirationTimestamp": "2020-01-01T00:00:00Z"}}
    document = json.dumps({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential"} | expired)
    count = cluster.home / "count"
    plugin(cluster, f"echo >> {count}; cat <<'END'\n{document}\nEND")
    cluster.route53.zone("example.com")
    finished = forks.run(cluster, "sync-once", "--domain", "cdn.example.com", "--min-nodes", "0")
    assert finished.returncode == 0, finished.stderr
    assert {call.request.headers["Authorization"] for call in cluster.cluster.calls} == {"Bearer first"}
    assert len(count.read_text("utf-8")) > len(cluster.cluster.calls)


def test_a_plugins_words_stay_out_of_the_result(cluster: World) -> None:
    """What a plugin says on standard error stays out of the JSON document."""
    plugin(cluster, f"echo hello >&2; {credential('second')}")
    finished = forks.run(cluster, *LOGIN, "--output", "json")
    assert json.loads(finished.stdout)["status"] == 0


@pytest.mark.parametrize(
    ("script", "words"),
    [
        pytest.param("echo first >&2; echo 'please log in' >&2; exit 3", "please log in", id="status"),
        pytest.param("echo nonsense", "exec", id="nonsense"),
        pytest.param("exit 0", "exec", id="nothing"),
        pytest.param("echo '{}'", "exec", id="empty credential"),
    ],
)
def test_a_plugin_that_fails_may_work_the_next_time(cluster: World, script: str, words: str) -> None:
    """A plugin that fails is an error of status 1, which a later run can pass, with the plugin's own words if any."""
    plugin(cluster, script)
    assert words in complaint(forks.run(cluster, *LOGIN), 1)
    assert cluster.cluster.calls == []


def test_a_plugin_that_is_not_there_is_named(cluster: World) -> None:
    """A plugin that is not there is named in the error, and no request is made."""
    plugged(cluster, cluster.home / "not-installed")
    finished = forks.run(cluster, *LOGIN)
    assert "not-installed" in complaint(finished, finished.returncode)
    assert finished.returncode in {1, 2}
    assert cluster.cluster.calls == []


@pytest.fixture
def hanging(cluster: World) -> Iterator[Path]:
    """Log in with a plugin that waits for somebody who never comes; give the file with its process id."""
    pid = cluster.home / "pid"
    plugin(cluster, f"echo $$ > {pid}; exec sleep 60 2> /dev/null")
    yield pid
    with suppress(ProcessLookupError):
        os.kill(int(pid.read_text("ascii")), signal.SIGKILL)


@pytest.mark.usefixtures("hanging")
def test_the_deadline_ends_a_plugin_that_hangs(cluster: World) -> None:
    """A plugin that hangs ends the run at its deadline with status 1 and one line."""
    assert "15" in complaint(forks.run(cluster, *LOGIN), 1)


def test_sigterm_ends_a_run_inside_a_plugin(cluster: World, hanging: Path) -> None:
    """SIGTERM ends a run that waits for its plugin, with status 143."""
    process = forks.start(cluster, *LOGIN)
    assert wait_until(lambda: hanging.exists() and hanging.stat().st_size > 0, 30)
    process.terminate()
    assert process.wait(GRACE_SECONDS) == 143
