"""What the API server does for a request that it has let in: get, list, watch, create, update, patch, delete."""

from collections.abc import Callable

import msgspec

from tests.sandbox.kubernetes_access import Call
from tests.sandbox.kubernetes_errors import ApiError, Object, about, already_exists, no_such_path, not_found
from tests.sandbox.kubernetes_kinds import Resource, resource_of_kind
from tests.sandbox.kubernetes_managed_fields import Writer, is_same, tracked
from tests.sandbox.kubernetes_objects import admitted, created, parse, updated
from tests.sandbox.kubernetes_reads import newest_enough, page, watching
from tests.sandbox.kubernetes_requests import (
    after_patch,
    check_name,
    check_preconditions,
    given,
    is_dry_run,
    manager_of,
)
from tests.sandbox.kubernetes_store import Store, Stored, key_of, list_document
from tests.sandbox.kubernetes_table import is_offered, table
from tests.sandbox.kubernetes_times import timestamp
from tests.sandbox.server import Request, Response

_LARGEST_BYTES = 1536 * 1024
"""Of a request to etcd. The real one counts the bytes of its own encoding, which is somewhat shorter than JSON."""


class Verbs:
    """The verbs over one store, by one clock."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        """Keep both."""
        self._store = store
        self._clock = clock

    def perform(self, call: Call, request: Request) -> Response:
        """Do what a request asks for."""
        if not call.is_served:
            text = "the server does not allow this method on the requested resource"
            raise ApiError(405, "MethodNotAllowed", text, {})
        as_table = is_offered(call.resource, request.headers.get("Accept", ""))
        render = self._row if as_table else _whole
        match call.verb:
            case "get":
                newest_enough(self._store, request.query)
                return Response(200, render(existing(self._store, call.resource, call.key)))
            case "list":
                metadata, entries = page(self._store, call, request.query)
                if as_table:
                    return Response(200, table(call.resource, entries, metadata, self._clock()))
                return Response(200, list_document(call.resource, entries, metadata))
            case "watch":
                return Response(200, watching(self._store, call, request.query, render))
            case "create":
                return self._create(call, request, given(call, request))
            case "update":
                return self._update(call, request, lambda _: given(call, request))
            case "patch":
                return self._update(call, request, lambda current: after_patch(call, request, current))
            case _:
                return self._delete(call, request)

    def _create(self, call: Call, request: Request, new: Object) -> Response:
        resource = call.resource
        with self._store.changed:
            if resource.namespaced:
                existing(self._store, known_resource("v1", "Namespace"), key_of(call.namespace))
            new = created(resource, new, call.namespace, self._now())
            name = new["metadata"]["name"]
            if self._store.get(resource, key_of(name, call.namespace)) is not None:
                raise already_exists(resource.plural, resource.group, name)
            writer = self._writer(call, request)
            stored = commit(self._store, resource, None, new, writer, dry_run=is_dry_run(request))
        return Response(201, stored.document)

    def _update(self, call: Call, request: Request, make: Callable[[Object], Object]) -> Response:
        resource = call.resource
        with self._store.changed:
            if request.method == "PUT" and resource.create_on_update and not self._store.get(resource, call.key):
                new = make({})
                check_name(new, call)
                new["metadata"].pop("resourceVersion", None)
                return self._create(call, request, new)
            old = existing(self._store, resource, call.key)
            new = make(old.copy())
            check_name(new, call)
            new = updated(resource, new, old.value, call.subresource)
            writer = self._writer(call, request)
            stored = commit(self._store, resource, old, new, writer, dry_run=is_dry_run(request))
            if _is_gone(stored.value) and not is_dry_run(request):
                stored = self._store.write(resource, stored.key, None)
        return Response(200, stored.document)

    def _delete(self, call: Call, request: Request) -> Response:
        options = parse(request.body, "DeleteOptions") if request.body.strip() else {}
        with self._store.changed:
            old = existing(self._store, call.resource, call.key)
            check_preconditions(call.resource, old, options.get("preconditions") or {})
            metadata = old.value["metadata"]
            dry_run = is_dry_run(request) or bool(options.get("dryRun"))
            if metadata.get("finalizers"):
                leaving = {"deletionTimestamp": self._now(), "deletionGracePeriodSeconds": 0}
                new = {**old.value, "metadata": {**leaving, **metadata}}
                writer = self._writer(call, request)
                stored = commit(self._store, call.resource, old, new, writer, dry_run=dry_run)
                return Response(200, stored.document)
            if not dry_run:
                self._store.write(call.resource, old.key, None)
        details = {**about(call.resource.plural, call.resource.group, metadata["name"]), "uid": metadata["uid"]}
        status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
        return Response(200, msgspec.json.encode(status) + b"\n")

    def _writer(self, call: Call, request: Request) -> Writer:
        return Writer(manager_of(request), call.resource.api_version, call.subresource, self._now())

    def _row(self, stored: Stored) -> bytes:
        return table(stored.resource, [stored], {"resourceVersion": str(stored.revision)}, self._clock())

    def _now(self) -> str:
        return timestamp(self._clock())


def commit(
    store: Store, resource: Resource, old: Stored | None, new: Object, writer: Writer, *, dry_run: bool = False
) -> Stored:
    """Store a new version, with its owners of fields, unless it says the same as the old one."""
    value = tracked(resource, old.value if old else None, new, writer)
    if old is not None and is_same(_with_version(value, old.value["metadata"]["resourceVersion"]), old.value):
        return old
    if old is None and not writer.is_test:
        value = admitted(resource, value)
    result = Stored(resource, old.revision if old else 0, value)
    if len(result.item) > _LARGEST_BYTES:
        raise ApiError(500, "", "etcdserver: request is too large")
    return result if dry_run else store.write(resource, result.key, lambda version: _with_version(value, str(version)))


def existing(store: Store, resource: Resource, key: str) -> Stored:
    """Find an object; 404 when it is not there."""
    found = store.get(resource, key)
    if found is None:
        raise not_found(resource.plural, resource.group, key.partition("/")[2])
    return found


def known_resource(api_version: str, kind: str) -> Resource:
    """Find the row of a kind; 404 when there is none."""
    resource = resource_of_kind(api_version, kind)
    if resource is None:
        raise no_such_path()
    return resource


def _whole(stored: Stored) -> bytes:
    return stored.document


def _with_version(value: Object, version: str) -> Object:
    return {**value, "metadata": {**value["metadata"], "resourceVersion": version}}


def _is_gone(value: Object) -> bool:
    """Say whether an object was being deleted and its last finalizer has been taken away."""
    return bool(value["metadata"].get("deletionTimestamp")) and not value["metadata"].get("finalizers")
