"""All slips."""

from tests.proofs.slips import addresses, annotating, believing, judging, logins, manifests, publishing, records

SLIPS = (
    *addresses.SLIPS,
    *annotating.SLIPS,
    *judging.SLIPS,
    *believing.SLIPS,
    *records.SLIPS,
    *publishing.SLIPS,
    *logins.SLIPS,
    *manifests.SLIPS,
)
