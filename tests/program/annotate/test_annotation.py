"""annotate-once against a cluster: what it asks for, what it writes, and how it ends when something is in the way."""

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.kubernetes import User
from tests.sandbox.server import Fault, wait_until
from tests.sandbox.world import PREFIX, PROGRAM, Finished, World
from tests.support.kubelets import DEEP, ODD_TIMES, claims
from tests.support.processes import (
    ANNOTATE,
    GRACE_SECONDS,
    NODE,
    bare_environment,
    complaint,
    environment_of,
    login,
    network,
    run,
    start,
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
    return world.run("annotate-once", "--node-name", NODE, *options, **variables)


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
    """A thousand nodes a minute would each cost the API server more than they must."""
    assert annotate(cluster).returncode == 0
    (call,) = cluster.cluster.calls
    assert (call.operation, call.request.method) == ("patch nodes", "PATCH")


def test_the_addresses_shown_are_the_addresses_written(cluster: World) -> None:
    """People would look at one list while DNS is made of another."""
    shown = [each["address"] for each in document(annotate(cluster, "--output", "json"))["addresses"]]
    assert annotations(cluster)[NODE_IPS] == ",".join(shown)


def test_the_addresses_of_the_host_replace_those_of_the_node() -> None:
    """Old addresses of the machine would stay in DNS, or the new ones in another order at each run."""
    written, _ = annotations_in_a_network("""
        link eth0; link eth1
        ip address add 100.20.0.1/32 dev eth0; ip address add 9.9.9.9/32 dev eth1; ip address add 10.0.0.1/8 dev eth0
        ip address add 2606:4700::1/128 dev eth0 nodad; ip address add 2001:4860::9/128 dev eth1 nodad
    """)
    assert written[NODE_IPS] == "9.9.9.9,100.20.0.1,2001:4860::9,2606:4700::1"


def test_an_address_on_two_interfaces_is_written_once() -> None:
    """One address would count twice against the node's limit."""
    written, _ = annotations_in_a_network("""
        link eth0; ip address add 9.9.9.9/32 dev eth0; link eth1; ip address add 9.9.9.9/32 dev eth1
    """)
    assert written[NODE_IPS] == "9.9.9.9"


def test_a_node_without_a_public_address_says_so(cluster: World) -> None:
    """Nobody could tell "looked, found none" from "never looked"."""
    finished = cluster.run(*ANNOTATE)
    assert finished.returncode == 0, finished.stderr
    assert annotations(cluster)[NODE_IPS] == ""


def test_addresses_that_are_gone_are_taken_away(world: World) -> None:
    """Visitors would be sent to an address the machine has lost."""
    world.node(NODE, "203.0.113.9,2001:4860::9")
    assert world.run(*ANNOTATE).returncode == 0
    assert annotations(world)[NODE_IPS] == ""


def test_the_boot_id_is_the_kernels(cluster: World) -> None:
    """A rebooted node with another address would be published with its old one, or never again."""
    annotate(cluster)
    kernel = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    assert annotations(cluster)[BOOT_ID] == kernel


def test_nothing_else_of_the_node_is_touched(world: World) -> None:
    """Coordinates, labels or other people's annotations would be lost."""
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


def test_a_second_run_writes_nothing(cluster: World) -> None:
    """Every node would wake every watcher of nodes once a minute."""
    annotate(cluster)
    version = metadata(cluster)["resourceVersion"]
    assert annotate(cluster).returncode == 0
    assert metadata(cluster)["resourceVersion"] == version


def test_the_document_says_whether_anything_changed(cluster: World) -> None:
    """Scripts could not tell a first annotation from a repeated one."""
    first, second = (document(annotate(cluster, "--output", "json"))["changed"] for _ in range(2))
    assert (first, second) == (True, False)


def test_another_writers_change_in_between_is_told_as_a_change(cluster: World) -> None:
    """A node whose annotation somebody keeps overwriting would look calm."""
    annotate(cluster)
    cluster.kubernetes.edit("Node", NODE, lambda node: node["metadata"]["annotations"].update({NODE_IPS: "9.9.9.9"}))
    assert document(annotate(cluster, "--interface", "lo", "--output", "json"))["changed"] is True


def test_a_patch_needs_no_date(cluster: World) -> None:
    """Nodes would not be annotated behind a proxy that drops the header, which only ages are reckoned from."""
    undated(cluster)
    assert document(annotate(cluster, "--output", "json"))["changed"] is True


def test_an_unknown_node_may_yet_register(world: World) -> None:
    """A DaemonSet pod that starts before its node is known would be taken for misconfigured."""
    line = complaint(world.run(*ANNOTATE), 1)
    assert NODE in line
    assert "not found" in line


def test_a_missing_permission_is_a_configuration_error(cluster: World) -> None:
    """People would wait for a retry where only a role helps; the server's words say which."""
    cluster.kubernetes.tokens["may-list"] = User("reader", frozenset({("list", "nodes")}))
    cluster.kubeconfig.write_text(json.dumps(login(cluster, "may-list")), encoding="utf-8")
    line = complaint(annotate(cluster), 2)
    assert 'User "reader" cannot patch resource "nodes"' in line
    assert BOOT_ID not in annotations(cluster)


def test_a_token_that_is_not_accepted_may_be_renewed(cluster: World) -> None:
    """An expired token would be taken for a wrong setting, which no later run could mend."""
    cluster.kubeconfig.write_text(json.dumps(login(cluster, "expired")), encoding="utf-8")
    line = complaint(annotate(cluster), 1)
    assert "401" in line
    assert "log in" in line


def test_a_change_whose_answer_was_lost_is_told_as_a_change(cluster: World) -> None:
    """The log would say "unchanged" of the very run that changed the node."""
    cluster.cluster.fail(Fault("applied then dropped", last=1))
    assert document(annotate(cluster, "--output", "json"))["changed"] is True


def test_trouble_that_passed_is_told(cluster: World) -> None:
    """A cluster that is flaky would look fine in the log."""
    cluster.cluster.fail(Fault("unavailable", last=1))
    (line,) = (line for line in annotate(cluster).stderr.splitlines() if line.startswith("warning"))
    assert "currently unable to handle the request" in line


def test_without_a_node_name_nothing_is_asked_of_the_cluster(cluster: World) -> None:
    """A pod without its node's name would fail at the API server, in words that do not help."""
    line = complaint(cluster.run("annotate-once"), 2)
    assert "--node-name" in line
    assert "KUBE_NODE_NAME" in line
    assert cluster.cluster.calls == []


@pytest.mark.parametrize("variable", ["KUBE_NODE_NAME", "KUBE_NODE_DNS_NODE_NAME"])
def test_the_environment_names_the_node(cluster: World, variable: str) -> None:
    """A DaemonSet's manifest could not pass the name on."""
    assert cluster.run("annotate-once", **{variable: NODE}).returncode == 0
    assert BOOT_ID in annotations(cluster)


@pytest.mark.parametrize("variable", ["KUBE_NODE_NAME", "KUBE_NODE_DNS_NODE_NAME"])
def test_the_option_names_the_node_before_the_environment(cluster: World, variable: str) -> None:
    """Somebody who tries another node's name by hand would write to this one."""
    assert annotate(cluster, **{variable: "somebody-else"}).returncode == 0
    assert BOOT_ID in annotations(cluster)


def test_a_dry_run_needs_no_cluster_no_login_and_no_name() -> None:
    """Nobody could try the program on a machine before there is a cluster."""
    finished = run(("annotate-once", "--dry-run"), {"PATH": os.environ["PATH"]})
    assert finished.returncode == 0, finished.stderr
    assert finished.stderr == ""
    assert "127.0.0.1" in finished.stdout


def test_a_dry_run_sends_nothing(cluster: World) -> None:
    """Somebody who only wants to look would change the node."""
    before = metadata(cluster)
    result = document(annotate(cluster, "--dry-run", "--output", "json"))
    assert cluster.cluster.calls == []
    assert metadata(cluster) == before
    assert (result["dry_run"], result["changed"], result["node"]) == (True, False, NODE)


def test_the_environment_asks_for_a_dry_run(cluster: World) -> None:
    """A trial set up in a manifest would be a real run."""
    assert annotate(cluster, KUBE_NODE_DNS_DRY_RUN="true").returncode == 0
    assert cluster.cluster.calls == []


def test_the_document_is_the_contracts() -> None:
    """Programs that read it would break."""
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


def test_the_document_of_a_dry_run_without_a_name_has_no_node() -> None:
    """Programs could not tell a machine without a name from a node."""
    result = document(run(("annotate-once", "--dry-run", "--output", "json"), bare_environment()))
    assert result["node"] is None


def test_a_failed_run_gives_the_document_with_its_status(world: World) -> None:
    """Programs would have to parse nothing at all when a run fails."""
    result = document(world.run(*ANNOTATE, "--output", "json"), 1)
    assert (result["status"], result["changed"], result["node"]) == (1, False, NODE)


def test_the_text_shows_each_address_and_why_it_is_left_out(cluster: World) -> None:
    """People could not see why their node is not published."""
    (row,) = (line for line in annotate(cluster).stdout.splitlines() if line.startswith("127.0.0.1 "))
    assert row.split()[1:4] == ["interface", "lo", "no"]
    assert "not globally reachable" in row


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_run_that_waits_for_the_cluster(cluster: World, number: signal.Signals) -> None:
    """A pod would hang until it is killed, and its node's drain with it."""
    cluster.cluster.fail(Fault("slow"))
    process = cluster.start(*ANNOTATE)
    assert wait_until(lambda: bool(cluster.cluster.calls), 30)
    process.send_signal(number)
    _, words = process.communicate(timeout=GRACE_SECONDS)
    assert process.returncode == 128 + number
    assert "Traceback" not in words


def test_a_signal_ends_a_run_between_two_attempts(cluster: World) -> None:
    """The pauses between attempts would delay the end of a pod."""
    cluster.cluster.fail(Fault("unavailable"))
    process = start([*PROGRAM, *ANNOTATE], environment_of(cluster))
    assert wait_until(lambda: len(cluster.cluster.calls) > 2, 30)
    process.terminate()
    process.communicate(timeout=GRACE_SECONDS)
    assert process.returncode == 143
