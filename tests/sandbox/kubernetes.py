"""A strict double of the Kubernetes API server: its verbs, refusals, versions and watches, in memory.

Objects live in `kubernetes_store`, what requests do with them in `kubernetes_verbs`, what happens to them before they
are stored in `kubernetes_objects`, the resources it serves in `kubernetes_kinds`. What it does is stated by the
contract suite, which also runs against the real server.
"""

import gzip
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from email.utils import formatdate

import msgspec

from tests.sandbox.kubernetes_access import (
    ADMIN_TOKEN,
    User,
    authenticate,
    authorize,
    check_accepted,
    forbidden,
    parse_call,
)
from tests.sandbox.kubernetes_builders import endpoint_slice, kubeconfig, lease, node, ready_condition
from tests.sandbox.kubernetes_discovery import discovery, no_page
from tests.sandbox.kubernetes_errors import ApiError, Object
from tests.sandbox.kubernetes_kinds import RESOURCES
from tests.sandbox.kubernetes_managed_fields import Writer
from tests.sandbox.kubernetes_objects import created, decoded, generation
from tests.sandbox.kubernetes_store import Store, key_of
from tests.sandbox.kubernetes_times import micro_time, timestamp
from tests.sandbox.kubernetes_validation import check
from tests.sandbox.kubernetes_verbs import Verbs, commit, existing, known_resource
from tests.sandbox.server import FaultKind, Request, Response

__all__ = ["ADMIN_TOKEN", "Kubernetes", "User", "kubeconfig", "node"]

COMPRESSED_FROM_BYTES = 128 * 1024
_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")


