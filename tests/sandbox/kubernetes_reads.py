"""Lists and watches: selectors, pages of one consistent version, and streams of changes."""

import base64
import binascii
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import msgspec

from tests.sandbox.kubernetes_access import Call
from tests.sandbox.kubernetes_errors import ApiError, Object, bad_request, expired, invalid, too_large_version
from tests.sandbox.kubernetes_selectors import field_selector, label_selector
from tests.sandbox.kubernetes_store import Event, Store, Stored

Query = Mapping[str, str]
Chooser = Callable[[Stored], bool]
Render = Callable[[Stored], bytes]
_CONTINUE_EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)
_UNKNOWN_FIELD = '"{}" is not a known field selector: only "metadata.name", "metadata.namespace"'
_VERSION_EXPIRED = "The resourceVersion for the provided list is too old."
_HEARTBEAT_SECONDS = 0.2
_LONGEST_SECONDS = 1800


@dataclass(frozen=True)
class _Sent:
    """One event of a watch; without a kind it is only a sign that the watch still runs."""

    kind: str
    what: Stored | Object


_NOTHING = _Sent("", {})


@dataclass(frozen=True)
class _Token:
    """What a `continue` token says: go on after `start` in the state of `rv` (-1: in the newest)."""

    rv: int
    start: str
    v: str = "meta.k8s.io/v1"

    def __str__(self) -> str:
        return base64.urlsafe_b64encode(msgspec.json.encode(self)).decode().rstrip("=")

    @classmethod
    def read(cls, text: str) -> "_Token":
        try:
            said = msgspec.json.decode(base64.urlsafe_b64decode(text + "=="), type=_Token)
        except (binascii.Error, ValueError, msgspec.DecodeError) as error:
            raise bad_request(f"invalid continue token: continue key is not valid: {error}") from None
        if said.v != "meta.k8s.io/v1":
            raise bad_request(
                f'invalid continue token: continue key is not valid: unrecognized encoded version "{said.v}"'
            )
        return said


def chooser(call: Call, query: Query) -> Chooser:
    """Turn namespace and selectors of a request into a test of one object."""
    labels = label_selector(query.get("labelSelector", ""))
    known = call.resource.fields | {"metadata.name"} | ({"metadata.namespace"} if call.resource.namespaced else set())
    unknown = "field label not supported: {}" if call.resource.fields else _UNKNOWN_FIELD
    fields = field_selector(query.get("fieldSelector", ""), frozenset(known), unknown)
    return lambda stored: _is_within(call, stored) and labels(stored.labels) and fields(stored.field)


def _is_within(call: Call, stored: Stored) -> bool:
    return not call.namespace or stored.value["metadata"].get("namespace") == call.namespace


def page(store: Store, call: Call, query: Query) -> tuple[Object, list[Stored]]:
    """Find what a list shows: its metadata and its items."""
    chosen = chooser(call, query)
    limit = _number(query, "limit")
    with store.changed:
        revision, start = _version(store, query)
        known = [entry for entry in store.at(call.resource, revision) if _is_within(call, entry)]
    entries = [entry for entry in known if entry.key > start and chosen(entry)]
    metadata: Object = {"resourceVersion": str(revision)}
    # With a selector the server does not look ahead for a match: the page that follows may be empty.
    if limit and len(entries) >= limit and entries[limit - 1] is not known[-1]:
        metadata["continue"] = str(_Token(revision, entries[limit - 1].key))
        if not query.get("labelSelector") and not query.get("fieldSelector"):
            metadata["remainingItemCount"] = len(entries) - limit
        entries = entries[:limit]
    return metadata, entries


def _version(store: Store, query: Query) -> tuple[int, str]:
    """Say which state a list shows, and after which key it goes on."""
    asked, match = query.get("resourceVersion", ""), query.get("resourceVersionMatch", "")
    _check_match(asked, match)
    if query.get("continue"):
        if asked not in ("", "0"):
            raise bad_request("specifying resource version is not allowed when using continue")
        return _continued(store, _Token.read(query["continue"]))
    revision = newest_enough(store, query)
    if match != "Exact" and not (query.get("limit", "0") != "0" and revision and not match):
        return store.revision, ""
    if revision < store.compacted:
        raise expired(_VERSION_EXPIRED)
    return revision, ""


