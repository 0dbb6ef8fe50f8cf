"""annotate-once: look for this node's public addresses, and write them to its annotations."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from jobs.core.annotations import BOOT_ID, NODE_IPS
from jobs.edges.interfaces import boot_id, interface_addresses

if TYPE_CHECKING:
    from jobs.core.address import Found
    from jobs.edges.node_annotations import NodeAnnotations

log = logging.getLogger(__name__)

MOST_PER_FAMILY = 64  # sync-once publishes 8 of each, and reads no annotation of more than 4,096 characters


class AnnotateRequest(Struct, frozen=True):
    """What a run is asked to do: `interfaces` and `excluded_interfaces` are globs, `sources` clouds and URLs to ask."""

    node: str | None
    interfaces: Sequence[str]
    excluded_interfaces: Sequence[str]
    sources: Sequence[str]


class AnnotateResult(Struct, frozen=True):
    """What was found on this node, and whether its annotations changed."""

    node: str | None
    changed: bool
    found: Sequence["Found"]


def annotate_once(request: AnnotateRequest, log_in: "Callable[[], NodeAnnotations] | None") -> Iterator[AnnotateResult]:
    """Write the node's globally reachable addresses to its annotations, or nowhere without `log_in` (a dry run).

    Gives after each step what is known then, so that a run that fails or is cut short can be reported. The boot id goes
    with the addresses, so that a node that comes back from a reboot with another one is not published with its old one.
    """
    found: Sequence[Found] = interface_addresses(request.interfaces, request.excluded_interfaces)
    result = AnnotateResult(request.node, changed=False, found=found)
    yield result
    annotations = log_in() if log_in else None
    if request.sources:
        result = replace(result, found=_with_reported(result.found, request.sources))
        yield result
    if annotations:
        addresses = _to_write(result.found)
        changed = annotations.write({NODE_IPS: addresses, BOOT_ID: boot_id()})
        outcome = "set to" if changed else "unchanged"
        log.info("node %s: %s %s: %s", request.node, NODE_IPS, outcome, addresses or "no address")
        yield replace(result, changed=changed)


def _with_reported(found: Sequence["Found"], sources: Iterable[str]) -> Sequence["Found"]:
    """Add the addresses that other sources report."""
    from jobs.core.reported_addresses import joined  # noqa: PLC0415 - most nodes need none
    from jobs.edges.reported_addresses import reported_addresses  # noqa: PLC0415

    return joined(found, reported_addresses(sources))


def _to_write(found: Sequence["Found"]) -> str:
    """Join the good addresses; without one the value is empty: looked, found none."""
    good = dict.fromkeys(each.address for each in found if each.reason is None)
    families = ([each for each in good if each.version == version] for version in (4, 6))
    kept = [each for family in families for each in family[:MOST_PER_FAMILY]]
    if len(kept) < len(good):
        log.warning("%d addresses, of which the first %d of each family are written", len(good), MOST_PER_FAMILY)
    return ",".join(map(str, kept))
