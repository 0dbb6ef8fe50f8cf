"""Whatever Route 53 answers once: the run ends as it should all the same, or with a reason, and harms nobody."""

import re
from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from jobs.core.errors import DONE, FAILED, MISCONFIGURED
from jobs.core.progress import Domain
from jobs.core.text import one_line
from tests.proofs.fuzz.site import Site
from tests.proofs.fuzz.values import Draw, examples, texts
from tests.sandbox.kubernetes import node
from tests.sandbox.route53 import Route53
from tests.sandbox.server import Request, Response
from tests.sandbox.world import PREFIX
from tests.support.builders import DOMAIN, evidence_settings, request

OPERATIONS = (
    "ListHostedZonesByName",
    "GetHostedZone",
    "ListResourceRecordSets",
    "ChangeResourceRecordSets",
    "GetChange",
)
Alter = Callable[[Response], Response]

STATUSES = (200, 200, 200, 204, 301, 400, 403, 404, 413, 429, 500, 503)
BODIES = (
    b"",
    b"<",
    b"\xff\xfe<\x00",
    b'{"ResourceRecordSets": []}',
    b"<html><body>Welcome to the hotel</body></html>",
    b'<?xml version="1.0" encoding="utf-16"?><a/>',
    b'<?xml version="1.0" encoding="none-such"?><a/>',
    b"<a>\xc3\x28</a>",
    b"<a>&undefined;</a>",
    b"<ErrorResponse><Error/></ErrorResponse>",
    b"<ErrorResponse><Error><Code><a>b</a></Code><Message/></Error></ErrorResponse>",
    b"<ErrorResponse><Error><Code/><Message><a/><b/></Message></Error></ErrorResponse>",
    b"<ErrorResponse><Error><Code>Throttling</Code><Code>Other</Code></Error></ErrorResponse>",
    b"<InvalidChangeBatch><Messages><Message>one\ntwo</Message></Messages></InvalidChangeBatch>",
    b"<InvalidChangeBatch/>",
)
"""What a proxy, a portal or a broken service may answer."""


class Once:
    """The account's API, where one answer to an operation is altered."""

    def __init__(self, account: Route53, operation: str, alter: Alter) -> None:
        """Behave like the account in all else."""
        self._account, self._due, self._alter = account, operation, alter
        self.operation, self.failure = account.operation, account.failure

    def answer(self, request: Request) -> Response:
        """Answer as the account does, and alter the first answer that is due."""
        response = self._account.answer(request)
        if self.operation(request) != self._due:
            return response
        self._due = ""
        return self._alter(response)


@st.composite
def alterations(draw: Draw) -> Alter:
    """Draw what happens to an answer: its status, its body, or one element of it changes."""
    status = draw(st.sampled_from(STATUSES))
    if draw(st.booleans()):
        body = draw(st.sampled_from(BODIES) | st.binary(max_size=30))
        return lambda response: Response(status, body, response.content_type)
    spots, how = draw(st.lists(st.integers(0, 60), min_size=1, max_size=3)), draw(elements)
    keeps = draw(st.integers(0, 4)) > 0
    return lambda response: Response(
        response.status if keeps else status, _altered(response.body, spots, how), response.content_type
    )


Element = Callable[[ET.Element, ET.Element], None]
"""Alters an element below its parent."""


def _drops(parent: ET.Element, child: ET.Element) -> None:
    parent.remove(child)


def _doubles(parent: ET.Element, child: ET.Element) -> None:
    parent.append(child)


def _empties(_: ET.Element, child: ET.Element) -> None:
    child.clear()


def _says(text: str) -> Element:
    def alter(_: ET.Element, child: ET.Element) -> None:
        child.text = text

    return alter


def _is_called(name: str) -> Element:
    def alter(_: ET.Element, child: ET.Element) -> None:
        child.tag = child.tag.rpartition("}")[0].join(("{", "}")) + name

    return alter


def _wraps(_: ET.Element, child: ET.Element) -> None:
    text, child.text = child.text, None
    ET.SubElement(child, "Inner").text = text


words = texts("5.0.0.1", "true", "false", "60", "A", "example.com.", "/hostedzone/Z1", "INSYNC").map(
    lambda text: "".join(each for each in text if each in "\t\n" or (each >= " " and not "\ud800" <= each <= "\uffff"))
)
"""What XML can hold."""
elements = (
    st.sampled_from([_drops, _doubles, _empties, _wraps])
    | words.map(_says)
    | st.sampled_from(["IsTruncated", "Name", "Weight", "Unknown", "AliasTarget", "TTL"]).map(_is_called)
)


def _altered(body: object, spots: list[int], how: Element) -> bytes:
    assert isinstance(body, bytes)
    root = ET.fromstring(body)  # noqa: S314 - the double's own
    for spot in spots:
        pairs = [(parent, child) for parent in root.iter() for child in parent]
        if pairs:
            how(*pairs[spot % len(pairs)])
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def populated(site: Site) -> str:
    """Let two nodes serve that DNS does not show yet, beside records of others; give the zone's id."""
    site.renew()
    for number in (1, 2):
        site.world.kubernetes.put(node(f"n{number}", annotations={PREFIX + "node-ips": f"5.0.0.{number}"}))
    account = site.world.route53
    zone_id = account.zone("example.com")
    for name, type_, value in ((DOMAIN, "A", "5.0.0.9"), (DOMAIN, "TXT", '"a"'), (f"a.{DOMAIN}", "A", "192.0.2.1")):
        account.put(zone_id, {"Name": name, "Type": type_, "TTL": 60, "ResourceRecords": [{"Value": value}]})
    return zone_id


