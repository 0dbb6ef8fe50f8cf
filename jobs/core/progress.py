"""How far a run got with each of its domains. Pure."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from jobs.core.errors import (
    DONE,
    REFUSED,
    CheckGone,
    ConfigurationError,
    Conflict,
    Failure,
    LostRace,
    TemporaryError,
    worst,
)
from jobs.core.plan import Change, Plan, calculate
from jobs.core.record_set import RecordSet
from jobs.core.verdict import Verdict
from jobs.core.zones import Zone

MAX_REJECTIONS = 2  # in a row, with nothing changed in between: that is not a lost race
MAX_WRITES = 3  # per domain and run: a run that needs more competes with somebody


class Domain(Struct, frozen=True):
    """How far a run got with a domain."""

    name: str
    zone: Zone | None = None
    """The hosted zone that holds it, at Route 53."""
    dnsendpoint: str | None = None
    """The DNSEndpoint that holds it, as NAMESPACE/NAME."""
    done: bool = False
    """Whether the run has finished with it: it is as wanted, refused, or failed."""
    error: Failure | None = None
    refusal: str | None = None
    warnings: tuple[str, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    unselected: tuple[Verdict, ...] | None = None
    """The nodes beside the selected ones that have an address which was withdrawn; None when nobody looked for them."""
    before: tuple[RecordSet, ...] = ()
    """What the domain showed at the last look before this run wrote."""
    after: tuple[RecordSet, ...] = ()
    """What it shows now, as far as the run knows; in a dry run what it would show."""
    expected: tuple[RecordSet, ...] | None = None
    """What the next look shows if Route 53 rejected the last write, and nobody was faster."""
    rejections: int = 0
    """How often in a row it rejected a write though nobody was faster."""
    attempted: tuple[Change, ...] = ()
    """What the last write was to change."""
    writes: int = 0
    change_ids: tuple[str, ...] = ()
    unknown: bool = False
    """Whether the outcome of the last write is not known, and no look has shown it yet."""
    unconfirmed: bool = False
    """Whether something was written whose change id was lost with the answer."""
    checks_rejected: bool = False
    """Whether Route 53 has rejected a batch that named a health check for the first time."""
    checks_refused: bool = False
    """Whether it has then refused another one for a check that it lists: no set can be given any."""
    checks_error: Failure | None = None
    """What went wrong with health checks: it keeps no address in or out of DNS, but the exit status shows it."""

    @property
    def where(self) -> str:
        """Say where its record sets are published."""
        return f"DNSEndpoint {self.dnsendpoint}" if self.dnsendpoint else f"zone {self.zone}"

    @property
    def nodes(self) -> tuple[Verdict, ...]:
        """The verdicts on all nodes that the run has something to say about."""
        return (*self.verdicts, *(self.unselected or ()))

    @property
    def names_new_check(self) -> bool:
        """Whether the last write was to give a record set a health check that it did not have."""
        return any(change.names_new_check for change in self.attempted)

    @property
    def has_written(self) -> bool:
        """Whether the run has changed what the domain shows, or may have."""
        return bool(self.change_ids) or self.unconfirmed or self.unknown

    @property
    def difference(self) -> Plan:
        """What the run has changed, or would in a dry run, and which record sets it has left as they were."""
        return calculate(self.before, self.after)

    @property
    def failure(self) -> Failure | None:
        """What went wrong with its records, or else, unless --min-nodes refuses to change them, with their checks."""
        return self.error or (None if self.refusal else self.checks_error)

    @property
    def trouble(self) -> str | None:
        """What went wrong or was refused, in words: with its records, and with their health checks."""
        about_records = str(self.error) if self.error else self.refusal
        about_checks = f"health checks: {self.checks_error}" if self.checks_error else None
        return "; ".join(filter(None, (about_records, about_checks))) or None

    @property
    def exit_status(self) -> int:
        """The domain's own share of the exit status."""
        failures = [each.exit_status for each in (self.error, self.checks_error) if each]
        return worst([*failures, REFUSED if self.refusal and not self.error else DONE])


