"""Endpoints of a DNSEndpoint as record sets, and back."""

from dataclasses import replace
from typing import Any

import pytest

from jobs.core.record_set import RecordSet
from jobs.edges.dnsendpoint import endpoint, record_set, with_addresses
from tests.support.builders import PARIS, ipv4, ipv6, multivalue, near, plain


@pytest.mark.parametrize(
    "each",
    [
        pytest.param(plain("A", "5.0.0.1", "5.0.0.2"), id="simple"),
        pytest.param(plain("AAAA", "2600::9", ttl=1), id="IPv6"),
        pytest.param(near("A", PARIS, "5.0.0.1"), id="geoproximity"),
        pytest.param(replace(near("A", PARIS, "5.0.0.1"), bias=-99), id="bias"),
        pytest.param(multivalue("AAAA", "2600::9"), id="multivalue"),
    ],
)
def test_an_endpoint_is_read_as_it_was_written(each: RecordSet) -> None:
    """What is written is read as the same record set, which so needs no change; with anything else in it, it does."""
    written = endpoint(each)
    assert record_set(written, "") == replace(each, raw=None)
    assert record_set({**written, "recordTTL": 7}, "").ttl == 7
    assert record_set({**written, "labels": {}}, "") != replace(each, raw=None)


def test_a_place_always_has_a_bias() -> None:
    """A place without a bias is written with a bias of 0, as ExternalDNS reads it from Route 53.

    Otherwise it would find a change in every run.
    """
    written = endpoint(near("A", PARIS, "5.0.0.1"))["providerSpecific"]
    assert written == [
        {"name": "aws/geoproximity-coordinates", "value": str(PARIS)},
        {"name": "aws/geoproximity-bias", "value": "0"},
    ]


@pytest.mark.parametrize(
    ("found", "policy"),
    [
        ({}, "simple"),
        ({"setIdentifier": "a"}, "other"),
        ({"setIdentifier": "a", "providerSpecific": [{"name": "aws/weight", "value": "1"}]}, "other"),
        ({"providerSpecific": [{"name": "aws/geoproximity-coordinates", "value": "nowhere"}]}, "geoproximity"),
        ({"providerSpecific": [{"name": "aws/multi-value-answer", "value": "true"}]}, "multivalue"),
    ],
)
def test_policies_of_somebody_else(found: dict[str, Any], policy: str) -> None:
    """Whatever an endpoint says, it has a policy: a refused run adds nothing to sets that do not fit it."""
    assert record_set({"dnsName": "a.example.com", "recordType": "A", **found}, "").policy == policy


def test_addresses_are_added_once() -> None:
    """An address that an endpoint has already, in whatever notation, is not added to it, for Route 53 refuses that."""
    raw = {"recordType": "AAAA", "targets": ["2600:FFFF:ffff:ffff:ffff:ffff:ffff:1000", "x", "5.0.0.0"]}
    assert with_addresses(raw, [ipv6(0), ipv6(1)])["targets"] == [*raw["targets"], str(ipv6(1))]
    assert with_addresses({"recordType": "A"}, [ipv4(0)]) == {"recordType": "A", "targets": [str(ipv4(0))]}
