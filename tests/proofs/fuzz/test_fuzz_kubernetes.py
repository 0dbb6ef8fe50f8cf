"""Whatever the API server answers: nodes are judged one by one, or nothing is written, with a reason."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from jobs.core.annotations import BIAS, BOOT_ID, COORDINATES, NODE_IPS, PUBLIC_IPS
from jobs.core.errors import ConfigurationError, Failure, TemporaryError
from jobs.core.job_manifest import CronJob, job_of
from jobs.core.min_nodes import MinNodes
from jobs.core.node import Rules
from jobs.core.progress import Domain
from jobs.core.sync_trigger import ChangeDetector, Trigger
from jobs.core.text import one_line, quoted
from jobs.core.verdict import Published
from jobs.edges.api_server import Expired
from tests.proofs.fuzz.altered import Altered, answer_of
from tests.proofs.fuzz.site import Site
from tests.proofs.fuzz.values import Draw, Json, anything, examples, spoiled, texts
from tests.sandbox.kubernetes import node
from tests.sandbox.kubernetes_builders import endpoint
from tests.support.builders import DOMAIN, evidence_settings, request
from tests.support.watching import cronjob

NAME = re.compile("[a-z0-9]([a-z0-9.-]{,251}[a-z0-9])?")
NODES = {"n0": "5.0.0.1", "n1": "5.0.0.2,2600::2", "n2": "5.0.0.3"}
ANSWERS = {
    "list nodes": "/api/v1/nodes",
    "list leases": "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases",
    "list endpointslices": "/apis/discovery.k8s.io/v1/namespaces/edge/endpointslices",
}
REQUEST = request(
    (DOMAIN,),
    min_nodes=MinNodes(0),
    evidence_settings=evidence_settings(25, ("edge/ingress",)),
    rules=Rules(external_ip=True),
)


def populated(site: Site) -> str:
    """Let three nodes serve, and DNS show an address of nobody; give the zone's id."""
    site.renew()
    for name, addresses in NODES.items():
        annotations = {NODE_IPS: addresses, BOOT_ID: "b", BIAS: "5", "other": "x"}
        document = node(name, annotations=annotations, labels={"topology.kubernetes.io/zone": "a"}, boot_id="b")
        site.world.kubernetes.put({**document, "spec": {"taints": [{"key": "a", "effect": "NoSchedule"}]}})
        site.world.kubernetes.renew_lease(name)
    site.world.kubernetes.endpoint_slice("edge", "ingress", [endpoint(name) for name in NODES])
    zone_id = site.world.route53.zone("example.com")
    values = [{"Value": "5.0.0.9"}]
    site.world.route53.put(zone_id, {"Name": f"{DOMAIN}.", "Type": "A", "TTL": 60, "ResourceRecords": values})
    return zone_id


@pytest.fixture(scope="module")
def good(site: Site) -> Mapping[str, Json]:
    """Give the good answers."""
    populated(site)
    found = {operation: json.loads(answer_of(site.world.kubernetes, path)) for operation, path in ANSWERS.items()}
    for each in found["list nodes"]["items"]:
        del each["metadata"]["managedFields"]  # long, and nobody reads them of nodes
    return found


def written(document: Json) -> bytes:
    """Write JSON as a server might: numbers of any size, and code points that are no characters."""
    return json.dumps(document).encode()


def run(site: Site, bodies: Mapping[str, bytes]) -> tuple[Domain, bool]:
    """Run sync-once on altered answers; say also whether anything was written."""
    zone_id = populated(site)
    before = site.contents(zone_id)
    site.world.cluster.service = Altered(site.world.kubernetes, bodies)
    result = site.run_as_announced(REQUEST)[DOMAIN]
    return result, site.contents(zone_id) != before


@examples(0.5)
@given(st.data())
def test_documents_with_something_wrong(site: Site, good: Mapping[str, Json], data: st.DataObject) -> None:
    """An odd document ends the run without a write, or takes no node out that is well."""
    operation = data.draw(st.sampled_from(["list nodes", "list nodes", *ANSWERS]))
    document = data.draw(spoiled(good[operation]))
    result, wrote = run(site, {operation: written(document)})
    event(f"exit status {result.exit_status}")
    if result.error:
        assert not wrote
        assert one_line(str(result.error))
    elif operation == "list nodes":
        items = document["items"]
        well = [each["metadata"]["name"] for each in good[operation]["items"] if each in items]
        published = {verdict.node for verdict in result.verdicts if isinstance(verdict, Published)}
        assert published >= set(well)
        assert [verdict.node for verdict in result.verdicts] == sorted(filter(None, map(name_of, items)))


def name_of(item: Json) -> str | None:
    """Read the name of a node, if there is one."""
    metadata = item.get("metadata") if isinstance(item, dict) else None
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return name if isinstance(name, str) and NAME.fullmatch(name) else None


@examples(0.1)
@given(st.sampled_from([*ANSWERS]), anything.map(written) | st.binary(max_size=40))
def test_no_list_at_all(site: Site, operation: str, body: bytes) -> None:
    """An answer that is not a list is a failure, and nothing is written."""
    result, wrote = run(site, {operation: body})
    assert isinstance(result.error, Failure)
    assert not wrote