class Progress:
    """The domains of a run, each at its newest state: written by the run, read for the report."""

    def __init__(self, domains: Sequence[str]) -> None:
        """Begin with domains that nothing is known of."""
        self._domains = {name: Domain(name) for name in domains}

    def __iter__(self) -> Iterator[Domain]:
        """Go through the domains in the order in which they were given."""
        return iter(tuple(self._domains.values()))

    def __getitem__(self, name: str) -> Domain:
        """Give a domain's newest state."""
        return self._domains[name]

    def copy(self) -> "Progress":
        """Give what is known now: a run that is left to itself may go on writing."""
        copied = Progress(())
        copied._domains |= self._domains
        return copied

    @property
    def open(self) -> list[str]:
        """The names of the domains that are not done."""
        return [domain.name for domain in self if not domain.done]

    @property
    def exit_status(self) -> int:
        """The exit status of the whole run."""
        return worst(domain.exit_status for domain in self)

    def note(self, name: str, **members: Any) -> None:  # noqa: ANN401 - members of Domain
        """Note something new about a domain."""
        self._domains[name] = replace(self._domains[name], **members)

    def shows(self, name: str, shown: Sequence[RecordSet]) -> None:
        """Note what a domain shows; what an unknown write has done can be seen now."""
        domain = self[name]
        changed = calculate(domain.after, shown).changes != ()
        self.note(name, unknown=False, unconfirmed=domain.unconfirmed or (domain.unknown and changed))
        if domain.expected is not None:
            nobody_was_faster = calculate(domain.expected, shown).changes == ()
            self.note(name, expected=None, rejections=domain.rejections + 1 if nobody_was_faster else 0)
        if not self[name].has_written:
            self.note(name, before=tuple(shown), after=tuple(shown))
        elif changed:  # else it stays in the form in which it was written
            self.note(name, after=tuple(shown))

    def written(self, name: str, change_id: str, after: Sequence[RecordSet]) -> None:
        """Note that a write was applied, and what the domain shows since."""
        change_ids = (*self[name].change_ids, change_id)
        self._count_write(name, error=None, rejections=0, change_ids=change_ids, after=tuple(after))

    def rejected(self, name: str, error: Conflict) -> None:
        """Note that a write was rejected: by a race, or else by something that stands in the way.

        Which of the two it was the next look shows, where the error does not say so.
        """
        domain = self[name]
        is_about_checks = domain.checks_rejected or domain.names_new_check or isinstance(error, CheckGone)
        members: dict[str, Any] = {"error": error, "checks_rejected": is_about_checks}
        if isinstance(error, CheckGone) and domain.checks_rejected:
            members |= {"checks_refused": True, "checks_error": domain.checks_error or error}
        if isinstance(error, LostRace):
            self._count_write(name, **members, rejections=0)
        else:
            self._count_write(name, **members, expected=domain.after)

    def misconfigured(self, name: str, error: ConfigurationError) -> None:
        """Note that a write can never be applied; the first time that it names a health check, one without may be."""
        if self[name].checks_rejected or not self[name].names_new_check:
            self.fail(name, error)
        else:
            self._count_write(name, error=error, rejections=0, checks_rejected=True)

    def outcome_unknown(self, name: str, error: TemporaryError) -> None:
        """Note that a write may have been applied or not; the next look shows it."""
        self._count_write(name, error=error, rejections=0, unknown=True)

    def _count_write(self, name: str, **members: Any) -> None:  # noqa: ANN401 - members of Domain
        """Count a write and note its outcome, in one step: the report may be made at any moment."""
        self.note(name, writes=self[name].writes + 1, **members)

    def check_attempts(self, name: str, changes: Sequence[Change]) -> None:
        """Fail a domain that one more write of what is left to change would not help."""
        domain = self[name]
        if domain.rejections >= MAX_REJECTIONS:
            self.fail(name, _rejected_repeatedly(domain))
        elif domain.writes >= MAX_WRITES:
            self.fail(name, _too_many_writes(domain, changes))

    def finish(self, name: str) -> None:
        """Note that the run has finished with a domain."""
        self.note(name, done=True)

    def fail(self, name: str, error: Failure) -> None:
        """Note what went wrong with a domain; it stays open when the error may pass."""
        self.note(name, error=error, done=not isinstance(error, TemporaryError))

    def give_up(self, error: Failure) -> bool:
        """Fail what is still open, and say whether anything was; what went wrong before goes along."""
        still_open = self.open
        for name in still_open:
            before = self[name].error
            self.note(name, done=True, error=Failure(f"{error}: {before}") if before else error)
        return bool(still_open)

    @contextmanager
    def noting_failures_of(self, *names: str) -> Iterator[None]:
        """Note a failure with the domains that it concerns, and go on."""
        try:
            yield
        except Failure as error:
            for name in names:
                self.fail(name, error)


def _rejected_repeatedly(domain: Domain) -> Failure:
    """Say that Route 53 rejects what nobody else has changed: trying again will not help."""
    return ConfigurationError(
        f"Route 53 refuses to change these record sets, though nobody else does: {domain.error}; look for a record set "
        "protection or a change guardrail of the zone, and at the zone's quota of records"
    )


def _too_many_writes(domain: Domain, changes: Sequence[Change]) -> Failure:
    """Name the record sets that are still not as they should be after the last write, and why."""
    others = [change for change in changes if change not in domain.attempted]
    names = ", ".join(str(change.subject) for change in others or changes)
    match domain.error:
        case None:  # each write was applied
            why = "because somebody else keeps changing it, or the nodes keep changing"
        case TemporaryError():
            why = f"without a known outcome: {domain.error}"
        case _:
            why = f"because somebody else keeps changing it: {domain.error}"
    return Failure(f"{names}: given up after {domain.writes} writes {why}")
