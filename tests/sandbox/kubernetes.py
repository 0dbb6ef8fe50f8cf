"""A strict double of the Kubernetes API server: its verbs, refusals, versions and watches, in memory.

Objects live in `kubernetes_store`, what happens to them before they are stored in `kubernetes_objects`, the resources
it serves in `kubernetes_kinds`. What it does is stated by the contract suite, which also runs against the real server.
"""

import copy
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from email.utils import formatdate
from typing import Any

import msgspec

from tests.sandbox.kubernetes_access import (
    ADMIN_TOKEN,
    Call,
    User,
    authenticate,
    authorize,
    check_accepted,
    forbidden,
    parse_call,
)
from tests.sandbox.kubernetes_builders import kubeconfig, node, ready_condition
from tests.sandbox.kubernetes_discovery import discovery
from tests.sandbox.kubernetes_errors import ApiError, Object, about, already_exists, no_such_path, not_found
from tests.sandbox.kubernetes_kinds import Resource, resource_of_kind
from tests.sandbox.kubernetes_managed_fields import Writer, tracked
from tests.sandbox.kubernetes_objects import (
    admitted,
    check,
    created,
    decoded,
    generation,
    micro_time,
    parse,
    timestamp,
    updated,
)
from tests.sandbox.kubernetes_reads import newest_enough, page, watching
from tests.sandbox.kubernetes_requests import (
    after_patch,
    check_name,
    check_preconditions,
    given,
    is_dry_run,
    manager_of,
)
from tests.sandbox.kubernetes_store import Store, Stored, list_document
from tests.sandbox.kubernetes_table import is_offered, table
from tests.sandbox.server import FaultKind, Request, Response

__all__ = ["ADMIN_TOKEN", "Kubernetes", "User", "kubeconfig", "node"]

_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")