def run(site: Site, zone_id: str, operation: str, alter: Alter) -> Domain:
    """Run sync-once with one answer altered."""
    site.world.dns.service = Once(site.world.route53, operation, alter)
    by_id = zone_id if operation == "GetHostedZone" else None
    return site.run(request((DOMAIN,), evidence_settings=evidence_settings(0)), by_id, wait=True)[DOMAIN]


@pytest.mark.parametrize("operation", OPERATIONS)
@examples(0.15)
@given(data=st.data())
def test_one_answer_of_anything(site: Site, operation: str, data: st.DataObject) -> None:
    """After any answer to one call the run ends with 0, 1 or 2, the name answers, and records of others stay."""
    zone_id = populated(site)
    before = site.contents(zone_id)
    result = run(site, zone_id, operation, data.draw(alterations()))
    after = site.contents(zone_id)
    event(f"exit status {result.exit_status}")
    assert result.exit_status in (DONE, FAILED, MISCONFIGURED)
    assert result.error is None or one_line(str(result.error))
    assert [raw for raw in after if raw not in before and raw["Name"] != f"{DOMAIN}."] == []
    assert [raw for raw in before if raw not in after and (raw["Name"], raw["Type"]) != (f"{DOMAIN}.", "A")] == []
    assert any((raw["Name"], raw["Type"]) == (f"{DOMAIN}.", "A") for raw in after)


@pytest.mark.parametrize(
    ("operation", "said", "instead"),
    [
        pytest.param("ListHostedZonesByName", b"hostedzone/Z", b"hostedzone/\tZ", id="zone id with a tab"),
        pytest.param("ListHostedZonesByName", b"<Config>", b"<Config/><Config>", id="structure twice"),
        pytest.param("ListResourceRecordSets", b"<TTL>60", b"<TTL>soon", id="text for a number"),
        pytest.param("ListResourceRecordSets", b"<TTL>60", b"<TTL>60</TTL><TTL>60", id="number twice"),
        pytest.param("ListResourceRecordSets", b"<Type>A", b"<Type>A</Type><Type>A", id="text twice"),
        pytest.param("ListResourceRecordSets", b"<TTL>60", b"<TTL>", id="no number"),
        pytest.param("ChangeResourceRecordSets", b"<SubmittedAt>", b"<SubmittedAt>once upon", id="no time"),
        pytest.param("GetChange", b"<SubmittedAt>", b"<SubmittedAt>once upon", id="no time, asked for"),
        pytest.param("GetChange", b"<SubmittedAt>[^<]*", b"<SubmittedAt>" + b"60" * 80, id="a time beyond all time"),
    ],
)
def test_an_answer_of_another_shape(site: Site, operation: str, said: bytes, instead: bytes) -> None:
    """A read whose answer has another shape is tried again: the domain ends as wanted."""

    def alter(response: Response) -> Response:
        assert isinstance(response.body, bytes)
        assert re.search(said, response.body)
        return Response(response.status, re.sub(said, instead, response.body), response.content_type)

    zone_id = populated(site)
    result = run(site, zone_id, operation, alter)
    assert [
        record["Value"] for raw in site.world.route53.records(zone_id, DOMAIN) for record in raw["ResourceRecords"]
    ] == [
        "5.0.0.1",
        "5.0.0.2",
        '"a"',
    ]
    assert "unexpected" not in str(result.error)
    if operation != "ChangeResourceRecordSets":  # whose change id is lost, so nobody can wait for it
        assert result.error is None


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"<ErrorResponse><Error><Code>", id="nothing"),
        pytest.param(b"<ErrorResponse><Error/></ErrorResponse>", id="empty"),
        pytest.param(b"<ErrorResponse/>", id="no error"),
        pytest.param(b"<ErrorResponse><Error><Code><a>b</a></Code></Error></ErrorResponse>", id="code with a member"),
        pytest.param(b"<ErrorResponse><Error>text</Error></ErrorResponse>", id="text for an error"),
        pytest.param(b"<ErrorResponse><Error/><Error/></ErrorResponse>", id="two errors"),
        pytest.param(b"<ErrorResponse><Error><Code/><Message/></Error></ErrorResponse>", id="neither code nor message"),
    ],
)
@pytest.mark.parametrize("operation", ["ListResourceRecordSets", "ChangeResourceRecordSets"])
def test_an_error_of_another_shape(site: Site, operation: str, body: bytes) -> None:
    """An error of any shape that may pass is tried again: the domain ends as wanted."""
    zone_id = populated(site)
    result = run(site, zone_id, operation, lambda response: Response(503, body, response.content_type))
    assert "unexpected" not in str(result.error)
    assert {"Value": "5.0.0.2"} in site.world.route53.records(zone_id, DOMAIN)[0]["ResourceRecords"]
