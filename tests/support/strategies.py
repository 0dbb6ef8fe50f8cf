"""Hypothesis strategies for what a sync may find: nodes in any condition, and a name's record sets of any origin."""

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from jobs.core.assessment import assess
from jobs.core.node import Condition, Node, Rules
from jobs.core.record_set import TYPES
from jobs.core.verdict import Doubt, Skipped, Verdict
from tests.support.builders import DOMAIN, NODE, ipv4, ipv6, place

Raw = dict[str, Any]
THEIR_CHECK = "0000"
"""The health check that record sets of somebody else name: it has to be there."""
"""A record set in the AWS API's form."""

Draw = Callable[[st.SearchStrategy[Any]], Any]

_REGIONS = ("eu-west-1", "us-east-1", "ap-southeast-2", "sa-east-1")
_COUNTRIES = ("NZ", "FR", "JP")
_COLLECTION = "00000000-0000-4000-8000-000000000000"
_MEMBERS: dict[str, list[Raw]] = {
    "weighted": [{"Weight": weight} for weight in (0, 1, 1, 255)],
    "latency": [{"Region": region} for region in _REGIONS],
    "geolocation": [{"GeoLocation": {"CountryCode": country}} for country in _COUNTRIES],
    "failover": [{"Failover": role} for role in ("PRIMARY", "SECONDARY")],
    "multivalue": [{"MultiValueAnswer": True}] * 4,
    "IP-based": [{"CidrRoutingConfig": {"CollectionId": _COLLECTION, "LocationName": at}} for at in ("a", "b")],
}

places = st.one_of(st.none(), st.integers(0, 3), st.integers(0, 45))


@st.composite
def _facts(draw: Draw) -> Node:
    """Draw one node, most of them able to serve."""
    addresses = [*map(ipv4, draw(st.sets(st.integers(0, 8), max_size=3)))]
    six = [*map(ipv6, draw(st.sets(st.integers(0, 8), max_size=2)))]
    at = draw(places)
    return replace(
        NODE,
        node_ips=",".join(map(str, [*addresses, *six])),
        coordinates=None if at is None else str(place(at)),
        ready=draw(st.sampled_from([NODE.ready] * 4 + [Condition("False", "down"), None])),
        cordoned=draw(st.sampled_from([False] * 5 + [True])),
        deleting=draw(st.sampled_from([False] * 9 + [True])),
        bias=draw(st.sampled_from([None] * 5 + ["7", "-20"])),
    )


@st.composite
def _crowd(draw: Draw) -> list[Node]:
    """Draw none, or enough nodes to meet the limits of 250 addresses and 30 places."""
    count, spread = draw(st.sampled_from([(0, 1)] * 9 + [(40, 40), (60, 1), (120, 33)]))
    each = draw(st.sampled_from([1, 8]))
    nowhere = draw(st.sampled_from([False, False, True]))
    return [_one_of_many(number, each, None if nowhere else number % spread) for number in range(count)]


def _one_of_many(number: int, each: int, at: int | None) -> Node:
    found = [str(make(1000 + each * number + more)) for make in (ipv4, ipv6) for more in range(each)]
    return replace(NODE, node_ips=",".join(found), coordinates=None if at is None else str(place(at)))


@st.composite
def verdicts(draw: Draw) -> Sequence[Verdict]:
    """Draw the verdicts on a cluster's nodes, each of a name of its own, in no order."""
    found = [*draw(st.lists(_facts(), max_size=6)), *draw(_crowd())]
    judged = (assess(replace(node, name=f"n{7 * at % 211:03}"), Rules()) for at, node in enumerate(found))
    doubted = draw(st.sampled_from([0, 0, 1, 2, 3]))
    return [_partly_doubted(each, doubted) for each in judged]


def _partly_doubted(each: Verdict, share: int) -> Verdict:
    """Leave addresses as they are: none, every third, every second, or all."""
    if isinstance(each, Skipped) or not share:
        return each
    doubts = each.addresses[:: 4 - share]
    certain = tuple(address for address in each.addresses if address not in doubts)
    return replace(each, addresses=certain, doubts=tuple(Doubt(address, "silent", "too many") for address in doubts))


Views = tuple[Sequence[Verdict], Sequence[Verdict], Sequence[Verdict]]
"""The verdicts on the same nodes when all are well, and as each of two runs sees them."""


@st.composite
def views(draw: Draw) -> Views:
    """Draw a few nodes, most of them at different places, and two runs that differ about which are down."""
    fates = draw(
        st.lists(st.sampled_from(["up", "first", "first", "second", "second", "down", "hazy"]), min_size=2, max_size=5)
    )
    well = [assess(_scattered(draw, number), Rules()) for number in range(len(fates))]
    first, second = (
        [_seen(each, fate, run) for each, fate in zip(well, fates, strict=True)] for run in ("first", "second")
    )
    return well, first, second