class Kubernetes:
    """The API server. Serve it with `Server(Kubernetes())`; change its world with `put`, `edit`, `remove`.

    Every time it tells is of its `clock`: those in objects, the `Date` of its answers, the ages in tables. A cluster
    with several API servers has several clocks: answers may be dated by another one, see `answering_clock`, and Leases
    be renewed at another one, see `renew_lease`. What kubelets write themselves is of their own, `kubelet_clock`.
    """

    admin_token = ADMIN_TOKEN

    def __init__(self, *, tokens: Mapping[str, User] | None = None, clock: Callable[[], float] = time.time) -> None:
        """Start an empty cluster; `tokens` come in addition to the admin's."""
        self.tokens = {ADMIN_TOKEN: User("admin"), **(tokens or {})}
        self.store = Store()
        self.clock = clock
        self.answering_clock = clock
        """The clock of the API server that answers; it has the same objects."""
        self.kubelet_clock = clock
        """The clock of all nodes."""
        self._served = [row for row in RESOURCES if not row.declared]
        self._verbs = Verbs(self.store, clock)
        for name in _NAMESPACES:
            self._put_namespace(name)

    # What the server asks of a service

    def operation(self, request: Request) -> str:
        """Name a request `<verb> <plural>[/<subresource>]`, or `<METHOD> <path>` when it is about no resource."""
        call = parse_call(request)
        return f"{request.method} {request.path}" if call is None else f"{call.verb} {call.target}"

    def answer(self, request: Request) -> Response:
        """Process a request as the API server would."""
        return self._dated(_compressed(self._answer(request), request))

    def _answer(self, request: Request) -> Response:
        try:
            user = authenticate(self.tokens, request)
            call = parse_call(request)
            if call is None:
                return discovery(request.path, self._served)
            authorize(user, call)
            if call.resource not in self._served:
                return no_page()
            check_accepted(request)
            return self._verbs.perform(call, request)
        except ApiError as error:
            return _refusal(error)

    def failure(self, kind: FaultKind, request: Request) -> Response:
        """Fail as the API server does when it is overloaded, in trouble, or refuses the caller."""
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
                half = b'{"kind":"List","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[{'
                return self._dated(Response(200, half))
            case _:
                error = ApiError(503, "ServiceUnavailable", "the server is currently unable to handle the request")
        return self._dated(_refusal(error))

    def _dated(self, response: Response) -> Response:
        date = formatdate(int(self.answering_clock()), usegmt=True)
        return replace(response, headers={**response.headers, "Date": date})

    def _user(self, request: Request) -> str:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return self.tokens[token].name if token in self.tokens else "system:anonymous"

    # Changing the world from a test

    def define(self, name: str) -> None:
        """Serve a custom resource from now on, as its CustomResourceDefinition of this name does; may be repeated."""
        self._served = [row for row in RESOURCES if row in self._served or (row.declared and row.name == name)]

    def undefine(self, name: str) -> None:
        """Serve a custom resource no longer; its objects stay."""
        self._served = [row for row in self._served if row.name != name]

    def put(self, document: Object) -> Object:
        """Store an object whole, status and deletionTimestamp included; give it as stored.

        A namespace that is not there yet is made; everything else is held to what the server asks of such an object.
        """
        resource = known_resource(document["apiVersion"], document["kind"])
        new = decoded(resource, document)
        metadata = new["metadata"]
        if resource.namespaced:
            metadata.setdefault("namespace", "default")
        namespace, now = metadata.get("namespace", ""), self._now()
        with self.store.changed:
            if namespace and self.store.get(known_resource("v1", "Namespace"), key_of(namespace)) is None:
                self._put_namespace(namespace)
            old = self.store.get(resource, key_of(metadata["name"], namespace))
            if old is None:
                filled = created(resource, decoded(resource, document), namespace, now)["metadata"] | metadata
            else:
                known = old.value["metadata"]
                filled = metadata | {name: known[name] for name in ("uid", "creationTimestamp", "resourceVersion")}
                if resource.generation:
                    filled["generation"] = generation(resource, new, old.value)
                check(resource, new)
            writer = Writer("sandbox", resource.api_version, "", now, is_test=True)
            return commit(self.store, resource, old, {**new, "metadata": filled}, writer).copy()

    def get(self, kind: str, name: str, namespace: str = "", *, api_version: str = "v1") -> Object:
        """Give an object as stored now."""
        return existing(self.store, known_resource(api_version, kind), key_of(name, namespace)).copy()

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
        resource = known_resource(api_version, kind)
        self.store.write(resource, existing(self.store, resource, key_of(name, namespace)).key, None)

    def set_ready(self, name: str, status: str, message: str = "", *, age_seconds: float = 0) -> Object:
        """Give a node's Ready condition another status (`True`, `False`, `Unknown`), so many seconds ago."""
        now = self.clock()
        ready = ready_condition(status, message, now, now - age_seconds)

        def change(document: Object) -> None:
            conditions = document["status"].setdefault("conditions", [])
            conditions[:] = [known for known in conditions if known["type"] != "Ready"]
            conditions.append(ready)

        return self.edit("Node", name, change)

    def renew_lease(
        self, node: str, *, age_seconds: float = 0, renew_time: str | None = None, ahead_seconds: float = 0
    ) -> Object:
        """Renew a node's Lease as its kubelet did so many seconds ago; `renew_time` is what its own clock showed.

        The kubelet's entry in managedFields is of that moment by the clock of the API server that took the renewal,
        whatever `renew_time` says: this one's, or another's that is so many seconds ahead of it.
        """
        moment = self.clock() - age_seconds + ahead_seconds
        document = lease(node, renew_time or micro_time(self.kubelet_clock() - age_seconds))
        resource = known_resource(document["apiVersion"], document["kind"])
        writer = Writer("kubelet", resource.api_version, "", timestamp(moment))
        with self.store.changed:
            old = self.store.get(resource, key_of(node, document["metadata"]["namespace"]))
            new = created(resource, decoded(resource, document), document["metadata"]["namespace"], timestamp(moment))
            if old is not None:
                new["metadata"] = {
                    name: value for name, value in old.value["metadata"].items() if name != "managedFields"
                }
                unrenewed = {name: value for name, value in old.value["spec"].items() if name != "renewTime"}
                old = replace(old, value={**old.value, "spec": unrenewed})  # the same renewTime is a renewal too
            return commit(self.store, resource, old, new, writer).copy()

    def endpoint_slice(
        self, namespace: str, service: str, endpoints: Sequence[Object] | None, name: str | None = None
    ) -> Object:
        """Let a service have these endpoints (`endpoint` builds one), None for null; another name is one slice more."""
        return self.put(endpoint_slice(namespace, service, endpoints, name=name))

    def compact(self) -> None:
        """Forget the history: every `continue` token given so far and every older resourceVersion is too old now."""
        self.store.compact()

    def _put_namespace(self, name: str) -> None:
        metadata = {"name": name, "labels": {"kubernetes.io/metadata.name": name}}
        document = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
        self.put({**document, "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}})

    def _now(self) -> str:
        return timestamp(self.clock())


def _compressed(response: Response, request: Request) -> Response:
    """Compress an answer of 128 KiB and more for clients that accept gzip, as APIResponseCompression does."""
    taken = [each.strip() for each in request.headers.get("Accept-Encoding", "").split(",")]
    if "gzip" not in taken or not isinstance(response.body, bytes) or len(response.body) < COMPRESSED_FROM_BYTES:
        return response
    headers = {**response.headers, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return replace(response, body=gzip.compress(response.body, 1), headers=headers)


def _refusal(error: ApiError) -> Response:
    return Response(error.code, msgspec.json.encode(error.status) + b"\n", headers=error.headers)
