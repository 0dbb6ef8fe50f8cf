"""How far a run got with each domain, kept current throughout. Pure."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from jobs.core.errors import DONE, REFUSED, Failure, TemporaryError, worst
from jobs.core.model import Verdict
from jobs.core.plan import Change
from jobs.core.zones import Zone


@dataclass(frozen=True)
class Outcome:
    """How far the run got with a domain. `changes` were made, or would be in a dry run."""

    domain: str
    zone: Zone | None = None
    settled: bool = False
    error: Failure | None = None
    refusal: str | None = None
    warnings: tuple[str, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    changes: tuple[Change, ...] = ()
    attempted: tuple[Change, ...] = ()
    unsure: tuple[Change, ...] = ()
    unconfirmed: bool = False  # something was written, but the answer with its change id was lost
    unchanged: int = 0
    writes: int = 0
    change_ids: tuple[str, ...] = ()

    @property
    def exit_status(self) -> int:
        """The domain's own share of the exit status."""
        return self.error.exit_status if self.error else REFUSED if self.refusal else DONE


Outcomes = dict[str, Outcome]


def exit_status(outcomes: Outcomes) -> int:
    """Give the exit status of a whole run."""
    return worst(outcome.exit_status for outcome in outcomes.values())


def given_up(outcomes: Outcomes, domains: Iterable[str], error: Failure) -> list[str]:
    """Settle with an error what is not settled yet, and name it; what went wrong before is told along with it."""
    known = [outcomes.get(domain, Outcome(domain)) for domain in domains]
    opened = [outcome for outcome in known if not outcome.settled]
    for outcome in opened:
        whole = Failure(f"{error}: {outcome.error}") if outcome.error else error
        outcomes[outcome.domain] = replace(outcome, settled=True, error=whole)
    return [outcome.domain for outcome in opened]


def unsettled(outcomes: Outcomes) -> list[str]:
    """Name the domains that still want something."""
    return [outcome.domain for outcome in outcomes.values() if not outcome.settled]


@contextmanager
def settling(outcomes: Outcomes, *domains: str) -> Iterator[None]:
    """Keep a failure to the domains it concerns; a temporary one leaves them open for the next round."""
    try:
        yield
    except Failure as error:
        settled = not isinstance(error, TemporaryError)
        outcomes |= {domain: replace(outcomes[domain], error=error, settled=settled) for domain in domains}
