"""How a run fails, as its exit status."""

import pytest

from jobs.core.errors import ConfigurationError, Conflict, Failure, NotApplied, TemporaryError, worst


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        pytest.param(Failure, 1, id="failure"),
        pytest.param(TemporaryError, 1, id="temporary"),
        pytest.param(NotApplied, 1, id="not applied"),
        pytest.param(Conflict, 1, id="conflict"),
        pytest.param(ConfigurationError, 2, id="configuration"),
    ],
)
def test_exit_status_of_a_failure(failure: type[Failure], status: int) -> None:
    """What may pass exits with 1, what only a person can mend with 2."""
    assert failure("x").exit_status == status


@pytest.mark.parametrize(
    ("statuses", "status"),
    [
        pytest.param([], 0, id="nothing to do"),
        pytest.param([0, 0], 0, id="all done"),
        pytest.param([0, 3], 3, id="refused counts before done"),
        pytest.param([3, 1, 0], 1, id="failed counts before refused"),
        pytest.param([1, 3, 2, 0], 2, id="misconfigured counts before all"),
    ],
)
def test_worst(statuses: list[int], status: int) -> None:
    """Of several statuses 2 counts before 1, before 3, before 0."""
    assert worst(iter(statuses)) == status
