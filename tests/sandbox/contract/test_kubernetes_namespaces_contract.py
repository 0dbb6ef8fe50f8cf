"""Lists of what is in namespaces, and the time of every answer; double and real alike."""

import time
from email.utils import parsedate_to_datetime

import pytest

from tests.sandbox.contract.client import EVENTS, LEASES, NODES, READER_TOKEN, SLICES, Answer, Api, Json

KINDS = {"leases": LEASES.replace("kube-node-lease", "default"), "endpointslices": SLICES, "events": EVENTS}
OF_EACH_KIND = pytest.mark.parametrize("kind", KINDS)


def collection(api: Api, kind: str, end: str) -> tuple[str, Json]:
    """Create a namespace of this test's own; give where objects of a kind are in it, and what they consist of."""
    namespace = api.mine + end
    assert api.call("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}}).status == 201
    members: dict[str, Json] = {
        "leases": {},
        "endpointslices": {"addressType": "IPv4"},
        "events": {"involvedObject": {"kind": "Pod", "namespace": namespace}},
    }
    return KINDS[kind].replace("/default/", f"/{namespace}/"), members[kind]


def populated(api: Api, kind: str) -> tuple[str, str]:
    """Create three objects in one namespace and one in the next; give both places."""
    here, there = collection(api, kind, "-a"), collection(api, kind, "-b")
    for suffix, (path, members) in (("-1", here), ("-2", here), ("-3", here), ("-4", there)):
        api.create(path, suffix, **members)
    return here[0], there[0]


def everywhere(path: str) -> str:
    """Say where the objects of all namespaces are."""
    root, _, rest = path.partition("/namespaces/")
    return f"{root}/{rest.partition('/')[2]}"


@OF_EACH_KIND
def test_a_list_shows_one_namespace_or_all(api: Api, kind: str) -> None:
    """Lists the objects of one namespace, or of all."""
    here, there = populated(api, kind)
    assert api.call("GET", here).names == [f"{api.mine}-{number}" for number in (1, 2, 3)]
    assert api.call("GET", there).names == [f"{api.mine}-4"]
    found = api.list(path=everywhere(here))
    assert found.names == [f"{api.mine}-{number}" for number in (1, 2, 3, 4)]
    assert {item["metadata"]["namespace"] for item in found.json["items"]} == {f"{api.mine}-a", f"{api.mine}-b"}


@OF_EACH_KIND
@pytest.mark.parametrize("limit", [1, 2, 3, 4])
def test_pages_end_with_the_namespace(api: Api, kind: str, limit: int) -> None:
    """Ends with the last object of the namespace, in as many pages as needed, and counts what remains."""
    here, _ = populated(api, kind)
    pages: list[Answer] = []
    token = ""
    while token or not pages:
        page = api.call("GET", here, query={"limit": limit, "continue": token})
        token = page.metadata.get("continue", "")
        pages.append(page)
    names = [name for page in pages for name in page.names]
    assert names == [f"{api.mine}-{number}" for number in (1, 2, 3)]
    assert len(pages) == -(-3 // limit)
    assert len({page.version for page in pages}) == 1
    assert pages[0].metadata.get("remainingItemCount", 0) == max(0, 3 - limit)


@OF_EACH_KIND
def test_pages_go_on_through_the_namespaces(api: Api, kind: str) -> None:
    """Goes on with the next namespace where a page ends."""
    here, _ = populated(api, kind)
    names: list[str] = []
    token = ""
    while token or not names:
        page = api.list(path=everywhere(here), limit=2, **{"continue": token})
        token = page.metadata.get("continue", "")
        names += page.names
    assert names == [f"{api.mine}-{number}" for number in (1, 2, 3, 4)]


@OF_EACH_KIND
def test_a_list_is_of_this_moment(api: Api, kind: str) -> None:
    """Shows each write in the next list, and selects by the labels of now."""
    path, members = collection(api, kind, "")
    written = api.create(path, "-1", **members)
    assert (seen := api.call("GET", path)).names == [f"{api.mine}-1"]
    assert int(seen.version) >= int(written.version)
    changed = api.patch(f"{path}/{api.mine}-1", {"metadata": {"labels": {"colour": "red"}}})
    (item,) = api.list("colour=red", path).json["items"]
    assert item["metadata"]["resourceVersion"] == changed.version
    assert api.list("colour!=red", path).names == []
    api.call("DELETE", f"{path}/{api.mine}-1")
    assert api.call("GET", path).names == []


@OF_EACH_KIND
def test_a_namespace_that_is_not_there_is_empty(api: Api, kind: str) -> None:
    """Lists nothing of a namespace that does not exist, and answers 404 to a write there."""
    nowhere = KINDS[kind].replace("/default/", f"/{api.mine}/")
    assert (api.call("GET", nowhere).status, api.call("GET", nowhere).names) == (200, [])
    answer = api.call("POST", nowhere, {"metadata": {"name": "x"}})
    assert (answer.error, answer.message) == ((404, "NotFound"), f'namespaces "{api.mine}" not found')


@pytest.mark.parametrize(
    ("method", "path", "token", "status"),
    [
        ("GET", NODES, "", 200),
        ("GET", LEASES, "", 200),
        ("GET", f"{NODES}/nobody", "", 404),
        ("GET", f"{NODES}?limit=abc", "", 400),
        ("PATCH", NODES, "", 405),
        ("DELETE", f"{EVENTS}/nothing", "", 404),
        ("GET", "/version", "", 200),
        ("GET", LEASES, None, 401),
        ("GET", LEASES, READER_TOKEN, 403),
    ],
)
def test_every_answer_says_when_it_was_given(api: Api, method: str, path: str, token: str | None, status: int) -> None:
    """Dates every answer, refusals included."""
    before = int(time.time())
    answer = api.call(method, path, {} if method == "PATCH" else None, token=token)
    assert answer.status == status
    (date,) = answer.headers.getlist("Date")
    assert date.endswith(" GMT")
    assert before <= parsedate_to_datetime(date).timestamp() <= time.time()
