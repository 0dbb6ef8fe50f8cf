"""sync-once with --publish-to dnsendpoint: the record sets are endpoints of ExternalDNS' custom resource."""

import json
from typing import Any

import pytest

from tests.sandbox.server import Call
from tests.sandbox.world import World
from tests.support import forks
from tests.support.dnsendpoints import (
    API_VERSION,
    BOTH,
    CHANGE,
    CREATE,
    GET,
    NAMESPACE,
    OURS,
    PUBLISH,
    edit_object,
    endpoint,
    endpoints,
    objects,
    put_object,
    sync_object,
    synced_object,
    targets,
)
from tests.support.pods import account_of, mounted, pod_variables
from tests.support.processes import environment_of, run
from tests.support.sync_runs import (
    DOMAIN,
    FRA_4,
    FRA_6,
    FRANKFURT,
    LOOK,
    NEW_YORK,
    NYC_4,
    NYC_6,
    PLACES,
    annotate,
    breaks,
    document,
    ends,
    forget,
)

pytestmark = pytest.mark.usefixtures("dnsendpoints")

FRA_ALONE = {"A simple": [FRA_4], "AAAA simple": [FRA_6]}


def properties(**values: str) -> list[dict[str, str]]:
    """Write properties of Route 53's."""
    return [{"name": f"aws/{name.replace('_', '-')}", "value": value} for name, value in values.items()]


def test_an_object_is_created(world: World) -> None:
    """The domain gets an object of its name, with the label that marks it as kube-node-dns' own and its record sets."""
    synced_object(world)
    (made,) = objects(world).values()
    assert (made["apiVersion"], made["kind"]) == (API_VERSION, "DNSEndpoint")
    metadata = made["metadata"]
    assert (metadata["name"], metadata["namespace"], metadata["labels"]) == (DOMAIN, NAMESPACE, OURS)
    assert "ownerReferences" not in metadata
    assert made["spec"] == {"endpoints": [endpoint("A", FRA_4, NYC_4), endpoint("AAAA", FRA_6, NYC_6)]}


@pytest.mark.parametrize(
    ("routing", "expected"),
    [
        pytest.param("auto", endpoint("A", FRA_4, NYC_4), id="auto is simple, whatever places the nodes have"),
        pytest.param("simple", endpoint("A", FRA_4, NYC_4), id="simple"),
        pytest.param(
            "geoproximity",
            endpoint(
                "A",
                FRA_4,
                setIdentifier=f"{PLACES}{FRANKFURT}",
                providerSpecific=properties(geoproximity_coordinates=FRANKFURT, geoproximity_bias="-20"),
            ),
            id="geoproximity",
        ),
        pytest.param(
            "multivalue",
            endpoint(
                "A",
                FRA_4,
                setIdentifier=f"multivalue:{FRA_4}",
                providerSpecific=properties(multi_value_answer=""),
            ),
            id="multivalue",
        ),
    ],
)
def test_routing(world: World, routing: str, expected: dict[str, Any]) -> None:
    """Each routing policy has its form, which ExternalDNS finds unchanged in Route 53; a second run writes nothing."""
    annotate(world, "fra-1", "aws-geoproximity-bias", "-20")
    synced_object(world, "--routing", routing)
    assert expected in endpoints(world)
    assert len(endpoints(world)) == (2 if routing in {"auto", "simple"} else 4)
    forget(world)
    synced_object(world, "--routing", routing)
    assert world.cluster.operations() == [GET, *LOOK]


def test_a_switch_of_routing_is_one_write(world: World) -> None:
    """All endpoints are exchanged at once: ExternalDNS never sees two policies, nor none."""
    synced_object(world)
    forget(world)
    synced_object(world, "--routing", "geoproximity")
    assert world.cluster.operations().count(CHANGE) == 1
    assert set(targets(world)) == {f"{type_} {PLACES}{at}" for type_ in ("A", "AAAA") for at in (FRANKFURT, NEW_YORK)}


def test_a_change_names_the_version_it_was_made_from(world: World) -> None:
    """The object is read before the nodes, and changed only in the version that was read."""
    synced_object(world)
    version = objects(world)[DOMAIN]["metadata"]["resourceVersion"]
    forget(world)
    ends(world, "nyc-1")
    synced_object(world)
    assert targets(world) == FRA_ALONE
    assert world.cluster.operations()[:4] == [GET, *LOOK, CHANGE]
    assert world.cluster.operations()[4:7] == [GET, *LOOK]
    (sent,) = (call.request for call in world.cluster.calls if call.operation == CHANGE)
    body = json.loads(sent.body)
    assert (body["metadata"], set(body)) == ({"resourceVersion": version}, {"metadata", "spec"})