def _check_match(asked: str, match: str) -> None:
    place = "resourceVersionMatch"
    if match not in ("", "Exact", "NotOlderThan"):
        text = f'Unsupported value: "{match}": supported values: "Exact", "NotOlderThan", ""'
        raise _bad_options([("FieldValueNotSupported", place, text)])
    if match and not asked:
        text = "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"
        raise _bad_options([("FieldValueForbidden", place, text)])
    if match == "Exact" and asked == "0":
        text = 'Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
        raise _bad_options([("FieldValueForbidden", place, text)])


def _bad_options(causes: list[tuple[str, str, str]]) -> ApiError:
    return invalid("ListOptions", "meta.k8s.io", "", causes)


def newest_enough(store: Store, query: Query) -> int:
    """Read `resourceVersion`; 504 when the store has not got that far."""
    text = query.get("resourceVersion") or "0"
    if not (text.isascii() and text.isdecimal()):
        why = f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
        if query.get("watch") in ("true", "1"):
            raise ApiError(500, "", why)
        raise bad_request(f"invalid resource version: {why}")
    if (revision := int(text)) > store.revision and query.get("watch") not in ("true", "1"):
        raise too_large_version(revision, store.revision)
    return revision


def _continued(store: Store, token: _Token) -> tuple[int, str]:
    if token.rv < 0:
        return store.revision, token.start
    if token.rv < store.compacted:
        raise expired(_CONTINUE_EXPIRED, str(_Token(-1, token.start)))
    return token.rv, token.start


def _number(query: Query, name: str) -> int:
    text = query.get(name) or "0"
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return max(0, int(text))


def watching(store: Store, call: Call, query: Query, render: Render) -> Iterator[bytes]:
    """Answer a watch: lines of events, with an empty chunk now and then to notice that nobody listens."""
    if query.get("sendInitialEvents"):
        text = "Forbidden: sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled"
        raise _bad_options([("FieldValueForbidden", "sendInitialEvents", text)])
    chosen, seconds = chooser(call, query), _number(query, "timeoutSeconds") or _LONGEST_SECONDS
    revision = newest_enough(store, query)
    bookmarks = query.get("allowWatchBookmarks") in ("true", "1")
    events = _stream(store, call, chosen, revision, end=time.monotonic() + seconds)
    return (_line(event, render) for event in events if event.kind != "BOOKMARK" or bookmarks)


def _stream(store: Store, call: Call, chosen: Chooser, asked: int, *, end: float) -> Iterator[_Sent]:
    with store.changed:
        current, compacted = store.revision, store.compacted
        initial = [] if asked else [entry for entry in store.at(call.resource, current) if chosen(entry)]
        position = store.position(asked or current)
    if asked and asked < compacted:
        yield _Sent("ERROR", expired(f"too old resource version: {asked} ({compacted})").status)
        return
    yield from (_Sent("ADDED", entry) for entry in initial)
    seen = max(asked, current)
    while (left := end - time.monotonic()) > 0:
        events = store.since(position, min(left, _HEARTBEAT_SECONDS))
        position += len(events)
        seen = max(seen, *(event.revision for event in events)) if events else seen
        for event in events:
            if event.resource is call.resource and event.revision > asked:
                yield _change(event, chosen)
        yield _NOTHING
    yield _Sent("BOOKMARK", _bookmark(call, seen))


def _change(event: Event, chosen: Chooser) -> _Sent:
    """Say what a write means for those a watcher has chosen."""
    before = event.old is not None and chosen(event.old)
    now = event.new is not None and chosen(event.new)
    if now:
        return _Sent("MODIFIED" if before else "ADDED", event.last)
    if before and event.old is not None:
        return _Sent("DELETED", event.old.restamped(event.revision))
    return _NOTHING


def _line(sent: _Sent, render: Render) -> bytes:
    if not sent.kind:
        return b""
    shown = render(sent.what) if isinstance(sent.what, Stored) else msgspec.json.encode(sent.what)
    return b'{"type":"%b","object":%b}\n' % (sent.kind.encode(), shown)


def _bookmark(call: Call, revision: int) -> Object:
    row = call.resource
    metadata = {"resourceVersion": str(revision), "creationTimestamp": None}
    return {"kind": row.kind, "apiVersion": row.api_version, "metadata": metadata}
