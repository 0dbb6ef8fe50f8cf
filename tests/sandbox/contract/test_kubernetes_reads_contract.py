"""Lists, selectors, pages and watches, double and real alike."""

import base64
import itertools
from collections.abc import Iterator

import pytest

from tests.sandbox.contract.client import MERGE, NODES, Api, Json


def labelled(api: Api) -> dict[str, dict[str, str]]:
    """Create nodes with all kinds of labels."""
    nodes: dict[str, dict[str, str]] = {
        "-a": {"env": "prod"},
        "-b": {"env": "dev", "gpu": ""},
        "-c": {},
        "-d": {"rank": "7"},
    }
    for suffix, labels in nodes.items():
        api.node(suffix, labels=labels)
    return nodes


def label(api: Api, suffix: str, value: str | None) -> str:
    """Change a label of a node; give the resourceVersion."""
    return api.patch(api.path(suffix), {"metadata": {"labels": {"colour": value}}}).version


def take(events: Iterator[Json], number: int) -> list[tuple[str, str]]:
    """Read as many events: what happened, to which node."""
    return [(event["type"], event["object"]["metadata"]["name"]) for event in itertools.islice(events, number)]


# Lists


def test_a_list_is_sorted_and_says_of_which_version_it_is(api: Api) -> None:
    """Sorts by name, and names the version from which a watch goes on."""
    for suffix in ("-b", "-a", ".a", "-aa"):
        last = api.node(suffix)
    found = api.list()
    assert (found.json["kind"], found.json["apiVersion"]) == ("NodeList", "v1")
    assert found.names == sorted(found.names) == [f"{api.mine}{suffix}" for suffix in ("-a", "-aa", "-b", ".a")]
    assert int(found.version) >= int(last.version)


def test_items_of_a_list_carry_no_kind(api: Api) -> None:
    """Leaves kind and apiVersion out of the items."""
    created = api.node().json
    (item,) = api.list().json["items"]
    assert item == {key: value for key, value in created.items() if key not in ("kind", "apiVersion")}


@pytest.mark.parametrize(
    ("nodes", "encoding", "expected"),
    [
        pytest.param(2, "gzip", "gzip", id="large"),
        pytest.param(2, "br, gzip", "gzip", id="of two encodings"),
        pytest.param(2, "identity", None, id="not wanted"),
        pytest.param(1, "gzip", None, id="small"),
    ],
)
def test_an_answer_from_128_kib_on_is_compressed(api: Api, nodes: int, encoding: str, expected: str | None) -> None:
    """Compresses large answers for clients that accept gzip, and no others."""
    for number in range(nodes):
        api.node(f"-{number}", metadata={"annotations": {"large": "x" * 100 * 1024}})
    query = {"labelSelector": f"test={api.mine}"}
    found = api.call("GET", NODES, query=query, encoding=encoding)
    assert found.headers.get("Content-Encoding") == expected
    assert len(found.names) == nodes


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        pytest.param("env=prod", "-a", id="equal"),
        pytest.param("env==prod", "-a", id="double equal"),
        pytest.param("env!=prod", "-b -c -d", id="not equal, or not there"),
        pytest.param("env in (prod, dev)", "-a -b", id="in"),
        pytest.param("env notin (prod)", "-b -c -d", id="notin, or not there"),
        pytest.param("env", "-a -b", id="exists"),
        pytest.param("!env", "-c -d", id="does not exist"),
        pytest.param("gpu=", "-b", id="empty value"),
        pytest.param("gpu in (,x)", "-b", id="empty value in a set"),
        pytest.param("rank>6", "-d", id="greater"),
        pytest.param("rank<7", "", id="less"),
        pytest.param("env , !gpu", "-a", id="all of several"),
        pytest.param("in in (in),notin", "", id="operators are names, too"),
    ],
)
def test_label_selectors_choose(api: Api, selector: str, expected: str) -> None:
    """Chooses by every operator of label selectors."""
    labelled(api)
    assert api.list(selector).names == [f"{api.mine}{suffix}" for suffix in expected.split()]


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        pytest.param(
            "a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt", id="words"
        ),
        pytest.param("a in b", "unable to parse requirement: found 'b' expected: '('", id="in without a set"),
        pytest.param("=a", "found '=', expected: !, identifier, or 'end of string'", id="no key"),
        pytest.param("a=b,", "found '', expected: identifier after ','", id="open end"),
        pytest.param("a,,b", "found ',', expected: identifier after ','", id="two commas"),
        pytest.param("!", "unable to parse requirement: found '', expected: identifier", id="not what"),
        pytest.param("!a=b", "found '=', expected: ',' or 'end of string'", id="not equal, the wrong way"),
        pytest.param("a=b=c", "found '=', expected: ',' or 'end of string'", id="two values"),
        pytest.param("a in (b", "unable to parse requirement: found '', expected: ',' or ')'", id="open set"),
        pytest.param(
            "a>x",
            "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, "
            "the value must be an integer",
            id="not a number",
        ),
        pytest.param(
            "a=b_",
            'unable to parse requirement: values[0][a]: Invalid value: "b_": a valid label must be an empty string or '
            "consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
            "character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
            "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
            id="value",
        ),
        pytest.param(
            "_a=b",
            'unable to parse requirement: <nil>: Invalid value: "_a": name part must consist of alphanumeric '
            "characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or "
            "'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
            id="key",
        ),
    ],
)
def test_a_wrong_selector_is_refused_in_words(api: Api, selector: str, message: str) -> None:
    """Answers 400 to a selector with a typing error, and says what it expected."""
    answer = api.call("GET", NODES, query={"labelSelector": selector})
    assert answer.error == (400, "BadRequest")
    assert answer.message == message


