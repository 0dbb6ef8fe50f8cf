"""Hypothesis strategies for zones as anybody may have filled them: every type and policy that the API knows."""

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from tests.proofs.fuzz.values import Draw
from tests.sandbox.names import canonical
from tests.sandbox.route53 import Route53
from tests.sandbox.zones import Refused
from tests.support.builders import DOMAIN, place
from tests.support.strategies import THEIR_CHECK, Raw, record_sets

DOMAINS = (DOMAIN, "*.example.com", "example.com", "_a-b.cdn.example.com")
"""The names to keep: an ordinary one, a wildcard, the zone's own, and one below the first."""

EXAMPLES: dict[str, Sequence[str]] = {
    "TXT": ('"hello"', '"a \\"quoted\\" <tag> & more"', '"\\344\\270"', '"one" "two"', '""'),
    "SPF": ('"v=spf1 -all"',),
    "NS": ("ns1.example.net.", "ns2.example.net"),
    "CNAME": ("www.example.net.",),
    "PTR": ("host.example.net.",),
    "MX": ("10 mail.example.com", "0 ."),
    "SRV": ("1 10 5269 xmpp.example.com.",),
    "NAPTR": ('100 50 "u" "SIP+E2U" "!^.*$!sip:a@example.com!" .',),
    "CAA": ('0 issue "ca.example.net"', '128 iodef "mailto:a@example.com"'),
    "DS": ("12345 13 2 " + "A0" * 32,),
    "TLSA": ("3 1 1 " + "b1" * 32,),
    "SSHFP": ("4 2 " + "c2" * 32,),
    "SVCB": ("1 svc.example.com. alpn=h2 port=8443",),
    "HTTPS": ('1 . alpn="h2,h3" ipv4hint=192.0.2.1', "0 www.example.net."),
    "SOA": ("ns.example.com. hostmaster.example.com. 1 7200 900 1209600 86400",),
    "A": ("192.0.2.1", "5.0.0.1"),
    "AAAA": ("2001:db8::1", "2600:FFFF:ffff:ffff:ffff:ffff:ffff:1000"),
}
_POLICIES: Sequence[Raw] = (
    {"Weight": 0},
    {"Weight": 255},
    {"Region": "eu-west-1"},
    {"Region": "us-gov-east-1"},
    {"GeoLocation": {"CountryCode": "*"}},
    {"GeoLocation": {"ContinentCode": "EU"}},
    {"GeoLocation": {"CountryCode": "US", "SubdivisionCode": "NY"}},
    {"Failover": "PRIMARY"},
    {"Failover": "SECONDARY"},
    {"MultiValueAnswer": True},
    {"CidrRoutingConfig": {"CollectionId": "00000000-0000-4000-8000-000000000000", "LocationName": "*"}},
    {"GeoProximityLocation": {"AWSRegion": "eu-west-1", "Bias": 99}},
    {"GeoProximityLocation": {"LocalZoneGroup": "us-east-1-bos-1", "Bias": -99}},
    {"GeoProximityLocation": {"Coordinates": {"Latitude": "-90", "Longitude": "180.00"}, "Bias": 0}},
    {"GeoProximityLocation": {"Coordinates": {"Latitude": "+0.1", "Longitude": "-0.00"}}},
    {"GeoProximityLocation": {"Coordinates": {"Latitude": "48.86", "Longitude": "2.35"}, "Bias": 1}},
)
_IDENTIFIERS = ("x", "<&>\"'", "two\nlines", "\ttab ", "\x85\u2028", "\u00e9\U0001f30d", "a" * 128, "\x7f")
_ALIASES: Sequence[Raw] = (
    {"HostedZoneId": "Z2FDTNDATAQYW2", "DNSName": "d1.cloudfront.net.", "EvaluateTargetHealth": False},
    {"HostedZoneId": "Z35SXDOTRQ7X7K", "DNSName": "dualstack.lb-1.elb.amazonaws.com", "EvaluateTargetHealth": True},
)
_AROUND = ("{0}", "a.{0}", "*.{0}", "a-{0}", "a\\056b.{0}", "b.example.com", "*.b.example.com", "example.com")


def _name(draw: Draw, domain: str) -> str:
    around = draw(st.sampled_from(["{0}"] * 4 + [*_AROUND]))
    below = domain.removeprefix("*.") if around.startswith("*") else domain
    return canonical(str(around).format(below))


@st.composite
def _strangers(draw: Draw, domain: str) -> Raw:
    """Draw one record set of any type, routing policy and contents, at the domain or around it."""
    type_ = draw(st.sampled_from([*EXAMPLES, *["A", "AAAA"] * 4]))
    found: Raw = {"Name": _name(draw, domain), "Type": type_}
    if draw(st.booleans()):
        identifier = draw(
            st.sampled_from([*_IDENTIFIERS, f"geoproximity-coords:{place(1)}"]) | st.text("ab\n", min_size=1)
        )
        found |= {"SetIdentifier": identifier, **draw(st.sampled_from(_POLICIES))}
    if draw(st.integers(0, 3)) == 0:
        found["AliasTarget"] = draw(st.sampled_from(_ALIASES))
    else:
        values = draw(st.lists(st.sampled_from(EXAMPLES[type_]), min_size=1, unique=True))
        found |= {
            "TTL": draw(st.sampled_from([0, 60, 2**31 - 1])),
            "ResourceRecords": [{"Value": each} for each in values],
        }
    if draw(st.integers(0, 4)) == 0:
        found["HealthCheckId"] = THEIR_CHECK
    return found


@st.composite
def contents(draw: Draw, domain: str) -> Sequence[Raw]:
    """Draw record sets at the domain and around it; some of them cannot stand together."""
    own = [{**raw, "Name": canonical(domain)} for raw in draw(st.just(()) | record_sets())]
    found: Sequence[Raw] = draw(st.permutations([*own, *draw(st.lists(_strangers(domain), max_size=8))]))
    return found


def fill(account: Route53, zone_id: str, found: Sequence[Raw]) -> None:
    """Create what Route 53 takes of some record sets, one after the other."""
    for raw in found:
        try:
            account.put(zone_id, raw)
        except Refused:
            continue


def is_own(raw: dict[str, Any], domains: Sequence[str]) -> bool:
    """Tell whether a record set belongs to kube-node-dns."""
    return raw["Type"] in ("A", "AAAA") and raw["Name"] in map(canonical, domains)
