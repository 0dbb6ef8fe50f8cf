"""When --min-nodes refuses a run, nothing leaves DNS and what fits is added."""

import pytest

from jobs.core.model import RecordSet
from jobs.core.plan import without_withdrawals
from tests.support.builders import LIMA, PARIS, TOKYO, alias, ipv4, ipv6, near, place, plain, routed

GEO = {"GeoProximityLocation": {"AWSRegion": "eu-west-1"}}
WEIGHTED = routed("A", "blue", {"Weight": 1}, "5.0.0.9")
BIASED = routed(
    "A",
    "paris",
    {"GeoProximityLocation": {"Coordinates": {"Latitude": "48.86", "Longitude": "2.35"}, "Bias": 10}},
    "5.0.0.9",
)
REGIONAL = routed("A", "eu", GEO, "5.0.0.9")
SAME_NAME = routed("A", f"geoproximity-coords:{PARIS}", GEO, "5.0.0.9")


def four(count: int, *, start: int = 0) -> list[str]:
    """Give that many IPv4 addresses."""
    return [str(ipv4(start + number)) for number in range(count)]


@pytest.mark.parametrize(
    ("current", "wanted", "kept"),
    [
        pytest.param([], [plain("A", "5.0.0.1")], [plain("A", "5.0.0.1")], id="no records: what is wanted, simple"),
        pytest.param([], [near("A", PARIS, "5.0.0.1")], [near("A", PARIS, "5.0.0.1")], id="no records: geoproximity"),
        pytest.param([plain("A", "5.0.0.9")], [], [plain("A", "5.0.0.9")], id="nothing wanted: all stays"),
        pytest.param(
            [plain("A", "5.0.0.9")],
            [plain("A", "5.0.0.1")],
            [plain("A", "5.0.0.9", "5.0.0.1")],
            id="values kept and gained",
        ),
        pytest.param(
            [plain("A", "5.0.0.9")],
            [near("A", PARIS, "5.0.0.1"), near("A", TOKYO, "5.0.0.2")],
            [plain("A", "5.0.0.9", "5.0.0.1", "5.0.0.2")],
            id="a simple set gains all, the policy stays",
        ),
        pytest.param(
            [near("A", PARIS, "5.0.0.9"), near("A", TOKYO, "5.0.0.8")],
            [near("A", PARIS, "5.0.0.1")],
            [near("A", PARIS, "5.0.0.9", "5.0.0.1"), near("A", TOKYO, "5.0.0.8")],
            id="a place gains its own",
        ),
        pytest.param(
            [near("A", PARIS, "5.0.0.9")],
            [near("A", LIMA, "5.0.0.1")],
            [near("A", PARIS, "5.0.0.9"), near("A", LIMA, "5.0.0.1")],
            id="a new place fits geoproximity",
        ),
        pytest.param(
            [near("A", PARIS, "5.0.0.9")],
            [plain("A", "5.0.0.1")],
            [near("A", PARIS, "5.0.0.9")],
            id="a simple set does not fit geoproximity",
        ),
        pytest.param(
            [BIASED], [near("A", PARIS, "5.0.0.9")], [BIASED], id="somebody else's set at the place stays as it is"
        ),
        pytest.param([SAME_NAME], [near("A", PARIS, "5.0.0.1")], [SAME_NAME], id="our identifier at another place"),
        pytest.param(
            [REGIONAL],
            [near("A", PARIS, "5.0.0.1")],
            [REGIONAL, near("A", PARIS, "5.0.0.1")],
            id="a place beside a region",
        ),
        pytest.param([WEIGHTED], [plain("A", "5.0.0.1")], [WEIGHTED], id="another policy stays"),
        pytest.param([WEIGHTED], [near("A", PARIS, "5.0.0.1")], [WEIGHTED], id="another policy takes no place"),
        pytest.param([alias("A")], [plain("A", "5.0.0.1")], [alias("A")], id="an alias stays"),
        pytest.param(
            [plain("A", "5.0.0.9")],
            [plain("A", "5.0.0.9"), plain("AAAA", "2600::1")],
            [plain("A", "5.0.0.9"), plain("AAAA", "2600::1")],
            id="the other type is added in the same policy",
        ),
        pytest.param(
            [near("AAAA", PARIS, "2600::9")],
            [near("A", LIMA, "5.0.0.1")],
            [near("A", LIMA, "5.0.0.1"), near("AAAA", PARIS, "2600::9")],
            id="the other type is added at its place",
        ),
        pytest.param(
            [plain("A", "5.0.0.9")],
            [near("A", PARIS, "5.0.0.9"), near("AAAA", PARIS, "2600::1")],
            [plain("A", "5.0.0.9")],
            id="the other type does not fit the policy",
        ),
        pytest.param(
            [plain("A", "5.0.0.9", ttl=300)],
            [plain("A", "5.0.0.9", ttl=60)],
            [plain("A", "5.0.0.9", ttl=300)],
            id="TTL",
        ),
    ],
)
def test_nothing_is_withdrawn(current: list[RecordSet], wanted: list[RecordSet], kept: list[RecordSet]) -> None:
    """Each set keeps its values and gains the wanted ones; wanted sets that fit the policy are added."""
    assert set(without_withdrawals(current, wanted)) == set(kept)