def test_field_selectors_choose(api: Api) -> None:
    """Chooses nodes by name and by whether they are cordoned, and refuses other fields."""
    labelled(api)
    assert api.list(fieldSelector=f"metadata.name={api.mine}-b").names == [f"{api.mine}-b"]
    assert api.list(fieldSelector=f"metadata.name!={api.mine}-b").names == [
        f"{api.mine}{end}" for end in ("-a", "-c", "-d")
    ]
    api.patch(api.path("-c"), {"spec": {"unschedulable": True}})
    assert api.list(fieldSelector="spec.unschedulable=true").names == [f"{api.mine}-c"]
    assert len(api.list(fieldSelector="spec.unschedulable=false").names) == 3
    refused = api.list(fieldSelector="spec.zork=1")
    assert (refused.error, refused.message) == ((400, "BadRequest"), "field label not supported: spec.zork")


# Pages


def test_pages_show_one_version(api: Api) -> None:
    """Shows in all pages the objects as they were at the first."""
    for suffix in "abcde":
        api.node(f"-{suffix}")
    first = api.list(limit=2)
    api.call("DELETE", api.path("-d"))
    api.node("-bb")
    label(api, "-e", "red")
    second = api.list(limit=2, **{"continue": first.metadata["continue"]})
    third = api.list(limit=2, **{"continue": second.metadata["continue"]})
    assert [first.names, second.names, third.names] == [
        [f"{api.mine}-{suffix}" for suffix in page] for page in ("ab", "cd", "e")
    ]
    assert {first.version} == {second.version} == {third.version}
    assert "continue" not in third.metadata
    assert "colour" not in third.json["items"][0]["metadata"]["labels"]


def test_the_remaining_items_are_counted_without_a_selector(api: Api) -> None:
    """Counts the remaining items, but not of a selection."""
    for suffix in "abc":
        api.node(f"-{suffix}")
    total = len(api.call("GET", NODES).names)
    page = api.call("GET", NODES, query={"limit": 1})
    assert (len(page.names), page.metadata["remainingItemCount"]) == (1, total - 1)
    assert "remainingItemCount" not in api.list(limit=1).metadata


def test_the_last_page_of_a_selection_may_be_empty(api: Api) -> None:
    """Does not look ahead for a match: a page may be empty, and is the last."""
    for suffix in "abc":
        api.node(f"-{suffix}")
    behind = f"{NODES}/z-{api.mine}"
    assert api.call("POST", NODES, {"metadata": {"name": f"z-{api.mine}"}}).status == 201
    page = api.list(limit=3)
    assert len(page.names) == 3
    last = api.list(limit=3, **{"continue": page.metadata["continue"]})
    assert (last.names, "continue" in last.metadata) == ([], False)
    api.call("DELETE", behind)


def test_an_old_page_token_expires(api: Api) -> None:
    """Answers 410 to a token of a forgotten version, with one that goes on with the newest."""
    for suffix in "abc":
        api.node(f"-{suffix}")
    token = api.list(limit=1).metadata["continue"]
    api.call("DELETE", api.path("-b"))
    api.compact()
    answer = api.list(limit=5, **{"continue": token})
    assert answer.error == (410, "Expired")
    assert answer.message.startswith("The provided continue parameter is too old to display a consistent list result.")
    rest = api.list(limit=5, **{"continue": answer.metadata["continue"]})
    assert rest.names == [f"{api.mine}-c"]


@pytest.mark.parametrize("token", ["abc", "", base64.urlsafe_b64encode(b'{"v":"zork","rv":1,"start":"a"}').decode()])
def test_a_broken_page_token_is_refused(api: Api, token: str) -> None:
    """Answers 400 to what is not a token of its own; an empty one is none."""
    answer = api.call("GET", NODES, query={"limit": 1, "continue": token})
    assert answer.status == 200 if not token else answer.error == (400, "BadRequest")


# Versions


