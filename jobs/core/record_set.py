"""A resource record set."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jobs.core.address import Address
from jobs.core.place import Coordinates
from jobs.core.text import one_line

TYPES: Mapping[str, int] = {"A": 4, "AAAA": 6}
"""The record types that belong to kube-node-dns, with their IP version."""


@dataclass(frozen=True)  # no Struct: `raw` is not compared
class RecordSet:
    """A resource record set. Two are equal when they answer alike, however their addresses are written.

    `addresses` are in numeric order; only sets of type A and AAAA have any, and no alias does. `extras` is what a
    record set of somebody else has beyond those of kube-node-dns (weight, alias...). `raw` is its form in
    the AWS API exactly as it was read, which DELETE has to repeat; None for a set of our own making.
    """

    name: str
    type: str
    addresses: tuple[Address, ...]
    ttl: int | None
    policy: str = "simple"
    set_identifier: str | None = None
    coordinates: Coordinates | None = None
    bias: int = 0
    health_check_id: str | None = None
    extras: str = ""
    raw: Mapping[str, Any] | None = field(default=None, compare=False, repr=False)

    @property
    def key(self) -> tuple[str, str]:
        """What distinguishes the sets of one name."""
        return self.type, self.set_identifier or ""

    def __str__(self) -> str:
        """Say which of its name's sets this is, for people, on one line: others may name theirs as they like."""
        place = self.coordinates if self.coordinates is not None else one_line(self.set_identifier or "")
        return f"{self.type} {self.policy}" + (f" {place}" if place else "")


def addresses_in(record_sets: Iterable[RecordSet]) -> set[Address]:
    """Give the addresses that these record sets hold."""
    return {address for each in record_sets for address in each.addresses}