@pytest.mark.parametrize("name", ["", "N0", "n0\n", "n\x1b[2J0", "-n0", "n" * 254])
def test_a_name_that_no_node_can_have(site: Site, good: Mapping[str, Json], name: str) -> None:
    """Leaves out a node with a name that no node can have, such as one that clears the terminal."""
    document = json.loads(written(good["list nodes"]))
    document["items"][0]["metadata"]["name"] = name
    result, _ = run(site, {"list nodes": written(document)})
    assert [verdict.node for verdict in result.verdicts] == ["n1", "n2"]


@st.composite
def annotated(draw: Draw) -> dict[str, str]:
    """Draw the annotations of a node as anybody may have written them."""
    return {
        NODE_IPS: draw(texts("5.0.0.1", "5.0.0.1,2600::2", "2600::1%eth0", "10.0.0.1, 5.0.0.8", "::ffff:5.0.0.1")),
        PUBLIC_IPS: draw(texts("5.0.0.1", " 5.0.0.1 , 2600::2", "")),
        BOOT_ID: draw(texts("b", "4f9bd0a2-3b3c-4f5e-8a51-2d9be0d2a2c1")),
        COORDINATES: draw(texts("12.34,56.78", "-90,180", "+1.005,-0.001", "0,0")),
        BIAS: draw(texts("0", "-99", "+99", " 7 ")),
    }


@examples(0.5)
@given(annotated(), st.sets(st.sampled_from([NODE_IPS, PUBLIC_IPS, BOOT_ID, COORDINATES, BIAS])))
def test_annotations_of_any_text(site: Site, good: Mapping[str, Json], own: dict[str, str], given_: set[str]) -> None:
    """Annotations of any text take no other node out."""
    document = json.loads(written(good["list nodes"]))
    document["items"][0]["metadata"]["annotations"] |= {key: own[key] for key in given_}
    result, _ = run(site, {"list nodes": json.dumps(document).encode("utf-8", "surrogatepass")})
    assert result.error is None
    published = {verdict.node for verdict in result.verdicts if isinstance(verdict, Published)}
    assert published >= {"n1", "n2"}


entries = anything | st.fixed_dictionaries({"type": st.just("ExternalIP"), "address": texts("5.0.0.9") | anything})


@examples(0.3)
@given(st.lists(entries, max_size=4))
def test_addresses_of_any_kind_in_a_status(site: Site, good: Mapping[str, Json], found: list[Json]) -> None:
    """Whatever stands among the addresses of a status costs no node anything, not even its own."""
    document = json.loads(written(good["list nodes"]))
    document["items"][0]["status"]["addresses"] = found
    result, _ = run(site, {"list nodes": json.dumps(document).encode("utf-8", "surrogatepass")})
    assert result.error is None
    published = {verdict.node for verdict in result.verdicts if isinstance(verdict, Published)}
    assert published == {"n0", "n1", "n2"}


EVENTS = ("ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR", "OTHER")


@st.composite
def lines(draw: Draw, items: list[Json]) -> list[bytes]:
    """Draw what a stream of nodes may bring."""
    found = []
    for _ in range(draw(st.integers(1, 5))):
        status = {"kind": "Status", "message": draw(texts("too old")), "code": draw(st.sampled_from([410, 500]))}
        bookmark = {"kind": "Node", "metadata": {"resourceVersion": "7"}}
        about = draw(st.sampled_from([*items, status, bookmark]))
        event_ = {"type": draw(st.sampled_from(EVENTS)), "object": about}
        line = written(draw(st.just(event_) | spoiled(event_)))
        found.append(line if draw(st.integers(0, 9)) else draw(st.binary(max_size=20)))
    return found


@examples(0.5)
@given(st.data())
def test_a_stream_of_anything(site: Site, good: Mapping[str, Json], data: st.DataObject) -> None:
    """A stream of anything gives events, each change in one line, or ends as a failure that may pass."""
    body = b"\n".join(data.draw(lines(good["list nodes"]["items"]))) + b"\n"
    populated(site)
    detector = ChangeDetector(evidence_settings(), Rules())
    detector.begin(site.cluster.nodes(""), "began")
    site.world.cluster.service = Altered(site.world.kubernetes, {"watch nodes": body})
    now = datetime(2030, 1, 1, tzinfo=UTC)
    try:
        for each in site.cluster.node_events("", "1"):
            if each.node and each.type == "DELETED":
                detector.gone(each.node.name, each.resource_version)
            elif each.node:
                detector.node(each.node, each.resource_version)
            trigger = detector.trigger(now)
            assert trigger is None or one_line(trigger.words)
    except (Expired, TemporaryError) as error:
        event(type(error).__name__)


