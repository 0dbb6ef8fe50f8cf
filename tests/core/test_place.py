"""A node's place and bias: its own annotations, else its labels, else the default."""

import pytest
from msgspec.structs import replace

from jobs.core.annotations import BIAS, COORDINATES
from jobs.core.assessment import assess, placed
from jobs.core.node import Node, Rules
from jobs.core.place import Places, parse_bias, parse_place
from jobs.core.verdict import Published
from tests.support.builders import LIMA, NODE, PARIS, TOKYO

PLACES = Places({"fsn1": LIMA, "eu-central": TOKYO}, PARIS)


@pytest.mark.parametrize(
    ("node", "coordinates"),
    [
        pytest.param(
            replace(NODE, coordinates="1,2", zone="fsn1", region="eu-central"), "1.00,2.00", id="its annotation first"
        ),
        pytest.param(replace(NODE, zone="fsn1", region="eu-central"), str(LIMA), id="its zone before its region"),
        pytest.param(replace(NODE, zone="elsewhere", region="eu-central"), str(TOKYO), id="its region"),
        pytest.param(replace(NODE, region="fsn1"), str(LIMA), id="either label may have the value"),
        pytest.param(replace(NODE, zone="elsewhere", region="nowhere"), str(PARIS), id="the default"),
        pytest.param(NODE, str(PARIS), id="the default, without labels"),
    ],
)
def test_where_a_node_is(node: Node, coordinates: str) -> None:
    """The node's annotation counts before its labels, the zone before the region, and these before the default."""
    found, _, warnings = placed(node, PLACES)
    assert (str(found), warnings) == (coordinates, ())


def test_without_a_default_a_node_has_no_place() -> None:
    """Without a default a node has no place, and that is not a mistake."""
    assert placed(replace(NODE, zone="elsewhere"), Places({"fsn1": LIMA})) == (None, 0, ())


@pytest.mark.parametrize(
    ("annotation", "why"),
    [
        pytest.param("91,0", "latitude '91' is not between -90 and 90", id="not on Earth"),
        pytest.param("", "'' is not <latitude>,<longitude>", id="empty"),
        pytest.param("Paris", "'Paris' is not <latitude>,<longitude>", id="a name"),
    ],
)
def test_an_annotation_that_is_not_a_place_is_a_warning(annotation: str, why: str) -> None:
    """An annotation that is not a place gives none, not the label's nor the default one, and a warning says why.

    A node with a mistyped place does not quietly serve another continent.
    """
    node = replace(NODE, coordinates=annotation, zone="fsn1")
    warning = f"node-1 has no place: annotation {COORDINATES}: {why}"
    assert placed(node, PLACES) == (None, 0, (warning,))


def test_a_bad_annotation_never_takes_a_node_out() -> None:
    """A node whose place and bias cannot be read can serve all the same, and both are reported."""
    node = replace(NODE, coordinates="x", bias="x")
    assert assess(node, Rules()) == assess(NODE, Rules())
    assert isinstance(assess(node, Rules()), Published)
    assert [warning.split(":")[0] for warning in placed(node, PLACES)[2]] == [
        "node-1 has no place",
        "node-1 has no bias",
    ]


@pytest.mark.parametrize(
    ("annotation", "bias"),
    [
        pytest.param(None, 0, id="missing"),
        pytest.param("0", 0, id="none"),
        pytest.param("-0", 0, id="minus none"),
        pytest.param("99", 99, id="the largest"),
        pytest.param("-99", -99, id="the smallest"),
        pytest.param("+5", 5, id="signed"),
        pytest.param("007", 7, id="with zeros in front"),
        pytest.param(" 20 ", 20, id="with spaces around"),
    ],
)
def test_a_bias_is_read(annotation: str | None, bias: int) -> None:
    """A bias is a whole number from -99 to 99; a missing one is 0."""
    assert parse_bias(annotation) == bias
    assert placed(replace(NODE, bias=annotation), PLACES) == (PARIS, bias, ())


@pytest.mark.parametrize("annotation", ["", "100", "-100", "1.5", "ten", "1 0", "\u0661", "0001", "--1", "\n1", "X1"])
def test_a_bias_that_cannot_be_read_is_a_warning(annotation: str) -> None:
    """Anything else is 0 with a warning that names the node and the annotation; its place stays."""
    coordinates, bias, [warning] = placed(replace(NODE, bias=annotation), PLACES)
    assert (coordinates, bias) == (PARIS, 0)
    assert warning == f"node-1 has no bias: annotation {BIAS}: {annotation!r} is not a whole number from -99 to 99"


@pytest.mark.parametrize(
    "node", [NODE, replace(NODE, cordoned=True)], ids=["a node that can serve", "a node that is out"]
)
def test_the_verdict_has_place_and_bias(node: Node) -> None:
    """A node's verdict has its place and its bias, whatever its health."""
    verdict = assess(replace(node, zone="fsn1", bias="-7"), Rules(places=PLACES))
    assert (verdict.coordinates, verdict.bias) == (LIMA, -7)


def test_a_place_is_read() -> None:
    """A place of the option is a label's value and coordinates."""
    assert parse_place("fsn1=-12.05,-77.04") == ("fsn1", LIMA)
    assert parse_place(f"{'x' * 63}= -12.05 , -77.04") == ("x" * 63, LIMA)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("fsn1", "is not VALUE=LAT,LON", id="no place"),
        pytest.param("=1,2", "is not VALUE=LAT,LON", id="no label"),
        pytest.param("", "is not VALUE=LAT,LON", id="empty"),
        pytest.param("a=b=1,2", "latitude 'b=1' is not a decimal number", id="no label has an equals sign"),
        pytest.param("fsn1 =1,2", "is not VALUE=LAT,LON", id="no value of a label"),
        pytest.param(f"{'x' * 64}=1,2", "is not VALUE=LAT,LON", id="longer than a label's"),
        pytest.param("fsn1=1", "'1' is not <latitude>,<longitude>", id="half a place"),
        pytest.param("fsn1=1,181", "longitude '181' is not between -180 and 180", id="not on Earth"),
    ],
)
def test_what_is_not_a_place_is_refused(text: str, why: str) -> None:
    """Anything else is refused in words that show the form."""
    with pytest.raises(ValueError, match=f"^{why}"):
        parse_place(text)