def test_a_list_can_show_an_old_version_until_it_is_forgotten(api: Api) -> None:
    """Shows exactly an old version, and answers 410 once it is forgotten."""
    version = api.node("-a").version
    api.node("-b")
    exact: Json = {"resourceVersion": version, "resourceVersionMatch": "Exact"}
    assert (api.list(**exact).names, api.list(**exact).version) == ([f"{api.mine}-a"], version)
    assert len(api.list(resourceVersion=version, resourceVersionMatch="NotOlderThan").names) == 2
    api.compact()
    forgotten = api.list(**exact)
    assert forgotten.error == (410, "Expired")
    assert len(api.list(resourceVersion="0").names) == 2


def test_a_version_that_does_not_exist_yet_times_out(api: Api) -> None:
    """Answers 504 to a version of another cluster, and names the newest of its own."""
    answer = api.list(resourceVersion="999999999")
    assert answer.error == (504, "Timeout")
    assert answer.message.startswith("Timeout: Too large resource version: 999999999, current: ")
    assert answer.json["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        pytest.param({"resourceVersion": "abc"}, 400, id="version is no number"),
        pytest.param({"resourceVersionMatch": "Exact"}, 422, id="match without version"),
        pytest.param({"resourceVersion": "1", "resourceVersionMatch": "Zork"}, 422, id="unknown match"),
        pytest.param({"resourceVersion": "0", "resourceVersionMatch": "Exact"}, 422, id="exactly any"),
        pytest.param({"limit": "abc"}, 400, id="limit is no number"),
    ],
)
def test_senseless_options_are_refused(api: Api, query: Json, status: int) -> None:
    """Refuses options that make no sense: a misspelt one never means a full list."""
    answer = api.list(**query)
    assert answer.error[0] == status


# Watches


def test_a_watch_goes_on_from_a_list(api: Api) -> None:
    """Sends each change since the list once."""
    api.node("-a")
    version = api.list().version
    api.node("-b")
    label(api, "-a", "red")
    with api.watch(resourceVersion=version) as events:
        assert take(events, 2) == [("ADDED", f"{api.mine}-b"), ("MODIFIED", f"{api.mine}-a")]
        api.call("DELETE", api.path("-b"))
        assert take(events, 1) == [("DELETED", f"{api.mine}-b")]


def test_a_deleted_object_comes_with_the_version_of_its_deletion(api: Api) -> None:
    """Sends a deleted object with the version of its deletion, from which a watch can go on."""
    created = api.node()
    with api.watch(resourceVersion=created.version) as events:
        api.call("DELETE", api.path())
        last = next(events)
    assert (last["type"], last["object"]["kind"]) == ("DELETED", "Node")
    assert int(last["object"]["metadata"]["resourceVersion"]) > int(created.version)


@pytest.mark.parametrize("query", [{}, {"resourceVersion": "0"}], ids=["no version", "any version"])
def test_a_watch_without_a_version_begins_with_what_is_there(api: Api, query: Json) -> None:
    """Begins with an event for each object that there is."""
    api.node("-a")
    api.node("-b")
    with api.watch(**query) as events:
        assert sorted(take(events, 2)) == [("ADDED", f"{api.mine}-a"), ("ADDED", f"{api.mine}-b")]
        label(api, "-b", "red")
        assert take(events, 1) == [("MODIFIED", f"{api.mine}-b")]


def test_a_watch_sees_objects_enter_and_leave_its_selector(api: Api) -> None:
    """Sends ADDED and DELETED for objects whose labels begin and cease to match."""
    version = api.node().version
    with api.watch(resourceVersion=version, labelSelector=f"test={api.mine},colour=red") as events:
        for value in ("red", "blue", "red", None):
            last = label(api, "", value)
        seen = list(itertools.islice(events, 4))
    assert [event["type"] for event in seen] == ["ADDED", "DELETED", "ADDED", "DELETED"]
    assert seen[-1]["object"]["metadata"]["resourceVersion"] == last
    assert seen[-1]["object"]["metadata"]["labels"]["colour"] == "red"


def test_a_patch_that_changes_nothing_is_no_event(api: Api) -> None:
    """Sends nothing for a write that changes nothing."""
    version = api.node(metadata={"annotations": {"a": "1"}}).version
    with api.watch(resourceVersion=version) as events:
        api.patch(api.path(), {"metadata": {"annotations": {"a": "1"}}}, MERGE, fieldManager="other")
        changed = label(api, "", "red")
        assert next(events)["object"]["metadata"]["resourceVersion"] == changed


def test_a_watch_ends_when_it_asked_to(api: Api) -> None:
    """Ends after timeoutSeconds, in good order."""
    version = api.node().version
    with api.watch(resourceVersion=version, timeoutSeconds=1, allowWatchBookmarks="true") as events:
        assert {event["type"] for event in events} <= {"BOOKMARK"}


def test_a_watch_with_a_wrong_selector_is_refused(api: Api) -> None:
    """Answers a wrong selector with a status, not with a stream."""
    assert api.call("GET", NODES, query={"watch": "true", "labelSelector": "a b"}).error == (400, "BadRequest")
