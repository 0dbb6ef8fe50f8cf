"""annotate-once against a cluster: what it asks for, what it writes, and how it ends when something is in the way."""

import json
import os
import shlex
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.kubernetes import User
from tests.sandbox.server import Fault, wait_until
from tests.sandbox.world import PREFIX, PROGRAM, Finished, World
from tests.support import forks
from tests.support.kubelets import DEEP, ODD_TIMES, claims
from tests.support.processes import (
    ANNOTATE,
    GRACE_SECONDS,
    NODE,
    bare_environment,
    complaint,
    environment_of,
    isolated,
    login,
    network,
    run,
)
from tests.support.sync_runs import undated

NODE_IPS, BOOT_ID = f"{PREFIX}node-ips", f"{PREFIX}boot-id"

IN_A_NETWORK_OF_ITS_OWN = f"""
import json
from tests.sandbox.world import World
with World() as world:
    world.node("{NODE}", "203.0.113.9")
    finished = world.run("annotate-once", "--node-name", "{NODE}", "--output", "json")
    print(json.dumps([world.kubernetes.get("Node", "{NODE}")["metadata"]["annotations"], finished.stdout]))
"""


@pytest.fixture
def cluster(world: World) -> World:
    """Give a cluster that knows this node, not yet annotated."""
    world.node(NODE)
    return world


def annotate(world: World, *options: str, **variables: str) -> Finished:
    """Annotate with the addresses this machine happens to have."""
    return forks.run(world, "annotate-once", "--node-name", NODE, *options, **variables)


def document(finished: Finished, status: int = 0) -> dict[str, Any]:
    """Read the JSON document of a run that ended as expected."""
    assert finished.returncode == status, finished.stderr
    result: dict[str, Any] = json.loads(finished.stdout)
    return result


def metadata(world: World) -> dict[str, Any]:
    """Give the node's metadata as the cluster has it now."""
    result: dict[str, Any] = world.kubernetes.get("Node", NODE)["metadata"]
    return result


def annotations(world: World) -> dict[str, str]:
    """Give the node's annotations."""
    return dict(metadata(world).get("annotations", {}))


def annotations_in_a_network(script: str) -> tuple[dict[str, str], dict[str, Any]]:
    """Run cluster and program in a network of their own; give the annotations written and the document."""
    command = [*network(script), str(Path(PROGRAM[0]).with_name("python")), "-c", IN_A_NETWORK_OF_ITS_OWN]
    out = subprocess.run(command, env=bare_environment(), stdout=subprocess.PIPE, text=True, check=True).stdout
    written, printed = json.loads(out)
    return written, json.loads(printed)


def test_one_request_is_made_and_it_is_a_patch(cluster: World) -> None:
    """An annotation costs one request, a PATCH of the node."""
    assert annotate(cluster).returncode == 0
    (call,) = cluster.cluster.calls
    assert (call.operation, call.request.method) == ("patch nodes", "PATCH")


def test_the_addresses_shown_are_the_addresses_written(cluster: World) -> None:
    """The addresses in the JSON document are those in the annotation, in the same order."""
    shown = [each["address"] for each in document(annotate(cluster, "--output", "json"))["addresses"]]
    assert annotations(cluster)[NODE_IPS] == ",".join(shown)


def test_the_addresses_of_the_host_replace_those_of_the_node() -> None:
    """The host's addresses replace the old annotation, IPv4 first, each family in numeric order."""
    written, _ = annotations_in_a_network("""
        link eth0; link eth1
        ip address add 100.20.0.1/32 dev eth0; ip address add 9.9.9.9/32 dev eth1; ip address add 10.0.0.1/8 dev eth0
        ip address add 2606:4700::1/128 dev eth0 nodad; ip address add 2001:4860::9/128 dev eth1 nodad
    """)
    assert written[NODE_IPS] == "9.9.9.9,100.20.0.1,2001:4860::9,2606:4700::1"


def test_an_address_on_two_interfaces_is_written_once() -> None:
    """An address that two interfaces have is written once. Twice, it counts twice against the node's limit."""
    written, _ = annotations_in_a_network("""
        link eth0; ip address add 9.9.9.9/32 dev eth0; link eth1; ip address add 9.9.9.9/32 dev eth1
    """)
    assert written[NODE_IPS] == "9.9.9.9"


