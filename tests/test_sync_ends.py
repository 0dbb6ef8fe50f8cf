"""How a run of sync-once ends when it must: at the deadline, on SIGTERM, without a reader of its output."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import pytest

from tests.processes import environment_of, start
from tests.sandbox.server import Fault, wait_until
from tests.sandbox.world import PROGRAM, Finished, World
from tests.sync_runs import DOMAIN, FRA_4, WRITE, Gate, all_in_one, answers, document, no_place, shows, undated

QUICKLY = 10.0
"""Seconds: a process that is told to end does so in a fraction of one, but this machine may be busy."""

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


AT_DEADLINE: dict[str, Callable[[World], object]] = {
    "route53-unreachable": lambda world: world.dns.refuse(),
    "cluster-unreachable": lambda world: world.cluster.refuse(),
    "route53-throttles-reads": lambda world: world.dns.fail(Fault("throttled")),
    "route53-throttles-writes": lambda world: world.dns.fail(Fault("throttled", WRITE)),
    "cluster-throttles": lambda world: world.cluster.fail(Fault("throttled")),
    "route53-answers-nothing": lambda world: world.dns.fail(Fault("empty", "ListResourceRecordSets")),
    "route53-answers-half": lambda world: world.dns.fail(Fault("malformed", "ListResourceRecordSets")),
    "cluster-answers-nothing": lambda world: world.cluster.fail(Fault("empty")),
    "cluster-answers-half": lambda world: world.cluster.fail(Fault("malformed")),
    "cluster-has-no-clock": undated,
    "route53-is-silent": lambda world: world.dns.fail(Fault("slow", "ListResourceRecordSets")),
    "cluster-is-silent": lambda world: world.cluster.fail(Fault("slow")),
    "login-plugin-hangs": hang_at_login,
}


@pytest.fixture(scope="module")
def at_deadline() -> Iterator[dict[str, tuple[World, Finished]]]:
    """Let every run go to its deadline, all at the same time."""
    with ExitStack() as stack:
        worlds = {name: stack.enter_context(World()) for name in AT_DEADLINE}
        for name, world in worlds.items():
            shows(world, no_place(world), {"A simple": [FRA_4, "192.0.2.1"]})
            AT_DEADLINE[name](world)
        last = ("--timeout", "20", "--output", "json", "--min-nodes", "0")
        started = {name: world.start(*RUN, *last) for name, world in worlds.items()}
        ended = {name: (worlds[name], finish(process, 60)) for name, process in started.items()}
        end_plugin(worlds["login-plugin-hangs"].home / "plugin")
        yield ended


def finish(process: subprocess.Popen[str], seconds: float = QUICKLY) -> Finished:
    """Wait for the end of a process, and not for those it has left behind."""
    try:
        out, err = process.communicate(timeout=seconds)
    finally:
        process.kill()
    return Finished(process.args, process.returncode, out, err)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("route53-unreachable", "Route 53 unreachable"),
        ("cluster-unreachable", "Kubernetes API server unreachable"),
        ("route53-throttles-reads", "Rate exceeded"),
        ("route53-throttles-writes", "Rate exceeded"),
        ("cluster-throttles", "Too many requests"),
        ("route53-answers-nothing", "ListResourceRecordSets"),
        ("route53-answers-half", "ListResourceRecordSets"),
        ("cluster-answers-nothing", "GET /api/v1/nodes"),
        ("cluster-answers-half", "GET /api/v1/nodes"),
        ("cluster-has-no-clock", "GET /api/v1/nodes: the answer has no Date that can be read"),
        ("route53-is-silent", "Route 53 unreachable"),
        ("cluster-is-silent", "--timeout"),
        ("login-plugin-hangs", "--timeout"),
    ],
)
def test_outage_ends_the_run_at_the_deadline(
    at_deadline: dict[str, tuple[World, Finished]], name: str, words: str
) -> None:
    """A run would hang, take an outage for "no nodes" or "no records", or not tell what it has been waiting for."""
    world, finished = at_deadline[name]
    found = document(finished)
    assert (finished.returncode, found["status"]) == (1, 1)
    assert words in found["domains"][0]["error"], found["domains"][0]["error"]
    assert words in finished.stderr
    assert world.route53.history == []


def slow_to_answer(operation: str) -> Callable[[World], Gate]:
    """Make a world whose operation is held until the test ends."""
    return lambda world: Gate(world.cluster if operation == "list nodes" else world.dns, operation)


@pytest.mark.parametrize(
    "operation", ["ListHostedZonesByName", "ListResourceRecordSets", "list nodes", WRITE, "GetChange"]
)
def test_sigterm_ends_the_run_at_once(world: World, operation: str) -> None:
    """A pod would use up its grace period, and a node that shuts down would wait for it."""
    no_place(world)
    gate = slow_to_answer(operation)(world)
    process = world.start(*RUN, "--wait")
    gate.reached()
    process.terminate()
    finished = finish(process)
    gate.open()
    assert finished.returncode == 143
    assert "Traceback" not in finished.stderr


def test_sigint_ends_the_run_at_once(world: World) -> None:
    """Ctrl-C at a terminal would show a traceback, or nothing would happen."""
    no_place(world)
    gate = slow_to_answer("list nodes")(world)
    process = world.start(*RUN)
    gate.reached()
    process.send_signal(signal.SIGINT)
    finished = finish(process)
    gate.open()
    assert (finished.returncode, "Traceback" in finished.stderr) == (130, False)


def test_sigterm_ends_a_run_that_waits_to_try_again(world: World) -> None:
    """A pod would use up its grace period while Route 53 is throttled."""
    no_place(world)
    world.dns.fail(Fault("throttled"))
    process = world.start(*RUN)
    assert wait_until(lambda: len(world.dns.calls) >= 3, 60)
    process.terminate()
    assert finish(process).returncode == 143


def test_sigterm_ends_a_login_plugin_that_hangs(world: World) -> None:
    """A broken plugin would keep the pod until it is killed."""
    told = hang_at_login(world)
    process = world.start(*RUN)
    assert wait_until(lambda: told.exists() and bool(told.read_text()), 60)
    process.terminate()
    finished = finish(process)
    end_plugin(told)
    assert finished.returncode == 143


def test_login_plugin_that_fails_is_quoted(world: World) -> None:
    """A user would not learn what the plugin has to say."""
    no_place(world)
    login_with(world, "echo the hardware key is missing >&2; exit 3")
    finished = world.run(*RUN)
    assert finished.returncode == 1
    assert (
        "exit status 3" in finished.stderr
        or "exit code (3)" in finished.stderr
        or "the hardware key" in finished.stderr
    )
    assert "Traceback" not in finished.stderr


def test_run_killed_in_its_write_is_put_right_by_the_next(world: World) -> None:
    """What a run leaves behind when its pod is killed would stay, or stop the next one."""
    zone = no_place(world)
    gate = Gate(world.dns, WRITE)
    process = world.start(*RUN)
    gate.reached()
    process.kill()
    finish(process)
    gate.open()
    assert world.run(*RUN).returncode == 0
    assert answers(world, zone) == all_in_one()


def written_to(world: World, stdout: int | IO[str]) -> Finished:
    """Run it with another standard output."""
    return finish(start([*PROGRAM, *RUN], environment_of(world), stdout=stdout), 60)


def test_reader_that_has_seen_enough_is_no_error(world: World) -> None:
    """`kube-node-dns sync-once | head -1` would show a traceback and count as failed."""
    zone = no_place(world)
    read, write = os.pipe()
    os.close(read)
    finished = written_to(world, write)
    os.close(write)
    assert (finished.returncode, "Traceback" in finished.stderr, "Exception" in finished.stderr) == (0, False, False)
    assert answers(world, zone) == all_in_one()


def test_full_disk_is_told(world: World) -> None:
    """A script would go on with half a document."""
    zone = no_place(world)
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        finished = written_to(world, full)
    assert finished.returncode == 1
    assert "No space left" in finished.stderr
    assert "Traceback" not in finished.stderr
    assert answers(world, zone) == all_in_one()


def test_closed_standard_output_is_no_reason_to_write_nothing(world: World) -> None:
    """A Job whose runtime gives it no standard output would stop keeping DNS."""
    zone = no_place(world)
    environment = environment_of(world)
    finished = finish(start(["sh", "-c", 'exec "$0" "$@" >&-', *PROGRAM, *RUN], environment), 60)
    assert "Traceback" not in finished.stderr
    assert answers(world, zone) == all_in_one()
