"""A short soak: overlapping runs, faults, kills and changes of nodes, compared with the model at every quiet moment."""

from tests.proofs.soak.soak import soaked


def test_whatever_has_happened_the_next_quiet_run_puts_it_right() -> None:
    """Some rare coincidence of trouble would leave dead nodes in DNS, or nothing at all."""
    with soaked(seed=1) as soak:
        soak.rounds(12)
    assert soak.figures.quiet > 2
    assert soak.figures.faults.total() > 3
    assert soak.figures.batches > 10
