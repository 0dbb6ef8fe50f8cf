"""The table: how a run ends when one of its calls goes wrong, and by which words it is told.

A fault that passes is tried again or looked at anew, so the run ends with 0 and has done its work, once. What does not
pass ends it with 1, or with 2 where somebody has to change something. Some calls are news or one source of several:
without them the run goes on.
"""

from dataclasses import dataclass
from typing import get_args

from tests.sandbox.server import FaultKind

KINDS: tuple[FaultKind, ...] = get_args(FaultKind)
WRITES = {"ChangeResourceRecordSets", "create dnsendpoints", "patch dnsendpoints"}
REFUSALS: dict[FaultKind, int] = {"access denied": 2, "expired token": 1}
"""The faults that no second try mends, with the exit status."""

LOST: frozenset[FaultKind] = frozenset({"applied then dropped", "applied then silent"})
"""The faults that leave it open whether a write was applied; it was."""

BROKEN = r"unreachable|broke off"
WORDS: dict[FaultKind, tuple[str, str]] = {
    "throttled": ("Too many requests", "Rate exceeded"),
    "unavailable": ("currently unable to handle", "ServiceUnavailable"),
    "access denied": ("cannot ", "access denied: route53:"),
    "expired token": (r"Unauthorized.*log in again", "ExpiredToken.*renew the AWS credentials"),
    "malformed": ("not what the API promises", "unreadable answer"),
    "empty": ("not what the API promises", "does not promise|unreadable answer"),
    "slow": (r"timed out|\(--timeout\)", "imeout"),
    "reset": (BROKEN, BROKEN),
    "refused": (BROKEN, BROKEN),
    "applied then dropped": (BROKEN, BROKEN),
    "applied then silent": (r"timed out|\(--timeout\)", "imeout"),
}
"""By which words of Kubernetes and of Route 53 a fault is known in log and result."""


@dataclass(frozen=True)
class Promise:
    """How the run ends, and whether it must say why; None where that is all the same."""

    status: int
    told: bool | None


def words(operation: str, kind: FaultKind) -> str:
    """Give the expression that the log or the result must match."""
    of_cluster, of_dns = WORDS[kind]
    return of_cluster if " " in operation else of_dns


def once(operation: str, kind: FaultKind, *, waits: bool = False) -> Promise:
    """Say how a run ends one call of which goes wrong."""
    told: bool | None = kind != "slow"
    if _is_spared(operation, kind):
        told = None if operation == "list leases" else told  # what counts is the last look
        return Promise(0, told)
    if kind in REFUSALS:
        return Promise(REFUSALS[kind], told)
    if waits and operation == "ChangeResourceRecordSets" and kind in LOST:
        return Promise(1, told)  # nobody knows what to wait for
    return Promise(0, told)


def for_good(operation: str, kind: FaultKind, *, waits: bool = False) -> Promise:
    """Say how a run ends when a call goes wrong, and each after it."""
    if _is_spared(operation, kind):
        late = kind in {"slow", "applied then silent"}  # the run may have come to its end before
        return Promise(0, told=None if late else True)
    if kind == "access denied":
        return Promise(2, told=True)
    if operation in WRITES and kind in LOST and not waits:
        return Promise(0, told=True)  # it was applied, and the second look says so
    return Promise(1, told=True)


def _is_spared(operation: str, kind: FaultKind) -> bool:
    """Say whether the run can do without: Events are news, and Leases are left out by whoever may not list them."""
    return operation == "create events" or (operation == "list leases" and kind == "access denied")