def test_addresses_that_are_gone_are_taken_away(world: World) -> None:
    """Addresses that the machine no longer has are removed from the annotation."""
    world.node(NODE, "203.0.113.9,2001:4860::9")
    assert forks.run(world, *ANNOTATE).returncode == 0
    assert annotations(world)[NODE_IPS] == ""


def test_the_boot_id_is_the_kernels(cluster: World) -> None:
    """The annotated boot id is the kernel's."""
    annotate(cluster)
    kernel = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    assert annotations(cluster)[BOOT_ID] == kernel


def test_the_boot_id_is_that_of_the_kubelet(world: World, tmp_path: Path) -> None:
    """Where the node's own boot id is mounted, that counts: kubelets in LXC containers see another one than pods."""
    world.node(NODE)
    mounted = tmp_path / "boot_id"
    mounted.write_text("5c1f7a3e-0000-4000-8000-00000000001c\n", "ascii")
    script = f"""
        set -eu
        mount -t tmpfs tmpfs /var/run
        mkdir /var/run/kube-node-dns
        ln -s {shlex.quote(str(mounted))} /var/run/kube-node-dns/boot_id
        exec "$@"
    """
    inside = (*isolated("mount"), "sh", "-c", script, "sh")
    finished = run(ANNOTATE, environment_of(world), inside=inside)
    assert finished.returncode == 0, finished.stderr
    assert annotations(world)[BOOT_ID] == mounted.read_text("ascii").strip()


def test_nothing_else_of_the_node_is_touched(world: World) -> None:
    """Nothing of the node changes but the two annotations: coordinates, labels and others' annotations stay."""
    theirs = {"example.com/theirs": "kept", f"{PREFIX}aws-geoproximity-coordinates": "1.35,103.82"}
    world.node(NODE, annotations=theirs)
    before = world.kubernetes.get("Node", NODE)
    assert annotate(world).returncode == 0
    after = world.kubernetes.get("Node", NODE)
    assert {key: after["metadata"]["annotations"].pop(key) for key in (NODE_IPS, BOOT_ID)}
    for changing in ("resourceVersion", "managedFields"):
        before["metadata"].pop(changing, None)
        after["metadata"].pop(changing, None)
    assert after == before


@pytest.mark.parametrize(
    ("fields", "time"),
    [
        pytest.param({"f:spec": {"f:podCIDR": {}}}, ODD_TIMES["year-0"], id="odd-time"),
        pytest.param(DEEP, None, id="deep"),
    ],
)
def test_whatever_else_wrote_to_the_node_is_no_obstacle(cluster: World, fields: object, time: str | None) -> None:
    """Writes the addresses with one request, and sees that it did, however odd the object's managers are."""
    claims(cluster, "Node", NODE, fields, time)
    assert document(annotate(cluster, "--output", "json"))["changed"]
    assert BOOT_ID in annotations(cluster)
    assert cluster.cluster.operations() == ["patch nodes"]


def test_the_document_says_whether_anything_changed(cluster: World) -> None:
    """The JSON document says that the first run changed the node, and that the second did not: it wakes no watcher."""
    assert document(annotate(cluster, "--output", "json"))["changed"] is True
    version = metadata(cluster)["resourceVersion"]
    assert document(annotate(cluster, "--output", "json"))["changed"] is False
    assert metadata(cluster)["resourceVersion"] == version


def test_another_writers_change_in_between_is_told_as_a_change(cluster: World) -> None:
    """A run that overwrites another writer's value reports a change."""
    annotate(cluster)
    cluster.kubernetes.edit("Node", NODE, lambda node: node["metadata"]["annotations"].update({NODE_IPS: "9.9.9.9"}))
    assert document(annotate(cluster, "--interface", "lo", "--output", "json"))["changed"] is True


def test_a_patch_needs_no_date(cluster: World) -> None:
    """A node is annotated even if the API server's answer has no Date, which a proxy may drop."""
    undated(cluster)
    assert document(annotate(cluster, "--output", "json"))["changed"] is True


def test_an_unknown_node_may_yet_register(world: World) -> None:
    """A node that the cluster does not know is an error of status 1, which a later run can pass.

    A pod of the DaemonSet may start before its node is registered.
    """
    line = complaint(forks.run(world, *ANNOTATE), 1)
    assert NODE in line
    assert "not found" in line


