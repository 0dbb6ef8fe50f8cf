"""Route 53 refuses batches though nobody else has changed anything: record set protections and change guardrails."""

from collections.abc import Iterator

import pytest

from tests.sandbox.account import Account, account, create, delete, simple, upsert
from tests.sandbox.route53 import Route53

A, AAAA = simple("cdn.example.com", "A", "192.0.2.1"), simple("cdn.example.com", "AAAA", "2001:db8::1")


@pytest.fixture
def dns() -> Iterator[Account]:
    """Give an account."""
    with account(Route53()) as serving:
        yield serving


@pytest.fixture
def zone(dns: Account) -> str:
    """Give a zone with both record sets."""
    zone = dns.service.zone("example.com")
    dns.change(zone, create(A), create(AAAA))
    return zone


def test_a_protected_type_of_a_name_cannot_be_changed(dns: Account, zone: str) -> None:
    """Each change of a protected name and type refuses its batch, even one that restates what is there.

    The message says which record set and why.
    """
    dns.service.protect(zone, "cdn.example.com", "A", comment="ask Ada")
    for changes in ([delete(A)], [upsert(A)], [delete(A), create(A)], [delete(AAAA), delete(A)]):
        code, message = dns.refusal(zone, *changes)
        assert code == "InvalidChangeBatch"
        assert "name='cdn.example.com.', type='A'" in message
        assert "ask Ada" in message
    dns.change(zone, delete(AAAA))


def test_a_protection_reserves_a_name_without_records(dns: Account, zone: str) -> None:
    """A record set of a protected name and type cannot be created either, until the protection is taken away."""
    dns.service.protect(zone, "new.example.com", "A")
    new = simple("new.example.com", "A", "192.0.2.1")
    assert dns.refusal(zone, create(new))[0] == "InvalidChangeBatch"
    dns.service.protect(zone, "new.example.com")
    dns.change(zone, create(new))


def test_a_guardrail_keeps_the_last_record_that_is_asked_for(dns: Account, zone: str) -> None:
    """The last record set of a name and type that is still asked for stays; it may be replaced, others may go."""
    dns.service.guard_what_is_asked_for(zone, "cdn.example.com", "AAAA")
    code, message = dns.refusal(zone, delete(AAAA))
    assert code == "InvalidChangeBatch"
    assert "ACTIVE_RECORD_CHECK" in message
    dns.change(zone, delete(AAAA), create(AAAA | {"TTL": 300}))
    dns.change(zone, delete(A))
