"""Small worlds in which two runs can get into each other's way."""

from msgspec.structs import replace

from jobs.core.min_nodes import MinNodes
from jobs.core.node import Condition, Node
from jobs.core.place import Coordinates
from jobs.core.record_set import RecordSet
from jobs.core.route53_form import api_form
from tests.proofs.interleavings.state import Moment, Scenario
from tests.proofs.interleavings.store import Raw
from tests.support.builders import DOMAIN, NODE, PARIS, TOKYO, evidence_settings, near, plain, request, routed
from tests.support.checking import TCP

LIMA = Coordinates.parse("-12.05,-77.04")
REQUEST = request((DOMAIN,), evidence_settings=evidence_settings(lease_timeout_seconds=0))
WATCHFUL = replace(REQUEST, evidence_settings=evidence_settings(lease_timeout_seconds=25))
BOTH = frozenset({"A", "AAAA"})
A1, A2, A3 = "5.0.0.1", "5.0.0.2", "5.0.0.3"
B1, B2 = "2600::1", "2600::2"
DOWN = Condition("False", "kubelet stopped")


def node(name: str, addresses: str, place: Coordinates | None = None) -> Node:
    """Make a node that can serve."""
    return replace(NODE, name=name, node_ips=addresses.replace(" ", ","), coordinates=str(place) if place else None)


def down(each: Node) -> Node:
    """Let it fail."""
    return replace(each, ready=DOWN)


def raw(*sets: RecordSet) -> tuple[Raw, ...]:
    """Give record sets in the AWS API's form."""
    return tuple(dict(api_form(each)) for each in sets)


def each(type_: str, address: str) -> RecordSet:
    """Make the record set that an address has with multivalue routing."""
    return routed(type_, f"multivalue:{address}", {"MultiValueAnswer": True}, address)


START = "all is as it was at first"
ONE, TWO, THREE = node("one", f"{A1} {B1}"), node("two", f"{A2} {B2}"), node("three", A3)
PLAIN = raw(plain("A", A1, A2), plain("AAAA", B1, B2))
ALL, FIRST, SECOND = f"{A1} {A2} {B1} {B2}", f"{A1} {B1}", f"{A2} {B2}"

PARIS_ONE, TOKYO_TWO = node("one", f"{A1} {B1}", PARIS), node("two", f"{A2} {B2}", TOKYO)
PLACED = raw(near("A", PARIS, A1), near("AAAA", PARIS, B1), near("A", TOKYO, A2), near("AAAA", TOKYO, B2))

