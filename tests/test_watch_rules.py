"""The rules of watch by themselves: which events change what a sync would publish, and how a Job is named."""

from dataclasses import replace

import pytest

from jobs.kube import CronJob, NodeEvent
from jobs.model import Condition, Node
from jobs.watch import Change, Standing, job_of, noted, standing
from tests.builders import NODE, PARIS, ipv4

SYNC = CronJob("sync", "uid-1", suspended=False, labels={}, annotations={}, job_spec={"template": {}})
DOWN = replace(NODE, ready=Condition("False", "disk is gone"))
PLACED = replace(NODE, coordinates="48.86,2.35")


def known_after(*nodes: Node) -> dict[str, Standing]:
    """Give what is known once these nodes were listed."""
    return {node.name: standing(node) for node in nodes}


def modified(node: Node) -> NodeEvent:
    """Write the event of an update."""
    return NodeEvent("MODIFIED", "7", node)


MATTERS = [
    pytest.param(NODE, DOWN, "node-1: not ready: disk is gone", id="not ready"),
    pytest.param(NODE, replace(NODE, ready=None), "node-1: not ready: it has no Ready condition", id="no condition"),
    pytest.param(NODE, replace(NODE, cordoned=True), "node-1: cordoned", id="cordoned"),
    pytest.param(NODE, replace(NODE, deleting=True), "node-1: being deleted", id="deleting"),
    pytest.param(
        NODE,
        replace(NODE, boot_id="boot-2"),
        "node-1: rebooted since its addresses were found: annotate-once has not run there yet",
        id="rebooted",
    ),
    pytest.param(
        NODE,
        replace(NODE, node_ips=""),
        "node-1: no address: annotate-once found none on its interfaces",
        id="no address",
    ),
    pytest.param(NODE, replace(NODE, node_ips="10.0.0.1"), "node-1: no globally reachable address", id="private"),
    pytest.param(DOWN, NODE, "node-1: publishable with 5.0.0.1 at no place", id="ready"),
    pytest.param(
        NODE,
        replace(NODE, node_ips="5.0.0.1,2600::1"),
        "node-1: publishable with 5.0.0.1 2600::1 at no place",
        id="one more address",
    ),
    pytest.param(NODE, PLACED, "node-1: publishable with 5.0.0.1 at 48.86,2.35", id="first place"),
    pytest.param(PLACED, NODE, "node-1: publishable with 5.0.0.1 at no place", id="place removed"),
    pytest.param(
        PLACED,
        replace(NODE, coordinates="48.87,2.35"),
        "node-1: publishable with 5.0.0.1 at 48.87,2.35",
        id="another place",
    ),
]
IS_NOTHING = [
    pytest.param(NODE, NODE, id="the same"),
    pytest.param(NODE, replace(NODE, ready=Condition("True", "posting")), id="another message of readiness"),
    pytest.param(DOWN, replace(DOWN, ready=Condition("Unknown", "silent")), id="not ready for another reason"),
    pytest.param(DOWN, replace(DOWN, cordoned=True), id="cordoned while down"),
    pytest.param(DOWN, replace(DOWN, node_ips="5.0.0.9"), id="another address while down"),
    pytest.param(NODE, replace(NODE, node_ips=" 5.0.0.1 ,5.0.0.1"), id="the same address in another notation"),
    pytest.param(NODE, replace(NODE, node_ips="5.0.0.1,10.0.0.1"), id="one more address that is not published"),
    pytest.param(PLACED, replace(NODE, coordinates="48.860, +2.3500"), id="the same place in another notation"),
    pytest.param(NODE, replace(NODE, boot_id="", annotated_boot_id=""), id="boot ids that say nothing"),
]


@pytest.mark.parametrize(("before", "after", "said"), MATTERS)
def test_what_a_sync_would_publish_differently_is_a_change(before: Node, after: Node, said: str) -> None:
    """DNS would follow at the next schedule only, or nobody could read why a Job was made."""
    known = known_after(before)
    assert noted(known, modified(after)) == said
    assert known == known_after(after)