def test_somebody_elses_set_at_a_place_gains_with_its_own_settings() -> None:
    """A set that gains values keeps its other settings."""
    [grown] = without_withdrawals([BIASED], [near("A", PARIS, "5.0.0.1")])
    assert grown.raw == {**BIASED.raw, "ResourceRecords": [{"Value": "5.0.0.9"}, {"Value": "5.0.0.1"}]}


def test_values_are_kept_as_they_are_written() -> None:
    """Values stay as they are written, whatever their notation."""
    [grown] = without_withdrawals([plain("AAAA", "2600:0::9")], [plain("AAAA", "2600::9", "2600::1")])
    assert grown.raw["ResourceRecords"] == [{"Value": "2600:0::9"}, {"Value": "2600::1"}]


def test_a_simple_set_grows_to_400() -> None:
    """A simple set grows to 400 values, no further.

    Otherwise Route 53 would refuse the batch, and no new node would be added at all.
    """
    [grown] = without_withdrawals([plain("A", *four(398))], [plain("A", *four(10, start=500))])
    assert grown.values == tuple(four(398) + four(2, start=500))


def test_all_sets_together_grow_to_400() -> None:
    """All sets of a type together grow to 400 values, no further."""
    current = [near("A", PARIS, *four(199)), near("A", TOKYO, *four(199, start=200))]
    wanted = [near("A", PARIS, *four(5, start=500)), near("A", TOKYO, *four(5, start=600))]
    assert sum(len(each.values) for each in without_withdrawals(current, wanted)) == 400


def test_more_than_400_of_somebody_else_stay() -> None:
    """Sets with more than 400 values stay as they are."""
    current = [near("A", place(number), *four(20, start=20 * number)) for number in range(21)]
    assert without_withdrawals(current, [near("A", place(3), "5.9.9.9"), near("A", place(40), "5.9.9.8")]) == tuple(
        current
    )


def test_a_new_place_is_added_whole_or_not_at_all() -> None:
    """A new place is added whole or not at all."""
    current = [near("A", PARIS, *four(399))]
    wanted = [near("A", LIMA, *four(2, start=500)), near("A", TOKYO, *four(1, start=600))]
    assert without_withdrawals(current, wanted) == (*current, wanted[1])


def test_no_more_than_30_places() -> None:
    """Places are added up to 30."""
    current = [near("A", place(number), str(ipv4(number))) for number in range(29)]
    wanted = [near("A", place(50), "5.9.0.1"), near("A", place(51), "5.9.0.2")]
    assert without_withdrawals(current, wanted) == (*current, wanted[0])


def test_types_have_room_of_their_own() -> None:
    """Each type has limits of its own."""
    current = [plain("A", *four(400)), plain("AAAA", str(ipv6(0)))]
    wanted = [plain("AAAA", str(ipv6(1)))]
    assert without_withdrawals(current, wanted)[1].values == (str(ipv6(0)), str(ipv6(1)))


def test_new_places_share_what_room_there_is() -> None:
    """New places share what is left of the limit."""
    current = [near("A", PARIS, *four(390))]
    wanted = [near("A", LIMA, *four(6, start=500)), near("A", TOKYO, *four(6, start=600))]
    assert without_withdrawals(current, wanted) == (*current, wanted[0])
