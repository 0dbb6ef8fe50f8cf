"""What can go wrong with a DNSEndpoint, and what sync-once makes of it."""

from collections.abc import Callable

import pytest

from tests.sandbox.kubernetes import User
from tests.sandbox.server import Call, Fault, FaultKind
from tests.sandbox.world import World
from tests.support.dnsendpoints import (
    API_VERSION,
    BOTH,
    CHANGE,
    CREATE,
    DEFINITION,
    GET,
    NAMESPACE,
    PUBLISH,
    edit_object,
    endpoint,
    endpoints,
    noted_by_external_dns,
    objects,
    put_object,
    sync_object,
    synced_object,
    targets,
)
from tests.support.sync_runs import DOMAIN, LOOK, forget, sync, two_places

pytestmark = pytest.mark.usefixtures("dnsendpoints")

OLD = endpoint("A", "5.0.0.9")


def before_each(world: World, operation: str, change: Callable[[], object], times: int = 1000) -> None:
    """Change the world before each call of an operation, so many times."""
    left = [None] * times

    def meanwhile(call: Call) -> None:
        if call.operation == operation and left:
            left.pop()
            change()

    world.cluster.before = meanwhile


def annotated(world: World) -> None:
    """Let somebody annotate the object with something else each time."""
    count = str(len(world.cluster.calls))
    edit_object(world, lambda found: found["metadata"].setdefault("annotations", {}).update({"a": count}))


def removed(world: World) -> None:
    """Let somebody delete the object."""
    world.kubernetes.remove("DNSEndpoint", DOMAIN, NAMESPACE, api_version=API_VERSION)


def test_a_lost_race_is_run_again(world: World) -> None:
    """Whoever else has touched the object, even with an annotation, the run looks again and writes then."""
    put_object(world, OLD)
    before_each(world, CHANGE, lambda: annotated(world), times=2)
    finished = synced_object(world)
    assert targets(world) == BOTH
    assert objects(world)[DOMAIN]["metadata"]["annotations"]
    assert world.cluster.operations().count(CHANGE) == 3
    assert world.cluster.operations()[:8] == [GET, *LOOK, CHANGE] * 2
    assert "the object has been modified" in finished.stderr


def test_a_conflict_is_never_a_matter_of_configuration(world: World) -> None:
    """A run that somebody is always faster than gives up after three writes, with 1: the next one may be luckier."""
    put_object(world, OLD)
    before_each(world, CHANGE, lambda: noted_by_external_dns(world))
    finished = sync_object(world)
    assert (finished.returncode, endpoints(world)) == (1, [OLD])
    assert world.cluster.operations().count(CHANGE) == 3
    assert "given up after 3 writes because somebody else keeps changing it" in finished.stderr


def test_an_object_that_comes_and_goes(world: World) -> None:
    """An object that somebody else creates first is read, and one that somebody deletes is created again."""
    before_each(world, CREATE, lambda: put_object(world, OLD), times=1)
    synced_object(world)
    assert (targets(world), world.cluster.operations().count(CREATE)) == (BOTH, 1)
    removed(world)
    put_object(world, OLD)
    forget(world)
    before_each(world, CHANGE, lambda: removed(world), times=1)
    synced_object(world)
    assert (targets(world), world.cluster.operations().count(CREATE)) == (BOTH, 1)


@pytest.mark.parametrize(
    ("operation", "kind"),
    [(CREATE, "applied then dropped"), (CREATE, "reset"), (CHANGE, "applied then dropped"), (CHANGE, "throttled")],
)
def test_a_write_that_fails_once(world: World, operation: str, kind: FaultKind) -> None:
    """A write of unknown outcome is never repeated before the next look; a throttled one is sent again."""
    if operation == CHANGE:
        put_object(world, OLD)
    world.cluster.fail(Fault(kind, operation, last=1))
    synced_object(world)
    assert targets(world) == BOTH
    calls = world.cluster.operations()
    assert calls.count(operation) == (1 if kind == "applied then dropped" else 2)
    at = calls.index(operation)
    assert calls[at + 1] == (operation if kind == "throttled" else GET)


@pytest.mark.parametrize("kind", ["malformed", "empty"])
def test_a_read_that_fails_is_no_empty_object(world: World, kind: FaultKind) -> None:
    """Reads are tried again; an answer that is not what the API promises never counts as no records."""
    put_object(world, OLD)
    world.cluster.fail(Fault(kind, GET, last=2))
    synced_object(world)
    assert targets(world) == BOTH
    assert CREATE not in world.cluster.operations()