def test_a_missing_permission_is_a_configuration_error(cluster: World) -> None:
    """A missing right to patch nodes is an error of status 2, in the server's words, and nothing is written."""
    cluster.kubernetes.tokens["may-list"] = User("reader", frozenset({("list", "nodes")}))
    cluster.kubeconfig.write_text(json.dumps(login(cluster, "may-list")), encoding="utf-8")
    line = complaint(annotate(cluster), 2)
    assert 'User "reader" cannot patch resource "nodes"' in line
    assert BOOT_ID not in annotations(cluster)


def test_a_change_whose_answer_was_lost_is_told_as_a_change(cluster: World) -> None:
    """A change whose answer was lost is repeated, and reported as a change."""
    cluster.cluster.fail(Fault("applied then dropped", last=1))
    assert document(annotate(cluster, "--output", "json"))["changed"] is True


def test_trouble_that_passed_is_told(cluster: World) -> None:
    """A request that succeeds only when it is repeated leaves one warning, with the server's words."""
    cluster.cluster.fail(Fault("unavailable", last=1))
    (line,) = (line for line in annotate(cluster).stderr.splitlines() if line.startswith("warning"))
    assert "currently unable to handle the request" in line


def test_without_a_node_name_nothing_is_asked_of_the_cluster(cluster: World) -> None:
    """Without a node's name the run ends with status 2 and names the option and the variable; no request is made."""
    line = complaint(forks.run(cluster, "annotate-once"), 2)
    assert "--node-name" in line
    assert "KUBE_NODE_NAME" in line
    assert cluster.cluster.calls == []


def test_a_dry_run_needs_no_cluster_no_login_and_no_name() -> None:
    """A dry run shows the machine's addresses without a cluster, a login or a node's name; that is null then."""
    finished = run(("annotate-once", "--dry-run", "--output", "json"), {"PATH": os.environ["PATH"]})
    assert finished.stderr == ""
    assert document(finished)["node"] is None
    assert "127.0.0.1" in finished.stdout


def test_a_dry_run_sends_nothing(cluster: World) -> None:
    """A dry run sends no request, leaves the node as it is, and reports what it would change."""
    before = metadata(cluster)
    result = document(annotate(cluster, "--dry-run", "--output", "json"))
    assert cluster.cluster.calls == []
    assert metadata(cluster) == before
    assert (result["dry_run"], result["changed"], result["node"]) == (True, False, NODE)


def test_the_document_is_the_contracts() -> None:
    """The JSON document has the documented fields, in full, and a reason for each address that is left out."""
    _, printed = annotations_in_a_network("""
        link eth0; ip address add 9.9.9.9/32 dev eth0; ip address add 10.1.2.3/32 dev eth0
    """)
    assert {each.pop("source") for each in printed["addresses"] + printed["left_out"]} == {"interface"}
    reasons = [each.pop("reason") for each in printed["left_out"]]
    assert all(isinstance(reason, str) and reason for reason in reasons)
    assert printed == {
        "dry_run": False,
        "status": 0,
        "node": NODE,
        "changed": True,
        "addresses": [{"address": "9.9.9.9", "interface": "eth0"}],
        "left_out": [
            {"address": "10.1.2.3", "interface": "eth0"},
            {"address": "127.0.0.1", "interface": "lo"},
            {"address": "::1", "interface": "lo"},
        ],
    }


def test_a_failed_run_gives_the_document_with_its_status(world: World) -> None:
    """A failed run prints the JSON document too, with its status."""
    result = document(forks.run(world, *ANNOTATE, "--output", "json"), 1)
    assert (result["status"], result["changed"], result["node"]) == (1, False, NODE)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_run_that_waits_for_the_cluster(cluster: World, number: signal.Signals) -> None:
    """SIGTERM or SIGINT ends a run that waits for an answer, with status 128 plus the signal's number."""
    cluster.cluster.fail(Fault("slow"))
    run = forks.start(cluster, *ANNOTATE)
    assert wait_until(lambda: bool(cluster.cluster.calls), 30)
    run.send_signal(number)
    finished = run.finish(GRACE_SECONDS)
    assert finished.returncode == 128 + number
    assert "Traceback" not in finished.stderr
