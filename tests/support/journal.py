"""What a run asked of both servers, in order, and what must be true of it whatever goes wrong."""

from collections.abc import Callable
from typing import TypeAlias

from tests.sandbox.server import Call
from tests.sandbox.world import World
from tests.support.sync_runs import DOMAIN, WRITE

LIST, NODES, LEASES = "ListResourceRecordSets", "list nodes", "list leases"
READS = {LIST, "get dnsendpoints"}
WRITES = {WRITE, "create dnsendpoints", "patch dnsendpoints"}
"""The calls that read and write a domain's records, at Route 53 or in a DNSEndpoint."""
Disturb: TypeAlias = Callable[[Call], object]


class Journal:
    """The calls to both servers in the order in which they came."""

    def __init__(self, world: World) -> None:
        """Begin to note them."""
        self.calls: list[Call] = []
        self.disturb: Disturb = lambda _call: None
        world.dns.before = world.cluster.before = self._note

    def _note(self, call: Call) -> None:
        self.calls.append(call)
        self.disturb(call)

    def rounds(self) -> list[list[Call]]:
        """Cut the calls after each write; the last piece has none."""
        pieces: list[list[Call]] = [[]]
        for call in self.calls:
            pieces[-1].append(call)
            if call.operation in WRITES:
                pieces.append([])
        return pieces

    def check(self) -> None:
        """No batch is sent without a fresh look at the records, then at the nodes, then at their Leases."""
        for piece in self.rounds()[:-1]:
            looks = [call.operation for call in piece]
            read = next((place for place, look in enumerate(looks) if look in READS), None)
            assert read is not None, "written without reading the records"
            assert NODES in looks[read:], "written without listing the nodes afterwards"
            assert LEASES in looks[looks.index(NODES) :], "written without listing the Leases afterwards"

    @property
    def writes(self) -> int:
        """How often a batch was sent."""
        return len(self.rounds()) - 1


def check_history(world: World) -> None:
    """After each batch the name answers, and all of its sets have one policy."""
    for batch in world.route53.history:
        sets = [each for each in batch.after[f"{DOMAIN}."] if each["Type"] in {"A", "AAAA"}]
        assert {each["Type"] for each in sets} == {"A", "AAAA"}, "a family is gone"
        assert len({"GeoProximityLocation" in each for each in sets}) == 1, "half switched"
        assert {change["Action"] for change in batch.changes} <= {"DELETE", "CREATE"}
