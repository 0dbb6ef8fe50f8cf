"""What becomes of a node: published, or skipped with a reason; some of its addresses may be withheld."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from jobs.core.address import Address
from jobs.core.coordinates import Coordinates


@dataclass(frozen=True)
class Withheld:
    """An address of a node that is not published, and why."""

    address: Address
    reason: str


@dataclass(frozen=True)
class Published:
    """A node that belongs into DNS with at least one address."""

    node: str
    addresses: tuple[Address, ...]
    coordinates: Coordinates | None
    withheld: tuple[Withheld, ...] = ()


@dataclass(frozen=True)
class Skipped:
    """A node that does not belong into DNS, and why; `addresses` are those it would bring."""

    node: str
    reason: str
    addresses: tuple[Address, ...]
    coordinates: Coordinates | None
    withheld: tuple[Withheld, ...] = ()


Verdict = Published | Skipped


def reasons(verdict: Verdict) -> Iterator[tuple[Address, str | None]]:
    """Go through all addresses of a node, with the reason why one is not published; None where it is."""
    reason = verdict.reason if isinstance(verdict, Skipped) else None
    yield from ((address, reason) for address in verdict.addresses)
    yield from ((each.address, each.reason) for each in verdict.withheld)


def published(verdicts: Iterable[Verdict]) -> list[Published]:
    """Pick the published nodes."""
    return [verdict for verdict in verdicts if isinstance(verdict, Published)]


def skip(verdict: Verdict, reason: str) -> Verdict:
    """Take a published node out; one that is skipped keeps its own reason."""
    match verdict:
        case Published(node, addresses, coordinates, withheld):
            return Skipped(node, reason, addresses, coordinates, withheld)
    return verdict


def withhold(verdict: Verdict, refused: Mapping[tuple[str, Address], str]) -> Verdict:
    """Move refused addresses of a published node to the withheld ones; a node with none left is skipped.

    `refused` are reasons by node and address.
    """
    if isinstance(verdict, Skipped) or not refused:
        return verdict
    why = {address: refused.get((verdict.node, address)) for address in verdict.addresses}
    more = tuple(Withheld(address, reason) for address, reason in why.items() if reason)
    if not more:
        return verdict
    kept = tuple(address for address, reason in why.items() if not reason)
    if not kept:
        return Skipped(verdict.node, more[0].reason, (), verdict.coordinates, verdict.withheld + more)
    return replace(verdict, addresses=kept, withheld=verdict.withheld + more)
