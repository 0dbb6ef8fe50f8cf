"""What becomes of a node: published, or skipped with a reason; some of its addresses may be withheld or in doubt."""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from jobs.core.address import Address
from jobs.core.place import Coordinates


class Withheld(Struct, frozen=True):
    """An address of a node that is not published, and why."""

    address: Address
    reason: str


class Doubt(Struct, frozen=True):
    """An address that is left as it is in DNS: something speaks against it, `reason`, but does not take it out.

    `cause` says why not, in the words of the warning that concerns all such addresses.
    """

    address: Address
    reason: str
    cause: str

    @property
    def left_out(self) -> str:
        """Say why the address is not added."""
        words = "DNS does not show the address: left out"
        if self.reason != self.cause:
            words = f"this is not believed, but {words}"
        return f"{self.reason}; {words}"


class Published(Struct, frozen=True):
    """A node that belongs in DNS with its `addresses`; of those in doubt DNS decides, see `resolve_doubts`."""

    node: str
    addresses: tuple[Address, ...]
    coordinates: Coordinates | None
    withheld: tuple[Withheld, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    bias: int = 0


class Skipped(Struct, frozen=True):
    """A node that does not belong in DNS, and why; `addresses` are those it would bring.

    `is_ending` says that it is about to go for good, `is_deleted` that its object is being deleted.
    """

    node: str
    reason: str
    addresses: tuple[Address, ...]
    coordinates: Coordinates | None
    withheld: tuple[Withheld, ...] = ()
    bias: int = 0
    is_ending: bool = False
    is_deleted: bool = False


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
        case Published(node, addresses, coordinates, withheld, doubts, bias):
            return Skipped(
                node, reason, addresses + tuple(each.address for each in doubts), coordinates, withheld, bias
            )
    return verdict


def withhold(verdict: Verdict, against: Mapping[tuple[str, Address], str]) -> Verdict:
    """Withhold addresses of a published node; a node with none left is skipped.

    `against` are the reasons, by node and address.
    """
    if isinstance(verdict, Skipped) or not against:
        return verdict
    why = {address: against.get((verdict.node, address)) for address in verdict.addresses}
    more = tuple(Withheld(address, reason) for address, reason in why.items() if reason)
    if not more:
        return verdict
    kept = tuple(address for address, reason in why.items() if not reason)
    if kept or verdict.doubts:
        return replace(verdict, addresses=kept, withheld=verdict.withheld + more)
    return skipped_for(verdict, more)


def skipped_for(verdict: Published, lost: tuple[Withheld, ...]) -> Skipped:
    """Skip a node that has lost its last addresses: for one reason, or else each for its own."""
    if len({each.reason for each in lost}) == 1 and not verdict.withheld:
        addresses = tuple(each.address for each in lost)
        return Skipped(verdict.node, lost[0].reason, addresses, verdict.coordinates, (), verdict.bias)
    return Skipped(verdict.node, lost[0].reason, (), verdict.coordinates, verdict.withheld + lost, verdict.bias)


def resolve_doubts(verdict: Verdict, shown: Iterable[Address] | None) -> Verdict:
    """Let DNS decide about addresses in doubt: those that it shows stay, others stay out; None publishes all."""
    if isinstance(verdict, Skipped) or not verdict.doubts:
        return verdict
    kept = [each.address for each in verdict.doubts if shown is None or each.address in shown]
    out = tuple(Withheld(each.address, each.left_out) for each in verdict.doubts if each.address not in kept)
    addresses = verdict.addresses + tuple(kept)
    bare = replace(verdict, addresses=addresses, doubts=())
    return replace(bare, withheld=verdict.withheld + out) if addresses else skipped_for(bare, out)
