"""Route 53's own health checks of a domain: which exist, which its record sets should have, which may go. Pure.

A check is known by its caller reference alone, for the list of checks shows neither tags nor creation times. Checks
are never changed, but replaced.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from typing import NamedTuple

from msgspec import Struct

from jobs.core.address import Address
from jobs.core.probe import Probe
from jobs.core.zones import Zone

_REFERENCE = re.compile("kube-node-dns:[0-9a-f]{12}:(?P<content>[0-9a-f]{16}):(?P<created>[0-9]{13})")
_LONGEST = 255  # characters of a host or a path (Route 53)


class Checking(NamedTuple):
    """What Route 53's checkers ask the addresses for, and how often; without a probe there are to be no checks."""

    probe: Probe | None
    interval_seconds: int


def parse_probe(text: str) -> Probe | str:
    """Read the value of --health-check, a probe or `none`; raises ValueError with a text for people."""
    if text == "none":
        return text
    try:
        probe = Probe.parse(text)
    except ValueError as error:
        raise ValueError(f"{error}, nor none") from None
    if max(len(probe.path), len(probe.host)) > _LONGEST:
        raise ValueError(f"has a host or a path of more than {_LONGEST} characters, which Route 53 does not take")
    return probe


class HealthCheck(Struct, frozen=True, dict=True):
    """A health check as Route 53 lists it; `address` is what it asks, `children` the checks that a CALCULATED one has.

    Either is empty for checks of other kinds, which only others make.
    """

    id: str
    caller_reference: str
    address: Address | None = None
    children: tuple[str, ...] = ()

    @cached_property
    def _parts(self) -> tuple[str, float]:
        found = _REFERENCE.fullmatch(self.caller_reference)
        return (found["content"], int(found["created"]) / 1000) if found else ("", 0.0)

    @property
    def content(self) -> str:
        """The hash of what it asks and how; empty for a check of somebody else."""
        return self._parts[0]

    @property
    def created(self) -> float:
        """When it was made, in seconds since 1970."""
        return self._parts[1]


MissingCheck = Mapping[Address, str | None]
"""The checks that a record set still needs: one of each address without an id here and, of several, one of them all."""


class View(Struct, frozen=True, dict=True):
    """What a run knows of a domain's health checks at one look.

    `known` are all checks of the account by id, None when they could not be listed, or no set can be given any of them.
    The run may not make more of them when something went wrong with that before. `rejected` says that Route 53 has
    rejected a batch that named a check for the first time. In a `dry_run` what is missing is taken as made.
    """

    checking: Checking
    owner: str
    known: Mapping[str, HealthCheck] | None
    seen_at: float
    may_make: bool = True
    rejected: bool = False
    has_written: bool = False
    dry_run: bool = False

    @cached_property
    def own(self) -> Mapping[str, HealthCheck]:
        """The domain's own checks: nothing else is ever given to a record set, or deleted."""
        known = (self.known or {}).values()
        return {each.id: each for each in known if each.content and each.caller_reference.startswith(f"{self.owner}:")}

    @cached_property
    def by_content(self) -> Mapping[str, Sequence[HealthCheck]]:
        """The domain's own checks by what they ask."""
        found: dict[str, list[HealthCheck]] = {}
        for each in self.own.values():
            found.setdefault(each.content, []).append(each)
        return found

    def content(self, addresses: Iterable[Address]) -> str:
        """Give the hash of what a check of these addresses asks and how."""
        asked = " ".join(sorted(map(str, addresses)))
        return _hash(f"{self.checking.probe} every {self.checking.interval_seconds} s: {asked}", 16)

    def reference(self, addresses: Iterable[Address]) -> str:
        """Give the caller reference of a check to be made, with the time in milliseconds.

        It is never one used before, which Route 53 refuses for days after its check was deleted.
        """
        return f"{self.owner}:{self.content(addresses)}:{round(1000 * self.seen_at):013d}"


def owner_of(zone: Zone, domain: str) -> str:
    """Give what the caller references of a domain's checks begin with."""
    return f"kube-node-dns:{_hash(f'{zone.id} {domain}', 12)}"


def _hash(text: str, length: int) -> str:
    return sha256(text.encode()).hexdigest()[:length]