def failing(world: World, *words: str, status: int = 2) -> None:
    """Run, and expect that the log names all of this and that nothing was written."""
    before = objects(world)
    finished = sync_object(world)
    assert finished.returncode == status
    for each in words:
        assert each in finished.stderr
    assert objects(world) == before


def test_the_definition_is_missing() -> None:
    """Without the custom resource's definition the error says what to install."""
    with World() as world:
        two_places(world)
        failing(world, f"no DNSEndpoints ({API_VERSION})", "install the CustomResourceDefinition of ExternalDNS")


def test_the_definition_is_missing_when_the_object_is_written(world: World) -> None:
    """The same is said when the definition goes between look and write."""
    for operation in (CREATE, CHANGE):
        before_each(world, operation, lambda: world.kubernetes.undefine(DEFINITION), times=1)
        failing(world, "install the CustomResourceDefinition of ExternalDNS")
        world.kubernetes.define(DEFINITION)
        put_object(world, OLD)


def test_the_namespace_is_missing(world: World) -> None:
    """A namespace that is not there is named, with the option that names another."""
    finished = sync(world, *PUBLISH[:2], "--dnsendpoint-namespace", "nowhere")
    assert finished.returncode == 2
    assert 'namespaces "nowhere" not found' in finished.stderr
    assert "--dnsendpoint-namespace" in finished.stderr


@pytest.mark.parametrize("operation", [GET, CREATE, CHANGE])
def test_a_right_is_missing(world: World, operation: str) -> None:
    """A missing right is named in the API server's words, with the component that gives it."""
    if operation == CHANGE:
        put_object(world, OLD)
    verb = operation.partition(" ")[0]
    rights = {("list", "nodes"), ("list", "leases"), *((each, "dnsendpoints") for each in ("get", "create", "patch"))}
    allowed = frozenset(rights - {(verb, "dnsendpoints")})
    world.kubernetes.tokens = {world.kubernetes.admin_token: User("sync", allowed)}
    failing(world, f'User "sync" cannot {verb} resource "dnsendpoints"', "cron/dnsendpoint gives the right")


def test_an_object_of_somebody_else(world: World) -> None:
    """An object of the domain's name without the label is never changed; the error has the command that gives it."""
    put_object(world, OLD, labels={"app.kubernetes.io/managed-by": "Helm"})
    label = f"kubectl -n {NAMESPACE} label dnsendpoint {DOMAIN} app.kubernetes.io/managed-by=kube-node-dns"
    failing(world, f"DNSEndpoint {NAMESPACE}/{DOMAIN} belongs to somebody else", label)


@pytest.mark.parametrize(
    "foreign",
    [
        pytest.param({**OLD, "dnsName": "www.example.com"}, id="another name"),
        pytest.param({"dnsName": DOMAIN, "recordType": "TXT", "targets": ["hello"]}, id="another type"),
        pytest.param({}, id="nothing in it"),
    ],
)
def test_endpoints_of_somebody_else(world: World, foreign: dict[str, object]) -> None:
    """An object with an endpoint of another name or type is never changed."""
    put_object(world, OLD, foreign)
    failing(world, f"not an A or AAAA record of {DOMAIN}", "move it to an object of its own")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(("--zone-id", "Z1"), "--zone-id is for Route 53", id="zone-id"),
        pytest.param(("--wait",), "--wait is for Route 53", id="wait"),
        pytest.param(("--health-check", "tcp:443"), "--health-check is for Route 53", id="health check"),
        pytest.param(("--ttl", "0"), "ExternalDNS makes it 300", id="TTL 0"),
        pytest.param(
            ("--domain", "wildcard.example.com", "--domain", "*.example.com"),
            "wildcard.example.com and *.example.com would share DNSEndpoint wildcard.example.com: sync each in a run",
            id="two domains of one object",
        ),
    ],
)
def test_wrong_usage(world: World, arguments: tuple[str, ...], words: str) -> None:
    """Options that make no sense with a DNSEndpoint are wrong usage, and nothing is asked."""
    finished = sync_object(world, *arguments)
    assert finished.returncode == 2
    assert words in finished.stderr
    assert world.cluster.calls == []


def test_outside_a_pod_the_namespace_must_be_named(world: World) -> None:
    """Where there is no pod whose namespace could be meant, the error says how to name one."""
    finished = sync(world, *PUBLISH[:2])
    assert finished.returncode == 2
    assert "--dnsendpoint-namespace or KUBE_NODE_DNS_DNSENDPOINT_NAMESPACE" in finished.stderr
