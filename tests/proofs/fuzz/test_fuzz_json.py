"""JSON of any shape and depth is decoded, or refused with a reason; no depth ends the process."""

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.core.errors import TemporaryError
from jobs.edges import cluster_schema as kinds
from jobs.edges.decode import DEEPEST, decoded, shallow
from tests.proofs.fuzz.values import examples

MARGIN = 5
"""How far above the deepest level the drawn values begin, so that they reach across it."""

odd_texts = st.text(st.sampled_from('[]{}",\\:\n\x7fü\U0001f4a9') | st.characters(codec="utf-8"), max_size=5)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | odd_texts,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(odd_texts, below, max_size=3),
    max_leaves=20,
)
NESTED = b'{"kind":"LeaseList","metadata":{"resourceVersion":"1"},"items":[{"metadata":{"name":"a","%b":%b}}]}'
CRASHES = """
import sys, threading
from jobs.edges import cluster_schema as kinds
from jobs.edges.decode import decoded

def decode():
    print(decoded(sys.stdin.buffer.read(), kinds.LeasePage, "list").items[0].metadata.name)

if sys.argv[1] == "main":
    decode()
else:
    thread = threading.Thread(target=decode)
    thread.start()
    thread.join()
"""
"""Decodes a list of Leases from standard input in one of its threads, and prints the name of the first."""


def below(value: Any, level: int) -> Any:  # noqa: ANN401 - JSON is anything
    """Put null in the place of what is deeper than the deepest level, in the plainest way."""
    if isinstance(value, dict | list) and level > DEEPEST:
        return None
    if isinstance(value, dict):
        return {key: below(item, level + 1) for key, item in value.items()}
    return [below(item, level + 1) for item in value] if isinstance(value, list) else value


@examples(2)
@given(values, st.booleans())
def test_what_is_too_deep_is_null(value: Any, plain: bool) -> None:  # noqa: ANN401, FBT001 - drawn
    """Puts null for each value below the deepest level, and leaves all others as they were."""
    for _ in range(DEEPEST - MARGIN):
        value = [value]
    data = json.dumps(value, ensure_ascii=plain).encode()
    assert json.loads(shallow(data)) == below(value, 1)


@examples(2)
@given(values)
def test_what_is_not_deep_stays(value: Any) -> None:  # noqa: ANN401 - JSON is anything
    """Changes no byte of a document that any decoder takes."""
    data = json.dumps(value).encode()
    assert shallow(data) == data


@examples(1)
@given(st.binary(max_size=50) | st.text('[]{}",:\\1', max_size=50).map(str.encode))
def test_what_is_no_json_is_not_made_into_some(data: bytes) -> None:
    """Refuses what any decoder refuses, and takes what any takes."""
    deep = b"[" * (DEEPEST - MARGIN) + data
    try:
        json.loads(deep)
    except (ValueError, UnicodeDecodeError):
        with pytest.raises(ValueError):  # noqa: PT011 - any
            json.loads(shallow(deep))


@pytest.mark.parametrize("thread", ["main", "another"])
@pytest.mark.parametrize(("begin", "end"), [("[", "]"), ('{"a":', "}")], ids=["arrays", "objects"])
@pytest.mark.parametrize("member", ["unknown", "managedFields"])
def test_a_million_levels_end_no_process(member: str, begin: str, end: str, thread: str) -> None:
    """Decodes a list with an object a hundred times as deep as the API server takes, in either thread."""
    levels = 1_000_000
    whole = f"{begin * levels}null{end * levels}".encode()
    entry = b'[{"fieldsV1":{"f:a":%b}}]' % whole if member == "managedFields" else whole
    data = NESTED % (member.encode(), entry)
    finished = subprocess.run([sys.executable, "-c", CRASHES, thread], input=data, capture_output=True, check=False)
    assert (finished.returncode, finished.stdout) == (0, b"a\n"), finished.stderr


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(NESTED % (b"x", b"[" * 100_000), id="has no end"),
        pytest.param(b"[" * 100_000 + b"]" * 100_000, id="is a list"),
        pytest.param(b'{"kind":' + b"[" * 5_000 + b"]" * 5_000 + b"}", id="has no kind"),
        pytest.param(NESTED.replace(b"LeaseList", b"NodeList") % (b"x", b"1"), id="is of another kind"),
        pytest.param(b'{"kind":"LeaseList","metadata":{"resourceVersion":"1"},"items":null}', id="has no items"),
        pytest.param(b'{"kind":"LeaseList","metadata":{},"items":[]}', id="has no version"),
        pytest.param(b'{"kind":"LeaseList","metadata":{"resourceVersion":"1"},"items":{"a":1}}', id="is a map"),
    ],
)
def test_a_list_that_is_none_is_refused(data: bytes) -> None:
    """Raises a temporary error: such an answer never counts as a list without items."""
    with pytest.raises(TemporaryError, match="not what the API promises"):
        decoded(data, kinds.LeasePage, "GET /leases")


def test_keys_that_are_no_text_cost_one_lease(caplog: pytest.LogCaptureFixture) -> None:
    """Leaves out the Lease with a key that is not UTF-8, as kubelets can write it, and reads the others."""
    fields = b'{"metadata":{"name":"%b","managedFields":[{"fieldsV1":{"f:spec":{"f:%b":{}}}}]}}'
    items = b",".join([fields % (b"a", b"renewTime"), fields % (b"b", b"\xff"), fields % (b"c", b"x")])
    data = b'{"kind":"LeaseList","metadata":{"resourceVersion":"1"},"items":[%b]}' % items
    with caplog.at_level("DEBUG"):
        found = decoded(data, kinds.LeasePage, "GET /leases")
    assert [each.metadata.name for each in found.items] == ["a", "c"]
    assert "a Lease cannot be read: Invalid UTF-8" in caplog.text