@pytest.mark.parametrize(("before", "after"), IS_NOTHING)
def test_what_a_sync_would_publish_alike_is_none(before: Node, after: Node) -> None:
    """Jobs would be made that find nothing to do."""
    known = known_after(before)
    assert noted(known, modified(after)) is None
    assert known == known_after(after)


@pytest.mark.parametrize("node", [NODE, DOWN], ids=["ready", "not ready"])
@pytest.mark.parametrize("kind", ["ADDED", "MODIFIED"])
def test_a_node_not_seen_before_is_a_change(node: Node, kind: str) -> None:
    """It counts among the selected nodes, a percentage of which --min-nodes asks for."""
    known = known_after()
    assert noted(known, NodeEvent(kind, "7", node))
    assert known == known_after(node)


@pytest.mark.parametrize("node", [NODE, DOWN], ids=["ready", "not ready"])
def test_a_node_that_leaves_is_a_change_once(node: Node) -> None:
    """Its addresses would stay, or a second word about it would make a second Job."""
    known = known_after(node)
    event = NodeEvent("DELETED", "7", node)
    assert noted(known, event) == "node-1: no longer among the selected nodes"
    assert noted(known, event) is None
    assert known == {}


def test_a_bookmark_is_no_change() -> None:
    """A Job a minute would be made for nothing."""
    known = known_after(NODE)
    assert noted(known, NodeEvent("BOOKMARK", "7")) is None
    assert known == known_after(NODE)


def test_the_standing_of_a_node_that_is_skipped_is_none() -> None:
    """Changes of a node that is out would make Jobs that find nothing to do."""
    assert standing(DOWN) is None


def test_the_standing_of_a_node_is_its_addresses_and_place() -> None:
    """Anything else in it would make Jobs for what DNS does not show."""
    assert standing(PLACED) == ((ipv4(1),), PARIS)


NAMES = [
    pytest.param("sync", "7", "sync-7", id="short"),
    pytest.param("s" * 52, "1234567890", "s" * 52 + "-1234567890", id="exactly 63"),
    pytest.param("s" * 52, "12345678901", "s" * 51 + "-12345678901", id="one too many"),
    pytest.param("s" * 52, str(2**64 - 1), "s" * 42 + f"-{2**64 - 1}", id="the largest version"),
    pytest.param("s" * 41 + "-" * 3 + "s" * 8, str(2**64 - 1), "s" * 41 + f"-{2**64 - 1}", id="cut at a hyphen"),
    pytest.param("s" * 40 + ".sync-fast-now", str(2**64 - 1), "s" * 40 + f".s-{2**64 - 1}", id="with a dot"),
    pytest.param("s" * 41 + ".sync-fast", str(2**64 - 1), "s" * 41 + f"-{2**64 - 1}", id="cut at a dot"),
]


@pytest.mark.parametrize(("cronjob", "version", "expected"), NAMES)
def test_a_jobs_name_fits_63_characters_and_keeps_the_version(cronjob: str, version: str, expected: str) -> None:
    """The API server would refuse the Job, or two changes would share one name."""
    name = job_of(replace(SYNC, name=cronjob), Change(version, "words"))["metadata"]["name"]
    assert name == expected
    assert len(name) <= 63


def test_a_template_cannot_take_over_what_marks_the_job() -> None:
    """A Job would hide that it was made by hand, and for which change."""
    key = "cronjob.kubernetes.io/instantiate"
    template = {key: "auto", "kube-node-dns.kyle.space/change": "old"}
    metadata = job_of(replace(SYNC, annotations=template), Change("7", "node-1: cordoned"))["metadata"]
    assert metadata["annotations"] == {key: "manual", "kube-node-dns.kyle.space/change": "node-1: cordoned"}


def test_the_owner_does_not_have_to_wait_for_the_job() -> None:
    """Where the API server enforces it, the watcher would need the right to update the CronJob's finalizers."""
    (owner,) = job_of(SYNC, Change("7", "words"))["metadata"]["ownerReferences"]
    assert owner == {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "name": "sync",
        "uid": "uid-1",
        "controller": True,
    }
