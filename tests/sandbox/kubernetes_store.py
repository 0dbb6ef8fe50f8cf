"""The double's etcd: objects, their history, consistent lists of any remembered version, and waiting for changes."""

import copy
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import msgspec

from tests.sandbox.kubernetes_errors import Object
from tests.sandbox.kubernetes_kinds import Resource

Key = tuple[str, str]
"""Resource (plural and group) and `namespace/name`."""


def key_of(name: str, namespace: str = "") -> str:
    """Say where the store keeps an object."""
    return f"{namespace}/{name}"


@dataclass(frozen=True)
class Stored:
    """One version of one object; `value` is never changed."""

    resource: Resource
    revision: int
    value: Object

    @property
    def key(self) -> str:
        """Where lists sort it."""
        metadata = self.value["metadata"]
        return key_of(metadata["name"], metadata.get("namespace", ""))

    @property
    def labels(self) -> dict[str, str]:
        """Its labels."""
        labels: dict[str, str] = self.value["metadata"].get("labels", {})
        return labels

    def field(self, path: str) -> str:
        """Give the value a field selector compares."""
        if path == "source":
            return self.value["source"].get("component") or str(self.value["reportingComponent"])
        value: object = self.value
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if isinstance(value, bool):
            return str(value).lower()
        if value is None:
            return "false" if path == "spec.unschedulable" else ""
        return str(value)

    def restamped(self, revision: int) -> "Stored":
        """Give the same object with another resourceVersion."""
        metadata = {**self.value["metadata"], "resourceVersion": str(revision)}
        return Stored(self.resource, revision, {**self.value, "metadata": metadata})

    def copy(self) -> Object:
        """Give the whole object, for someone to change."""
        return {"kind": self.resource.kind, "apiVersion": self.resource.api_version, **copy.deepcopy(self.value)}

    @cached_property
    def item(self) -> bytes:
        """Its JSON as an item of a list: without kind and apiVersion. Encoded once per version."""
        return msgspec.json.encode(self.value)

    @property
    def document(self) -> bytes:
        """Its JSON on its own."""
        resource = self.resource
        head = msgspec.json.encode({"kind": resource.kind, "apiVersion": resource.api_version})
        return head[:-1] + b"," + self.item[1:]


def list_document(resource: Resource, entries: Sequence[Stored], metadata: Object) -> bytes:
    """Give the JSON of a list, joined from what its items have been encoded to."""
    head = {"kind": f"{resource.kind}List", "apiVersion": resource.api_version, "metadata": metadata}
    items = b",".join([entry.item for entry in entries])
    return msgspec.json.encode(head)[:-1] + b',"items":[' + items + b"]}\n"


@dataclass(frozen=True)
class Event:
    """One write: what was there before, what is there now, and the last version there was (with this revision)."""

    revision: int
    resource: Resource
    old: Stored | None
    new: Stored | None
    last: Stored


class Store:
    """Objects by resource and key. Hold `changed` around everything that must see one state."""

    def __init__(self) -> None:
        """Start empty at revision 1."""
        self.changed = threading.Condition(threading.RLock())
        self.revision = 1
        self.compacted = 0
        self.events: list[Event] = []
        self._objects: dict[Key, dict[str, Stored]] = {}

    def get(self, resource: Resource, key: str) -> Stored | None:
        """Find an object by `namespace/name`."""
        return self._of(resource).get(key)

    def write(self, resource: Resource, key: str, build: Callable[[int], Object] | None) -> Stored:
        """Store what `build` makes for the new revision, or delete; give the new (or last) version."""
        with self.changed:
            self.revision += 1
            old = self._of(resource).pop(key, None)
            if build is None:
                if old is None:
                    raise KeyError(key)
                new, last = None, old.restamped(self.revision)
            else:
                new = last = Stored(resource, self.revision, build(self.revision))
                self._of(resource)[key] = new
            self.events.append(Event(self.revision, resource, old, new, last))
            self.changed.notify_all()
            return last

    def at(self, resource: Resource, revision: int) -> list[Stored]:
        """Give the objects of a resource as they were, sorted by key."""
        with self.changed:
            objects = dict(self._of(resource))
            for event in reversed(self.events):
                if event.revision <= revision:
                    break
                if event.resource is resource:
                    _undo(objects, event)
        return [objects[key] for key in sorted(objects)]

    def since(self, position: int, seconds: float) -> list[Event]:
        """Give the events from a position in the history on, waiting for the first."""
        with self.changed:
            self.changed.wait_for(lambda: len(self.events) > position, seconds)
            return self.events[position:]

    def position(self, revision: int) -> int:
        """Give the place in the history right after a revision."""
        with self.changed:
            index = len(self.events)
            while index and self.events[index - 1].revision > revision:
                index -= 1
            return index

    def compact(self) -> None:
        """Forget every version before the present one; tokens and watches from before become too old."""
        with self.changed:
            self.revision += 1
            self.compacted = self.revision

    def _of(self, resource: Resource) -> dict[str, Stored]:
        return self._objects.setdefault((resource.group, resource.plural), {})

    def __iter__(self) -> Iterator[Stored]:
        """Give every object there is."""
        with self.changed:
            return iter([entry for objects in self._objects.values() for entry in objects.values()])


def _undo(objects: dict[str, Stored], event: Event) -> None:
    if event.new is not None:
        del objects[event.new.key]
    if event.old is not None:
        objects[event.old.key] = event.old