requirements = st.fixed_dictionaries(
    {"key": st.sampled_from(["zone", "arch"]), "operator": st.just("In")},
    optional={"values": st.lists(st.sampled_from(["a", "b"]), min_size=1)},
)
fields = st.fixed_dictionaries(
    {
        "key": st.just("metadata.name"),
        "operator": st.sampled_from(["In", "NotIn"]),
        "values": st.sampled_from([*NODES]).map(lambda name: [name]),
    }
)
terms = st.fixed_dictionaries(
    {}, optional={"matchExpressions": st.lists(requirements), "matchFields": st.none() | st.lists(fields, max_size=2)}
)
required = st.fixed_dictionaries({"nodeSelectorTerms": st.none() | st.lists(terms, max_size=3)})
preferred = st.lists(st.fixed_dictionaries({"weight": st.integers(1, 100), "preference": terms}), max_size=2)
"""What a CronJob's template may ask of its pod's node; None and empty as the API server keeps them."""

affinities = st.fixed_dictionaries(
    {},
    optional={
        "nodeAffinity": st.none()
        | st.fixed_dictionaries(
            {},
            optional={
                "requiredDuringSchedulingIgnoredDuringExecution": st.none() | required,
                "preferredDuringSchedulingIgnoredDuringExecution": preferred,
            },
        ),
        "podAntiAffinity": anything,
    },
)
job_specs = st.fixed_dictionaries(
    {
        "template": st.fixed_dictionaries(
            {"spec": st.fixed_dictionaries({}, optional={"affinity": st.none() | affinities, "volumes": anything})},
            optional={"metadata": anything},
        )
    },
    optional={"backoffLimit": anything, "suspend": st.booleans()},
)
LABELS = st.dictionaries(st.text("ab./-", min_size=1), texts("x"), max_size=3)


def admitted(job_spec: Json) -> set[str]:
    """Give the nodes whose name a Job's required node affinity admits, whatever it asks of their labels."""
    affinity = job_spec["template"]["spec"].get("affinity") or {}
    needed = (affinity.get("nodeAffinity") or {}).get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    alternatives = needed.get("nodeSelectorTerms") or []
    if not alternatives:
        return set(NODES)
    return {name for name in NODES if any(map(partial(_matches, name), alternatives))}


def _matches(name: str, term: Json) -> bool:
    """Decide as the scheduler does: a term without a requirement matches no node."""
    asked = term.get("matchFields") or []
    if not asked and not term.get("matchExpressions"):
        return False
    return all((name in each["values"]) == (each["operator"] == "In") for each in asked)


@examples(2)
@given(job_specs, LABELS, st.sets(st.sampled_from([*NODES]), max_size=2), st.none() | st.just("7"))
def test_a_job_of_any_template(job_spec: Json, marks: dict[str, str], withdrawn: set[str], version: str | None) -> None:
    """A Job of any template stays off the withdrawn nodes and keeps what its template asks for."""
    template = CronJob("sync", "uid-1", suspended=False, labels=marks, annotations=marks, job_spec=job_spec)
    before = json.dumps(job_spec)
    trigger = Trigger("n0: cordoned", datetime(2030, 1, 1, tzinfo=UTC), version, tuple(sorted(withdrawn)))
    job = job_of(template, trigger, 5)
    assert json.dumps(job_spec) == before
    assert admitted(job["spec"]) == admitted(job_spec) - withdrawn
    assert _without_affinity(job["spec"]) == _without_affinity(job_spec)
    assert job["metadata"]["labels"] == marks


def _without_affinity(job_spec: Json) -> str:
    spec: dict[str, Any] = json.loads(json.dumps(job_spec))
    affinity = spec["template"]["spec"].get("affinity")
    if affinity and affinity.get("nodeAffinity"):
        affinity["nodeAffinity"].pop("requiredDuringSchedulingIgnoredDuringExecution", None)
    if affinity and not affinity.get("nodeAffinity"):
        affinity.pop("nodeAffinity", None)
    if not affinity:
        spec["template"]["spec"].pop("affinity", None)
    return json.dumps(spec, sort_keys=True)


@examples(0.3)
@given(st.data())
def test_a_cronjob_with_something_wrong(site: Site, data: st.DataObject) -> None:
    """An odd CronJob makes a Job that it owns, or is a failure that may pass."""
    populated(site)
    body = written(data.draw(spoiled(cronjob())))
    site.world.kubernetes.put(cronjob())
    site.world.cluster.service = Altered(site.world.kubernetes, {"get cronjobs": body})
    try:
        found = site.cluster.cronjob("default", "sync")
    except TemporaryError:
        event("no CronJob")
    else:
        job = job_of(found, Trigger("n0: cordoned", datetime(2030, 1, 1, tzinfo=UTC), "7"), 5)
        assert job["metadata"]["ownerReferences"][0]["uid"] == found.uid


@examples(0.5)
@given(texts("serve-public=true", "a in (b,c),!d", "a notin (b)"))
def test_a_selector_of_any_text(site: Site, selector: str) -> None:
    """A selector of any text is taken, or refused in one line with the option's name."""
    populated(site)
    said = f"--node-label-selector {quoted(selector)}: "
    try:
        assert site.cluster.nodes(selector)
    except ConfigurationError as error:
        event("refused")
        said = str(error)
    assert said.startswith(f"--node-label-selector {quoted(selector)}: ")
    assert said.isprintable()
