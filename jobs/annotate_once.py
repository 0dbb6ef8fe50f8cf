"""The annotate job: write this node's globally reachable addresses to its annotations."""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from jobs.core.annotations import BOOT_ID, NODE_IPS

if TYPE_CHECKING:
    from jobs.core.address import Found
    from jobs.edges.node_annotations import NodeAnnotations

log = logging.getLogger(__name__)

MOST_PER_FAMILY = 64  # sync-once publishes 8 of each, and reads no annotation of more than 4,096 characters


class AnnotateResult(Struct, frozen=True):
    """What was found on this node, and whether its annotations changed."""

    node: str | None
    changed: bool
    found: Sequence["Found"]


def annotate_once(
    node: str | None, found: Sequence["Found"], boot_id: str | None, annotations: "NodeAnnotations | None"
) -> AnnotateResult:
    """Write the addresses found to the node's annotations, or nowhere (a dry run).

    No address gives the empty value "looked, found none". The boot id goes with them, so that a node that comes back
    from a reboot with another address is not published with its old one.
    """
    changed = False
    if annotations is not None:
        good = dict.fromkeys(each.address for each in found if each.reason is None)
        families = ([each for each in good if each.version == version] for version in (4, 6))
        kept = [each for family in families for each in family[:MOST_PER_FAMILY]]
        if len(kept) < len(good):
            log.warning("%d addresses, of which the first %d of each family are written", len(good), MOST_PER_FAMILY)
        value = ",".join(map(str, kept))
        changed = annotations.write({NODE_IPS: value, BOOT_ID: boot_id})
        log.info("node %s: %s %s: %s", node, NODE_IPS, "set to" if changed else "unchanged", value or "no address")
    return AnnotateResult(node, changed, found)
