"""How a run of sync-once ends when it must: at the deadline, and on SIGTERM while it is busy with no call."""

import json
import os
import signal
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.sandbox.server import Fault, wait_until
from tests.sandbox.world import World
from tests.support import forks
from tests.support.processes import ANNOTATE, GRACE_SECONDS
from tests.support.sync_runs import DOMAIN, FRA_4, document, no_place, shows, undated

RUN = ("sync-once", "--domain", DOMAIN)


def login_with(world: World, script: str) -> None:
    """Give the kubeconfig a login plugin."""
    plugin = {"command": "sh", "args": ["-c", script], "interactiveMode": "Never"}
    config = json.loads(world.kubeconfig.read_text())
    config["users"][0]["user"] = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", **plugin}}
    world.kubeconfig.write_text(json.dumps(config), encoding="utf-8")


def hang_at_login(world: World) -> Path:
    """Give the kubeconfig a login plugin that never answers; it writes its process id to the file returned."""
    told = world.home / "plugin"
    login_with(world, f"echo $$ > {told}; exec sleep 60")
    return told


def end_plugin(told: Path) -> None:
    """End the plugin that a run has left behind."""
    assert wait_until(lambda: told.exists() and bool(told.read_text()), 60)
    os.kill(int(told.read_text()), signal.SIGKILL)


AT_DEADLINE: dict[str, tuple[Callable[[World], object], str]] = {
    "route53-unreachable": (lambda world: world.dns.refuse(), "Route 53 unreachable"),
    "route53-unknown": (no_place, "Route 53 unreachable: the name 'route53.invalid' does not resolve"),
    "cluster-unreachable": (lambda world: world.cluster.refuse(), "Kubernetes API server unreachable"),
    "cluster-has-no-clock": (undated, "GET /api/v1/nodes: the answer has no Date that can be read"),
    "login-plugin-hangs": (hang_at_login, "--timeout"),
}
"""Outages, with the words for each."""


def test_outage_ends_the_run_at_the_deadline() -> None:
    """An outage ends the run at its deadline with status 1; document and log name it, and nothing is written."""
    last = ("--timeout", "20", "--output", "json", "--min-nodes", "0")
    unknown = {"route53-unknown": {"AWS_ENDPOINT_URL_ROUTE_53": "http://route53.invalid"}}
    with ExitStack() as stack:
        worlds = {name: stack.enter_context(World()) for name in AT_DEADLINE}
        for name, world in worlds.items():
            shows(world, no_place(world), {"A simple": [FRA_4, "192.0.2.1"]})
            AT_DEADLINE[name][0](world)
        started = {  # all at the same time
            name: forks.start(world, *RUN, *last, stdout=None, change="", **unknown.get(name, {}))
            for name, world in worlds.items()
        }
        ended = {name: run.finish(60) for name, run in started.items()}
        end_plugin(worlds["login-plugin-hangs"].home / "plugin")
    for name, finished in ended.items():
        found = document(finished)
        assert (finished.returncode, found["status"]) == (1, 1), name
        assert AT_DEADLINE[name][1] in found["domains"][0]["error"], found["domains"][0]["error"]
        assert AT_DEADLINE[name][1] in finished.stderr
        assert worlds[name].route53.history == [], name


def test_sigterm_ends_a_run_that_waits_to_try_again(world: World) -> None:
    """SIGTERM ends a run that waits to repeat a throttled call, with status 143."""
    no_place(world)
    world.dns.fail(Fault("throttled"))
    run = forks.start(world, *RUN)
    assert wait_until(lambda: len(world.dns.calls) >= 3, 60)
    run.terminate()
    assert run.finish(GRACE_SECONDS).returncode == 143


def test_sigterm_ends_a_login_plugin_that_hangs(world: World) -> None:
    """SIGTERM ends a run that waits for its login plugin, with status 143."""
    told = hang_at_login(world)
    run = forks.start(world, *RUN)
    assert wait_until(lambda: told.exists() and bool(told.read_text()), 60)
    run.terminate()
    finished = run.finish(GRACE_SECONDS)
    end_plugin(told)
    assert finished.returncode == 143


def test_login_plugin_that_fails_is_quoted(world: World) -> None:
    """A login plugin that fails is an error of status 1 with its exit status or its words, without a traceback."""
    no_place(world)
    login_with(world, "echo the hardware key is missing >&2; exit 3")
    finished = forks.run(world, *RUN)
    assert finished.returncode == 1
    assert (
        "exit status 3" in finished.stderr
        or "exit code (3)" in finished.stderr
        or "the hardware key" in finished.stderr
    )
    assert "Traceback" not in finished.stderr


@pytest.mark.parametrize(
    ("broken", "arguments", "status"),
    [
        pytest.param("sync_once.conclude", RUN, 1, id="before anything is done"),
        pytest.param("sync_once.node_news", RUN, 0, id="when all is done"),
        pytest.param("annotate_once.boot_id", ANNOTATE, 1, id="annotate-once"),
    ],
)
def test_a_defect_is_one_line_and_leaves_a_result(
    world: World, broken: str, arguments: tuple[str, ...], status: int
) -> None:
    """A defect of the program is one error line that asks to be reported, and the JSON document is printed."""
    no_place(world)
    change = f"from jobs import {broken.partition('.')[0]}; {broken} = None"
    finished = forks.start(world, *arguments, "--output", "json", change=change).finish(60)
    (line,) = (line for line in finished.stderr.splitlines() if line.startswith("error: "))
    assert "please report this" in line
    assert (finished.returncode, json.loads(finished.stdout)["status"]) == (status, status)