SCENARIOS = (
    Scenario(
        "simple: a node fails and returns",
        (
            Moment(START, (ONE, TWO), ALL),
            Moment("two fails", (ONE, down(TWO)), FIRST),
            Moment("two returns", (ONE, TWO), ALL),
        ),
        PLAIN,
        REQUEST,
        BOTH,
    ),
    Scenario(
        "simple: the first sync of a name",
        (Moment(START, (ONE, TWO), ALL), Moment("three joins", (ONE, TWO, THREE), f"{ALL} {A3}")),
        (),
        REQUEST,
    ),
    Scenario(
        "geoproximity: two places fail in turn",
        (
            Moment(START, (PARIS_ONE, down(TOKYO_TWO)), FIRST),
            Moment("one fails, two returns", (down(PARIS_ONE), TOKYO_TWO), SECOND),
        ),
        PLACED,
        REQUEST,
        BOTH,
    ),
    Scenario(
        "geoproximity: a place fails, and returns with a new one",
        (
            Moment(START, (PARIS_ONE, down(TOKYO_TWO)), FIRST),
            Moment("two returns, three joins", (PARIS_ONE, TOKYO_TWO, node("three", A3, LIMA)), f"{ALL} {A3}"),
        ),
        PLACED,
        REQUEST,
        BOTH,
    ),
    Scenario(
        "switch to geoproximity, and back",
        (
            Moment(START, (ONE, TOKYO_TWO)),
            Moment("one gets coordinates", (PARIS_ONE, TOKYO_TWO), ALL),
            Moment("both lose them", (ONE, TWO), ALL),
        ),
        PLAIN,
        REQUEST,
        BOTH,
    ),
    Scenario(
        "the last A and the last AAAA",
        (
            Moment(START, (node("one", A1), down(node("two", B2))), A1),
            Moment("one fails, two returns", (down(node("one", A1)), node("two", B2)), B2),
        ),
        raw(plain("A", A1), plain("AAAA", B2)),
        REQUEST,
    ),
    Scenario(
        "the last A and the last AAAA, with geoproximity",
        (
            Moment(START, (node("one", A1, PARIS), down(node("two", B2, TOKYO))), A1),
            Moment("one fails, two returns", (down(node("one", A1, PARIS)), node("two", B2, TOKYO)), B2),
        ),
        raw(near("A", PARIS, A1), near("AAAA", TOKYO, B2)),
        REQUEST,
    ),
    Scenario(
        "min-nodes refuses",
        (
            Moment(START, (ONE, down(TWO)), FIRST),
            Moment("one fails too", (down(ONE), down(TWO))),
            Moment("two returns", (down(ONE), TWO), SECOND),
        ),
        PLAIN,
        REQUEST,
        BOTH,
    ),
    Scenario(
        "min-nodes 2 refuses",
        (
            Moment(START, (PARIS_ONE, TOKYO_TWO, node("three", A3, LIMA)), f"{ALL} {A3}"),
            Moment("two and three fail", (PARIS_ONE, down(TOKYO_TWO), down(node("three", A3, LIMA)))),
        ),
        PLACED,
        replace(REQUEST, min_nodes=MinNodes(2)),
        BOTH,
    ),
    Scenario(
        "a stale Lease that only the first run may see",
        (
            Moment(START, (PARIS_ONE, TOKYO_TWO), FIRST, {"two": 30.0}),
            Moment("two renews its Lease", (PARIS_ONE, TOKYO_TWO), ALL),
        ),
        PLACED,
        WATCHFUL,
        BOTH,
        blind=frozenset({1}),
    ),
    Scenario(
        "an ingress that is ready on one node only, for a while",
        (
            Moment(START, (PARIS_ONE, TOKYO_TWO), FIRST, serving={"ingress/nginx": frozenset({"one"})}),
            Moment("two gets one", (PARIS_ONE, TOKYO_TWO), ALL, serving={"ingress/nginx": frozenset({"one", "two"})}),
        ),
        PLACED,
        replace(
            REQUEST, evidence_settings=evidence_settings(lease_timeout_seconds=0, ready_services=("ingress/nginx",))
        ),
        BOTH,
    ),
    Scenario(
        "geoproximity: two places lose their IPv6 in turn",
        (
            Moment(START, (node("one", A1, PARIS), TOKYO_TWO), f"{A1} {SECOND}"),
            Moment("one gets its IPv6 back, two loses it", (PARIS_ONE, node("two", A2, TOKYO)), f"{FIRST} {A2}"),
        ),
        PLACED,
        REQUEST,
        BOTH,
    ),
    Scenario(
        "multivalue: two nodes fail in turn",
        (
            Moment(START, (ONE, down(TWO)), FIRST),
            Moment("one fails, two returns", (down(ONE), TWO), SECOND),
        ),
        raw(each("A", A1), each("A", A2), each("AAAA", B1), each("AAAA", B2)),
        replace(REQUEST, routing="multivalue"),
        BOTH,
    ),
    Scenario(
        "a second Lease that runs out, for a while",
        (
            Moment(START, (ONE, TWO, THREE), f"{FIRST} {A3}", {"two": 30.0}),
            Moment("three falls silent", (ONE, TWO, THREE), "", {"two": 30.0, "three": 30.0}, left=f"{SECOND} {A3}"),
            Moment("three is heard again", (ONE, TWO, THREE), f"{FIRST} {A3}", {"two": 30.0}),
        ),
        raw(plain("A", A1, A2, A3), plain("AAAA", B1, B2)),
        WATCHFUL,
        BOTH,
    ),
    Scenario(
        "min-nodes 50% refuses when nodes lose their label",
        (
            Moment(START, (ONE, TWO, THREE), f"{ALL} {A3}"),
            Moment("two and three lose it", (ONE,)),
            Moment("two has it again", (ONE, TWO), ALL),
            Moment("two fails", (ONE, down(TWO))),
        ),
        raw(plain("A", A1, A2, A3), plain("AAAA", B1, B2)),
        replace(REQUEST, min_nodes=MinNodes(50, percent=True)),
        BOTH,
    ),
    Scenario(
        "a DNSEndpoint: two nodes fail in turn",
        (
            Moment(START, (ONE, down(TWO)), FIRST),
            Moment("one fails, two returns", (down(ONE), TWO), SECOND),
        ),
        PLAIN,
        replace(REQUEST, routing="simple"),
        BOTH,
        to_object=True,
    ),
)

CHECKED = (
    Scenario(
        "health checks: a place fails and returns",
        (
            Moment(START, (node("one", A1, PARIS), down(node("two", A2, TOKYO))), A1),
            Moment("two returns", (node("one", A1, PARIS), node("two", A2, TOKYO)), f"{A1} {A2}"),
        ),
        raw(near("A", PARIS, A1), near("A", TOKYO, A2)),
        REQUEST,
        frozenset({"A"}),
        checking=TCP,
    ),
    Scenario(
        "health checks: a place gets a second node, and loses the first",
        (
            Moment(START, (node("one", A1, PARIS), node("three", A3, PARIS)), f"{A1} {A3}"),
            Moment("one fails", (down(node("one", A1, PARIS)), node("three", A3, PARIS)), A3),
        ),
        raw(near("A", PARIS, A1)),
        REQUEST,
        frozenset({"A"}),
        checking=TCP,
    ),
)
"""With health checks there are more calls to come between: these have few addresses."""

PROTECTED = Scenario(
    "a protection of A: a node loses its IPv6, then fails",
    (
        Moment(START, (ONE, node("two", A2)), f"{FIRST} {A2}"),
        Moment("two fails", (ONE, down(node("two", A2))), FIRST),
    ),
    PLAIN,
    REQUEST,
    BOTH,
    protected=frozenset({"A"}),
)

NAMED = {scenario.name: scenario for scenario in (*SCENARIOS, PROTECTED, *CHECKED)}

ONE_TYPE_ADDED = Scenario(
    "a switch to geoproximity while the first IPv6 node joins",
    (
        Moment(START, (node("one", A1, PARIS),), A1),
        Moment("two joins without coordinates", (node("one", A1, PARIS), node("two", B2))),
    ),
    raw(plain("A", A1)),
    REQUEST,
)

UNDONE = Scenario(
    "a protection of A: a node fails, returns with IPv6, loses that, and fails again",
    (
        Moment(START, (ONE, down(node("two", A2)))),
        Moment("two returns with IPv6", (ONE, TWO)),
        Moment("two loses its IPv6", (ONE, node("two", A2))),
        Moment("two fails again", (ONE, down(node("two", A2)))),
    ),
    raw(plain("A", A1, A2), plain("AAAA", B1)),
    REQUEST,
    protected=frozenset({"A"}),
)