def test_the_result_is_told_in_route_53_s_form(world: World) -> None:
    """The document and the text say the same as with Route 53, with the object in the place of the zone."""
    put_object(world, endpoint("A", FRA_4, NYC_4, ttl=30), endpoint("AAAA", FRA_6, NYC_6))
    breaks(world, "nyc-1")
    finished = sync_object(world, "--output", "json", "--dry-run")
    (domain,) = document(finished)["domains"]
    assert (domain["zone_id"], domain["status"]) == (None, "would change")
    shared = {"Name": f"{DOMAIN}.", "Type": "A"}
    assert domain["changes"][:1] == [
        {
            "action": "DELETE",
            "record_set": {**shared, "TTL": 30, "ResourceRecords": [{"Value": FRA_4}, {"Value": NYC_4}]},
        }
    ]
    assert {"action": "CREATE", "record_set": {**shared, "TTL": 60, "ResourceRecords": [{"Value": FRA_4}]}} in domain[
        "changes"
    ]
    text = sync_object(world, "--dry-run").stdout.splitlines()
    assert text[0] == f"{DOMAIN} · DNSEndpoint {NAMESPACE}/{DOMAIN} · would change · dry run"
    assert "  ~ A simple  ttl 30 -> 60" in text
    assert any(line.split() == ["-", NYC_4, "nyc-1:", "not", "ready:", "PLEG", "is", "not", "healthy"] for line in text)


def test_a_dry_run_writes_nothing(world: World) -> None:
    """A dry run reads alone."""
    assert synced_object(world, "--dry-run").returncode == 0
    assert world.cluster.operations() == [GET, *LOOK]
    assert objects(world) == {}


def test_a_node_that_leaves_gets_an_event(world: World) -> None:
    """The node's Event says why it has left."""
    synced_object(world)
    breaks(world, "nyc-1")
    synced_object(world)
    news = [each.value for each in world.kubernetes.store if each.resource.kind == "Event"]
    (left,) = (each for each in news if each["reason"] == "WithdrawnFromDNS")
    assert left["message"] == f"{DOMAIN}: withdrawn {NYC_4} {NYC_6}: not ready: PLEG is not healthy"


def test_min_nodes_keeps_the_last_addresses(world: World) -> None:
    """When too few nodes would be published nothing is withdrawn; what is wanted is added all the same."""
    put_object(world, endpoint("A", FRA_4), endpoint("AAAA", FRA_6))
    breaks(world, "fra-1")
    finished = sync_object(world, "--min-nodes", "2")
    assert finished.returncode == 3
    assert targets(world) == BOTH
    breaks(world, "nyc-1")
    finished = sync_object(world)
    assert (finished.returncode, targets(world)) == (3, BOTH)


def test_min_nodes_0_empties_the_object_and_keeps_it(world: World) -> None:
    """With the guard off an object may have no endpoint, but it is never deleted."""
    synced_object(world)
    for node in ("fra-1", "nyc-1"):
        breaks(world, node)
    synced_object(world, "--min-nodes", "0")
    assert endpoints(world) == []
    synced_object(world, "--min-nodes", "0")


def test_nothing_to_publish_creates_no_object(world: World) -> None:
    """A domain without anything to publish gets no object: an empty one would be no use."""
    for node in ("fra-1", "nyc-1"):
        breaks(world, node)
    assert sync_object(world).returncode == 3
    synced_object(world, "--min-nodes", "0")
    assert objects(world) == {}


def test_the_object_is_the_memory(world: World) -> None:
    """Nodes that are in doubt stay in if the object has them, and out if it has not."""
    for number in range(3):
        world.node(f"new-{number}", f"5.223.50.{number + 1}", FRANKFURT)
    put_object(world, endpoint("A", FRA_4, NYC_4, "5.223.50.1", "5.223.50.2"), endpoint("AAAA", FRA_6, NYC_6))
    for name in ("new-1", "new-2"):
        ends(world, name)
    finished = synced_object(world)
    assert targets(world) == {"A simple": [FRA_4, NYC_4, "5.223.50.1", "5.223.50.2"], "AAAA simple": [FRA_6, NYC_6]}
    assert "stays in: new-1; kept out: new-2" in finished.stdout


def test_the_namespace_is_the_pods_own(world: World) -> None:
    """Without --dnsendpoint-namespace the object is in the namespace of the pod."""
    world.kubernetes.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "edge"}})
    account = account_of(world, world.home / "serviceaccount")
    (account / "namespace").write_text("edge\n", "utf-8")
    environment = environment_of(world, **pod_variables(world.cluster.port))
    finished = run(("sync-once", "--domain", DOMAIN, *PUBLISH[:2]), environment, inside=mounted(account))
    assert finished.returncode == 0, finished.stderr
    assert [each["metadata"]["namespace"] for each in objects(world).values()] == ["edge"]


