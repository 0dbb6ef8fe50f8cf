"""Events (core/v1): how they are found and shown, for kubectl; double and real alike."""

import datetime as dt
import re

import pytest

from tests.sandbox.contract.client import EVENTS, Api, Json
from tests.sandbox.contract.events import NEWER, about, event

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
HOUR, DAY = 3600, 86_400
NO_TIME = {"firstTimestamp": None, "lastTimestamp": None}


@pytest.mark.parametrize(
    "selector",
    [
        "involvedObject.kind=Node,involvedObject.name={name},involvedObject.namespace=,involvedObject.uid={name}",
        "involvedObject.name={name},involvedObject.apiVersion=v1,involvedObject.fieldPath=",
        "involvedObject.name={name},reason=WithdrawnFromDNS,type=Warning,type!=Normal",
        "involvedObject.name={name},source=kube-node-dns,reportingComponent=kube-node-dns",
    ],
)
def test_events_are_found_by_what_they_are_about(api: Api, selector: str) -> None:
    """Selects Events by their object, reason, type and source, as `kubectl describe node` does."""
    api.call("POST", EVENTS, event(api))
    assert api.call("POST", EVENTS, event(api, metadata={"name": api.mine}, involvedObject=about(None))).status == 201
    query = {"fieldSelector": selector.format(name=api.mine)}
    assert api.call("GET", "/api/v1/events", query=query).names == [f"{api.mine}.1"]


def test_the_source_may_be_the_reporting_component(api: Api) -> None:
    """Takes the reporting component for the source of an Event that has none."""
    api.call("POST", EVENTS, event(api, source=None, reportingComponent=api.mine))
    assert api.call("GET", EVENTS, query={"fieldSelector": f"source={api.mine}"}).names == [f"{api.mine}.1"]
    refused = api.call("GET", EVENTS, query={"fieldSelector": "source.component=x"})
    assert (refused.error, refused.message) == (
        (400, "BadRequest"),
        "field label not supported: source.component",
    )


@pytest.mark.parametrize(
    ("changes", "cells"),
    [
        pytest.param(
            {},
            ["Warning", "WithdrawnFromDNS", "node/{name}", "", "kube-node-dns", "cdn.example.com: withdrawn"],
            id="older form",
        ),
        pytest.param(
            {"source": {"component": "c", "host": "h"}, "message": " m ", "involvedObject": {"fieldPath": "spec"}},
            ["Warning", "WithdrawnFromDNS", "", "spec", "c, h", "m"],
            id="source with a host",
        ),
        pytest.param(
            {"source": None, **NEWER, "type": "", "reason": "Told"},
            ["", "Told", "node/{name}", "", "example.com/x, x-1", "cdn.example.com: withdrawn"],
            id="newer form",
        ),
    ],
)
def test_events_are_shown_in_rows(api: Api, changes: Json, cells: list[str]) -> None:
    """Gives the columns that `kubectl get events` shows."""
    body = event(api, **{"message": "cdn.example.com: withdrawn", **changes})
    assert api.call("POST", EVENTS, body).status == 201
    shown = rows(api)
    columns = [(column["name"], column["priority"]) for column in shown["columnDefinitions"]]
    wide = {"Subobject", "Source", "First Seen", "Count", "Name"}
    names = ("Last Seen", "Type", "Reason", "Object", "Subobject", "Source", "Message", "First Seen", "Count", "Name")
    assert columns == [(name, int(name in wide)) for name in names]
    (row,) = shown["rows"]
    _, *words, _, count, name = row["cells"]
    assert words == [cell.format(name=api.mine) for cell in cells]
    assert (count, name) == (1, f"{api.mine}.1")
    assert row["object"]["metadata"]["name"] == f"{api.mine}.1"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-60, "<invalid>"),
        (5, "[5-9]s"),
        (115, "11[5-9]s"),
        (125, "2m[5-9]s"),
        (600, "10m"),
        (3 * HOUR + 90, "3h1m"),
        (9 * HOUR, "9h"),
        (50 * HOUR + 60, "2d2h"),
        (9 * DAY, "9d"),
        (800 * DAY, "2y70d"),
        (9 * 366 * DAY, "9y"),
    ],
)
def test_the_age_of_an_event_is_shown_in_short(api: Api, seconds: int, shown: str) -> None:
    """Writes ages in one or two units, the larger the coarser."""
    then = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=seconds)
    last, first = ages(api, firstTimestamp=None, lastTimestamp=then.strftime("%Y-%m-%dT%H:%M:%SZ"))
    assert re.fullmatch(shown, last)
    assert first == "<unknown>"


@pytest.mark.parametrize(
    ("changes", "is_known"),
    [
        pytest.param({"lastTimestamp": None}, (True, True), id="the first stands for the last"),
        pytest.param({"firstTimestamp": None}, (True, False), id="the last does not stand for the first"),
        pytest.param(NO_TIME, (False, False), id="none"),
        pytest.param(NO_TIME | NEWER, (True, True), id="the newer form's"),
        pytest.param({"series": {"count": 1}}, (False, True), id="a series that does not tell"),
    ],
)
def test_an_event_is_of_the_time_it_has(api: Api, changes: Json, is_known: tuple[bool, bool]) -> None:
    """Takes the first time for the last, or the eventTime, where an Event has no other."""
    last, first = ages(api, **changes)
    assert (last != "<unknown>", first != "<unknown>") == is_known


def ages(api: Api, **changes: object) -> tuple[str, str]:
    """Create an Event; say how long ago it was seen last and first."""
    assert api.call("POST", EVENTS, event(api, **changes)).status == 201
    (row,) = rows(api)["rows"]
    return row["cells"][0], row["cells"][7]


def rows(api: Api) -> Json:
    """Give the table with this test's Event."""
    return api.call("GET", EVENTS, query={"fieldSelector": f"metadata.name={api.mine}.1"}, accept=TABLE).json