class Kubernetes:
    """The API server. Serve it with `Server(Kubernetes())`; change its world with `put`, `edit`, `remove`."""

    admin_token = ADMIN_TOKEN

    def __init__(self, *, tokens: Mapping[str, User] | None = None, clock: Callable[[], float] = time.time) -> None:
        """Start an empty cluster; `tokens` come in addition to the admin's."""
        self.tokens = {ADMIN_TOKEN: User("admin"), **(tokens or {})}
        self.store = Store()
        self._clock = clock
        for name in _NAMESPACES:
            metadata = {"name": name, "labels": {"kubernetes.io/metadata.name": name}}
            document = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
            self.put({**document, "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}})

    # What the server asks of a service

    def operation(self, request: Request) -> str:
        """Name a request `<verb> <plural>[/<subresource>]`, or `<METHOD> <path>` when it is about no resource."""
        call = parse_call(request)
        return f"{request.method} {request.path}" if call is None else f"{call.verb} {call.target}"

    def answer(self, request: Request) -> Response:
        """Process a request as the API server would."""
        response = self._answer(request)
        return replace(response, headers={**response.headers, "Date": formatdate(self._clock(), usegmt=True)})

    def _answer(self, request: Request) -> Response:
        try:
            user = authenticate(self.tokens, request)
            call = parse_call(request)
            if call is None:
                return discovery(request.path)
            authorize(user, call)
            check_accepted(request)
            return self._dispatch(call, request)
        except ApiError as error:
            return _json(error.code, error.status, error.headers)

    def failure(self, kind: FaultKind, request: Request) -> Response:
        """Fail as the API server does when it is overloaded, in trouble, or does not like the caller."""
        call = parse_call(request)
        match kind:
            case "throttled":
                message = "Too many requests, please try again later."
                error = ApiError(429, "TooManyRequests", message, headers={"Retry-After": "1"})
            case "access denied":
                error = forbidden(call, self._user(request)) if call else ApiError(403, "Forbidden", "forbidden", {})
            case "expired token":
                error = ApiError(401, "Unauthorized", "Unauthorized")
            case "malformed":
                return Response(200, b'{"kind":"List","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[{')
            case _:
                error = ApiError(503, "ServiceUnavailable", "the server is currently unable to handle the request")
        return _json(error.code, error.status, error.headers)

    # Changing the world from a test

    def put(self, document: Object) -> Object:
        """Store an object whole, status and deletionTimestamp included; give it as stored."""
        resource = resource_of_kind(document["apiVersion"], document["kind"])
        if resource is None:
            raise no_such_path()
        new = decoded(resource, document)
        metadata = new["metadata"]
        if resource.namespaced:
            metadata.setdefault("namespace", "default")
        namespace, now = metadata.get("namespace", ""), self._now()
        with self.store.changed:
            old = self.store.get(resource, _key(namespace, metadata["name"]))
            if old is None:
                filled = created(resource, decoded(resource, document), namespace, now)["metadata"] | metadata
            else:
                known = old.value["metadata"]
                filled = metadata | {name: known[name] for name in ("uid", "creationTimestamp", "resourceVersion")}
                if resource.generation:
                    filled["generation"] = generation(resource, new, old.value)
                check(resource, new)
            filled.pop("managedFields", None)
            if old is not None and "managedFields" in old.value["metadata"]:
                filled["managedFields"] = old.value["metadata"]["managedFields"]
            writer = Writer("sandbox", resource.api_version, "", now, is_test=True)
            stored = self._commit(resource, old, {**new, "metadata": filled}, writer)
        return _document(stored)

    def get(self, kind: str, name: str, namespace: str = "", *, api_version: str = "v1") -> Object:
        """Give an object as stored now."""
        resource = _resource(api_version, kind)
        return _document(self._existing(resource, _key(namespace, name)))

    def edit(
        self,
        kind: str,
        name: str,
        change: Callable[[Object], object],
        namespace: str = "",
        *,
        api_version: str = "v1",
    ) -> Object:
        """Let `change` modify a copy of an object and store the result."""
        with self.store.changed:
            document = self.get(kind, name, namespace, api_version=api_version)
            change(document)
            return self.put(document)

    def remove(self, kind: str, name: str, namespace: str = "", *, api_version: str = "v1") -> None:
        """Delete an object at once, whatever its finalizers."""
        resource = _resource(api_version, kind)
        self.store.write(resource, self._existing(resource, _key(namespace, name)).key, None)

    def set_ready(self, name: str, status: str, message: str = "", *, age_seconds: float = 0) -> Object:
        """Give a node's Ready condition another status (`True`, `False`, `Unknown`), so many seconds ago."""
        now = timestamp(self._clock() - age_seconds)

        def change(document: Object) -> None:
            conditions = document["status"].setdefault("conditions", [])
            conditions[:] = [known for known in conditions if known["type"] != "Ready"]
            conditions.append(ready_condition(status, message, now))

        return self.edit("Node", name, change)

    def renew_lease(self, node: str, *, age_seconds: float = 0, renew_time: str | None = None) -> Object:
        """Renew a node's Lease as its kubelet does, so many seconds ago; `renew_time` is what its own clock shows."""
        resource = _resource("coordination.k8s.io/v1", "Lease")
        at = self._clock() - age_seconds
        spec = {"holderIdentity": node, "leaseDurationSeconds": 40, "renewTime": renew_time or micro_time(at)}
        document = {"metadata": {"name": node, "namespace": "kube-node-lease"}, "spec": spec}
        writer = Writer("kubelet", resource.api_version, "", timestamp(at))
        with self.store.changed:
            old = self.store.get(resource, _key("kube-node-lease", node))
            new = created(resource, decoded(resource, document), "kube-node-lease", timestamp(at))
            if old is not None:
                new["metadata"] = old.value["metadata"]
            return _document(self._commit(resource, old, new, writer))

    def compact(self) -> None:
        """Forget the history: every `continue` token given so far and every older resourceVersion is too old now."""
        self.store.compact()

    # The verbs

    def _dispatch(self, call: Call, request: Request) -> Response:
        if not call.is_served:
            text = "the server does not allow this method on the requested resource"
            raise ApiError(405, "MethodNotAllowed", text, {})
        as_table = is_offered(call.resource, request.headers.get("Accept", ""))
        render = _row if as_table else _whole
        match call.verb:
            case "get":
                newest_enough(self.store, request.query)
                return Response(200, render(self._existing(call.resource, call.key)))
            case "list":
                metadata, entries = page(self.store, call, request.query)
                body = table(entries, metadata) if as_table else list_document(call.resource, entries, metadata)
                return Response(200, body)
            case "watch":
                return Response(200, watching(self.store, call, request.query, render))
            case "create":
                return self._create(call, request)
            case "update":
                return self._update(call, request, lambda _: given(call, request))
            case "patch":
                return self._update(call, request, lambda current: after_patch(call, request, current))
            case _:
                return self._delete(call, request)

    def _create(self, call: Call, request: Request) -> Response:
        resource = call.resource
        new = given(call, request)
        with self.store.changed:
            if resource.namespaced and self.store.get(_resource("v1", "Namespace"), f"/{call.namespace}") is None:
                raise not_found("namespaces", "", call.namespace)
            new = created(resource, new, call.namespace, self._now())
            name = new["metadata"]["name"]
            if self.store.get(resource, _key(call.namespace, name)) is not None:
                raise already_exists(resource.plural, resource.group, name)
            stored = self._commit(resource, None, new, self._writer(call, request), dry_run=is_dry_run(request))
        return Response(201, stored.document)

    def _update(self, call: Call, request: Request, make: Callable[[Object], Object]) -> Response:
        resource = call.resource
        with self.store.changed:
            if request.method == "PUT" and resource.create_on_update and not self.store.get(resource, call.key):
                return self._create(call, request)
            old = self._existing(resource, call.key)
            new = make(_document(old))
            check_name(new, call)
            new = updated(resource, new, old.value, call.subresource)
            stored = self._commit(resource, old, new, self._writer(call, request), dry_run=is_dry_run(request))
            if _is_gone(stored.value) and not is_dry_run(request):
                stored = self.store.write(resource, stored.key, None)
        return Response(200, stored.document)

    def _delete(self, call: Call, request: Request) -> Response:
        options = parse(request.body, "DeleteOptions") if request.body.strip() else {}
        with self.store.changed:
            old = self._existing(call.resource, call.key)
            check_preconditions(call.resource, old, options.get("preconditions") or {})
            metadata = old.value["metadata"]
            dry_run = is_dry_run(request) or bool(options.get("dryRun"))
            if metadata.get("finalizers"):
                leaving = {"deletionTimestamp": self._now(), "deletionGracePeriodSeconds": 0}
                new = {**old.value, "metadata": {**leaving, **metadata}}
                stored = self._commit(call.resource, old, new, self._writer(call, request), dry_run=dry_run)
                return Response(200, stored.document)
            if not dry_run:
                self.store.write(call.resource, old.key, None)
        details = {**about(call.resource.plural, call.resource.group, metadata["name"]), "uid": metadata["uid"]}
        status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
        return _json(200, status)

    # Storing

    def _commit(
        self, resource: Resource, old: Stored | None, new: Object, writer: Writer, *, dry_run: bool = False
    ) -> Stored:
        """Store a new version, with its owners of fields, unless it says the same as the old one."""
        if old is not None and _same(new, old.value):
            return old
        value = tracked(resource, old.value if old else None, new, writer)
        if old is None and not writer.is_test:
            value = admitted(resource, value)
        if dry_run:
            return Stored(resource, old.revision if old else 0, value)
        key = _key(value["metadata"].get("namespace", ""), value["metadata"]["name"])
        return self.store.write(resource, key, lambda version: _with_metadata(value, resourceVersion=str(version)))

    def _existing(self, resource: Resource, key: str) -> Stored:
        found = self.store.get(resource, key)
        if found is None:
            raise not_found(resource.plural, resource.group, key.partition("/")[2])
        return found

    def _writer(self, call: Call, request: Request) -> Writer:
        return Writer(manager_of(request), call.resource.api_version, call.subresource, self._now())

    def _user(self, request: Request) -> str:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return self.tokens[token].name if token in self.tokens else "system:anonymous"

    def _now(self) -> str:
        return timestamp(self._clock())


def _whole(stored: Stored) -> bytes:
    return stored.document


def _row(stored: Stored) -> bytes:
    return table([stored], {"resourceVersion": str(stored.revision)})


def _json(status: int, body: object, headers: Mapping[str, str] | None = None) -> Response:
    return Response(status, msgspec.json.encode(body) + b"\n", headers=headers or {})


def _key(namespace: str, name: str) -> str:
    return f"{namespace}/{name}"


def _resource(api_version: str, kind: str) -> Resource:
    resource = resource_of_kind(api_version, kind)
    if resource is None:
        raise no_such_path()
    return resource


def _document(stored: Stored) -> Object:
    head = {"kind": stored.resource.kind, "apiVersion": stored.resource.api_version}
    return {**head, **copy.deepcopy(stored.value)}


def _with_metadata(value: Object, **changes: Any) -> Object:  # noqa: ANN401 - JSON is anything
    return {**value, "metadata": {**value["metadata"], **changes}}


def _same(new: Object, old: Object) -> bool:
    return _with_metadata(new, resourceVersion=old["metadata"]["resourceVersion"]) == old


def _is_gone(value: Object) -> bool:
    """Say whether an object was being deleted and its last finalizer has been taken away."""
    return bool(value["metadata"].get("deletionTimestamp")) and not value["metadata"].get("finalizers")
