"""What a sync asks of the destination that it publishes to, whichever that is."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from jobs.core.plan import Plan
from jobs.core.progress import Domain, Progress
from jobs.core.record_set import RecordSet

Write = Callable[[], str]
"""Applies a plan, whole or not at all, and gives the id of the change.

Raises NotApplied when nothing was done, Conflict when the record sets are not, or no longer, those that were read, and
any other TemporaryError when it is not known whether the plan was applied. Only what raises NotApplied may be repeated.
"""


class Publisher(Protocol):
    """A destination of record sets."""

    def read(self, progress: Progress) -> Mapping[str, Sequence[RecordSet]]:
        """Read the record sets of each open domain that belong to kube-node-dns; failures become their domains'."""

    def prepare(self, domain: Domain, plan: Plan) -> Write:
        """Make one write of a plan, a compare-and-swap with what was read last; sends nothing.

        Raises ConfigurationError when the plan fits no write.
        """

    def finish(self, progress: Progress) -> None:
        """Do what is left to do when all writes are done."""