def _scattered(draw: Draw, number: int) -> Node:
    kind = draw(st.sampled_from(["A", "AAAA", "both"]))
    found = [make(number) for make, type_ in ((ipv4, "A"), (ipv6, "AAAA")) if kind in (type_, "both")]
    at = str(place(draw(st.sampled_from([number, number, 0]))))
    return replace(NODE, name=f"n{number}", node_ips=",".join(map(str, found)), coordinates=at)


def _seen(each: Verdict, fate: str, run: str) -> Verdict:
    """Let a run see a node as its fate is; of one that is hazy the first run is in doubt, the second is sure."""
    if fate in (run, "down") or (fate, run) == ("hazy", "second"):
        return Skipped(each.node, "cordoned", each.addresses, each.coordinates)
    return _partly_doubted(each, 3) if fate == "hazy" else each


def _values(draw: Draw, type_: str) -> list[str]:
    make = ipv4 if type_ == "A" else ipv6
    start = draw(st.integers(0, 4))
    many = draw(st.sampled_from([1, 1, 1, 1, 2, 2, 2, 3, 3, 30, 400]))
    written = [str(make(start + number)) for number in range(many)]
    return [value.upper() for value in written] if draw(st.booleans()) else written


def _contents(draw: Draw, type_: str) -> Raw:
    """Draw values with a TTL, or an alias; either perhaps with a health check."""
    check = {"HealthCheckId": THEIR_CHECK} if draw(st.sampled_from([False] * 5 + [True])) else {}
    if draw(st.sampled_from([False] * 5 + [True])):
        target = {"HostedZoneId": "Z2FDTNDATAQYW2", "DNSName": "d1.cloudfront.net.", "EvaluateTargetHealth": False}
        return {"AliasTarget": target, **check}
    records = [{"Value": value} for value in _values(draw, type_)]
    return {"TTL": draw(st.sampled_from([60, 60, 300])), "ResourceRecords": records, **check}


def _geoproximity(draw: Draw, type_: str) -> list[Raw]:
    """Draw sets at places and in regions, ours or not, ours perhaps with somebody's bias."""
    spots = draw(st.one_of(st.sets(st.integers(0, 3)), st.sets(st.integers(0, 45), max_size=26)))
    regions = draw(st.sets(st.sampled_from(_REGIONS), min_size=0 if spots else 1))
    short = len(spots) > 8
    sets = []
    for spot in sorted(spots):
        ours = short or draw(st.booleans())
        point = {"Latitude": str(place(spot).latitude), "Longitude": str(place(spot).longitude)}
        bias = {} if short else draw(st.sampled_from([{}, {}, {"Bias": 0}, {"Bias": -20}]))
        more = _plain_contents(type_, spot) if short else _contents(draw, type_)
        identifier = f"geoproximity-coords:{place(spot)}" if ours else f"spot {spot}"
        sets.append({"SetIdentifier": identifier, "GeoProximityLocation": {"Coordinates": point, **bias}, **more})
    for region in sorted(regions):
        taken = {each["SetIdentifier"] for each in sets}
        names = [region, f"geoproximity-coords:{place(1)}"]
        identifier = draw(st.sampled_from([name for name in names if name not in taken]))
        sets.append(
            {
                "SetIdentifier": identifier,
                "GeoProximityLocation": {"AWSRegion": region},
                **_contents(draw, type_),
            }
        )
    return sets


def _plain_contents(type_: str, spot: int) -> Raw:
    make = ipv4 if type_ == "A" else ipv6
    return {"TTL": 60, "ResourceRecords": [{"Value": str(make(1000 + spot))}]}


def _policy(draw: Draw, type_: str, policy: str) -> list[Raw]:
    if policy == "simple":
        return [_contents(draw, type_)]
    if policy == "geoproximity":
        return _geoproximity(draw, type_)
    members = _MEMBERS[policy][: draw(st.integers(1, 4))]
    return [{"SetIdentifier": f"x{number}", **each, **_contents(draw, type_)} for number, each in enumerate(members)]


@st.composite
def record_sets(draw: Draw) -> Sequence[Raw]:
    """Draw the A and AAAA record sets of the domain, of one policy each, as anybody may have made them."""
    found: list[Raw] = []
    for type_ in TYPES:
        policy = draw(st.sampled_from(["none", "simple", "simple", *["geoproximity"] * 4, *_MEMBERS]))
        if policy != "none":
            sets = _policy(draw, type_, policy)
            found += [{"Name": f"{DOMAIN}.", "Type": type_, **each} for each in sets]
    return found
