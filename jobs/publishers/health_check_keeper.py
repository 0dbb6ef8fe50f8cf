"""What sync-once does about Route 53's health checks: list them, make those that are missing, delete those not needed.

Nothing here keeps an address in or out of DNS: what goes wrong is noted with the domain, and the exit status shows it.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from jobs.core.address import Address
from jobs.core.check_assignment import CheckChanges
from jobs.core.errors import ConfigurationError, Failure
from jobs.core.health_checks import Checking, HealthCheck, View, owner_of
from jobs.core.progress import Progress
from jobs.core.route53_form import check_of_address, check_of_any
from jobs.edges.clock import Clock

if TYPE_CHECKING:  # for annotations only
    from jobs.edges.health_checks import HealthChecks

log = logging.getLogger(__name__)

WORK_SECONDS = 10.0  # for all that is made or deleted in one round: a later run goes on
CALL_SECONDS = 9.0  # what one call may take, with what is tried again
WRITE_SECONDS = 20.0  # what another look, probes included, and a write may take: records must not wait for a check


class Keeper:
    """Keeps the health checks of a run's domains."""

    def __init__(
        self, checking: Checking, edge: "HealthChecks", clock: Clock, progress: Progress, *, dry_run: bool
    ) -> None:
        """Take what the checks are to be, and where they are; a dry run lists them and makes none."""
        self._checking = checking
        self._edge = edge
        self._clock = clock
        self._progress = progress
        self._dry_run = dry_run
        self._made: dict[str, HealthCheck] = {}
        self._unlisted: set[str] = set()

    def look(self, names: Iterable[str]) -> dict[str, View]:
        """List the account's health checks, once for all domains, and give each its view.

        A run that could not get the list leaves each record set the check that it has, and does not ask again.
        """
        names, known = tuple(names), None
        if self._unlisted.isdisjoint(names):
            try:
                known = self._edge.all()
            except Failure as error:
                self._unlisted.update(names)
                for name in names:
                    self._progress.note(name, checks_error=error)
        return {name: self._view(name, known) for name in names}

    def _view(self, name: str, known: Mapping[str, HealthCheck] | None) -> View:
        domain = self._progress[name]
        assert domain.zone is not None  # noqa: S101 - its records were read
        if domain.checks_refused:
            known = None  # whatever the list says
        elif known is not None and not domain.checks_rejected:
            known = {**self._made, **known}  # the list may lag behind; after a rejection only the list counts
        return View(
            self._checking,
            owner_of(domain.zone, name),
            known,
            self._clock.time_of_day(),
            may_make=domain.checks_error is None,
            rejected=domain.checks_rejected,
            has_written=domain.has_written,
            dry_run=self._dry_run,
        )

    def apply(self, changes: Mapping[str, CheckChanges]) -> None:
        """Make the checks that are missing, for the next look to find, then delete those that nothing needs."""
        if self._dry_run:
            return
        end = self._clock.now() + WORK_SECONDS
        for name, each in changes.items():
            with self._noting_failures_of(name):
                self._make(name, each, end)
        for name, each in changes.items():
            with self._noting_failures_of(name):
                for check in each.unused:
                    self._check_time(end, CALL_SECONDS)
                    self._edge.delete(check)
                    log.info("%s: deleted health check %s, which nothing needs", name, check.id)

    def _make(self, name: str, changes: CheckChanges, end: float) -> None:
        """Make a check of each address without one, and for a set of several one that wants one of them healthy."""
        view, made = changes.view, dict[Address, str]()

        def make(addresses: Iterable[Address], settings: Mapping[str, Any]) -> str:
            self._check_time(end, CALL_SECONDS + WRITE_SECONDS)
            check = self._edge.create(view.reference(addresses), settings)
            self._made[check.id] = check
            log.info("%s: made health check %s of %s", name, check.id, " ".join(map(str, addresses)))
            return check.id

        for leaves in changes.missing:
            for address, known in leaves.items():
                if known is None and address not in made:
                    made[address] = make([address], check_of_address(view.checking, address))
            if len(leaves) > 1:
                children = {known or made[address] for address, known in leaves.items()}
                with self._noticing_lost(children):
                    make(leaves, check_of_any(sorted(children)))

    @contextmanager
    def _noticing_lost(self, children: set[str]) -> Iterator[None]:
        """Turn the refusal of a check whose children somebody has deleted meanwhile into something that passes."""
        try:
            yield
        except ConfigurationError as error:
            gone = sorted(children - self._edge.all().keys())
            if not gone:
                raise
            raise Failure(f"{error}; {', '.join(gone)} is gone since it was listed, a later run goes on") from error

    def _check_time(self, end: float, seconds: float) -> None:
        """Raise Failure when the time for checks is up, or not enough is left for what comes after them."""
        if self._clock.now() > end or self._clock.left() < seconds:
            raise Failure("no time left to see to all health checks; a later run goes on, or raise --timeout")

    @contextmanager
    def _noting_failures_of(self, name: str) -> Iterator[None]:
        try:
            yield
        except Failure as error:
            self._progress.note(name, checks_error=error)