def test_a_wildcard(world: World) -> None:
    """A wildcard's object is named `wildcard`, for Kubernetes takes no `*`; its endpoints have the `*`."""
    finished = forks.run(world, "sync-once", "--domain", "*.example.com", *PUBLISH)
    assert finished.returncode == 0, finished.stderr
    assert {each["dnsName"] for each in endpoints(world, "wildcard.example.com")} == {"*.example.com"}


def test_each_domain_has_an_object(world: World) -> None:
    """Domains do not share an object, and one with `_`, which Kubernetes does not take, fails alone."""
    domains = ("--domain", DOMAIN, "--domain", "a_b.example.com", "--domain", "www.example.org")
    finished = forks.run(world, "sync-once", *domains, *PUBLISH, "--output", "json")
    assert finished.returncode == 2
    assert [each["status"] for each in document(finished)["domains"]] == ["changed", "failed", "changed"]
    assert "a_b.example.com: no DNSEndpoint can be named after a domain with _" in finished.stderr
    assert set(objects(world)) == {DOMAIN, "www.example.org"}


def test_at_most_50_addresses_of_a_type(world: World) -> None:
    """ExternalDNS skips what fits no batch of its own, silently, so more than 50 addresses are withheld."""
    for number in range(60):
        world.node(f"x-{number:02}", f"5.0.0.{number + 1}", FRANKFURT)
    for routing in ("multivalue", "simple"):
        synced_object(world, "--routing", routing)
        addresses = [each for found in endpoints(world) if found["recordType"] == "A" for each in found["targets"]]
        assert len(set(addresses)) == len(addresses) == 50
    finished = synced_object(world, "--output", "json")
    (domain,) = document(finished)["domains"]
    withheld = [each["reason"] for node in domain["nodes"] for each in node["addresses"] if each["reason"]]
    assert withheld == ["over the limit of 50 A addresses per domain"] * 12


@pytest.mark.parametrize(
    "found",
    [
        pytest.param([endpoint("A", FRA_4, "5.0.0.1"), endpoint("AAAA", FRA_6, NYC_6)], id="another address"),
        pytest.param([endpoint("A", f"{FRA_4}.", "www.example.com", NYC_6)], id="no addresses"),
        pytest.param([endpoint("A", FRA_4), endpoint("A", NYC_4), endpoint("AAAA", FRA_6, NYC_6)], id="in two pieces"),
        pytest.param([endpoint("A", FRA_4, NYC_4, setIdentifier="theirs")], id="a set identifier"),
        pytest.param([endpoint("A", FRA_4, providerSpecific=properties(geoproximity_coordinates="x"))], id="no place"),
        pytest.param([{"dnsName": "CDN.example.com.", "recordType": "A"}], id="no targets"),
        pytest.param([], id="nothing"),
    ],
)
def test_what_is_in_the_object_is_made_right(world: World, found: list[dict[str, Any]]) -> None:
    """Whatever somebody else has made of the domain's A and AAAA records, they become what they should be."""
    put_object(world, *found)
    synced_object(world)
    assert endpoints(world) == [endpoint("A", FRA_4, NYC_4), endpoint("AAAA", FRA_6, NYC_6)]


def test_a_spec_may_be_missing(world: World) -> None:
    """An object without a spec has no endpoints."""
    put_object(world)
    edit_object(world, lambda found: found.pop("spec"))
    synced_object(world)
    assert targets(world) == BOTH


def test_a_refused_run_keeps_endpoints_of_another_form(world: World) -> None:
    """When nothing may be withdrawn, endpoints of somebody else's form keep all that they have and gain addresses."""
    theirs = endpoint("A", "5.0.0.9", "5.0.0.8", ttl=30, labels={"a": "b"})
    put_object(world, theirs)
    finished = sync_object(world, "--min-nodes", "3")
    assert finished.returncode == 3
    assert endpoints(world) == [
        {**theirs, "targets": ["5.0.0.9", "5.0.0.8", FRA_4, NYC_4]},
        endpoint("AAAA", FRA_6, NYC_6),
    ]


def test_two_runs_do_not_empty_a_name_together(world: World) -> None:
    """Of two runs that each withdraw another node the second looks again."""
    synced_object(world)
    breaks(world, "nyc-1")
    done: list[Any] = []

    def overtake(call: Call) -> None:
        if call.operation == CHANGE and not done:
            done.append(None)
            world.kubernetes.set_ready("nyc-1", "True")
            breaks(world, "fra-1")
            done.append(synced_object(world))

    world.cluster.before = overtake
    finished = synced_object(world)
    assert targets(world) == {"A simple": [NYC_4], "AAAA simple": [NYC_6]}
    assert "the object has been modified" in finished.stderr
    assert CREATE not in world.cluster.operations()[5:]
