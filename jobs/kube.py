"""The Kubernetes API through the official client's transport and login: nodes in, annotations out."""

import logging
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec
from kubernetes.client import ApiClient, Configuration
from kubernetes.client.exceptions import ApiException
from kubernetes.config import load_incluster_config, load_kube_config
from urllib3.exceptions import HTTPError

from jobs.errors import ConfigurationError, Failure, NotApplied, TemporaryError
from jobs.model import Condition, Node, one_line
from jobs.records import BOOT_ID, COORDINATES, NODE_IPS
from jobs.retry import Clock, patiently

log = logging.getLogger(__name__)

PAGE_SIZE = 500  # nodes a request: keeps memory flat with 5,000
CONNECT_SECONDS, READ_SECONDS = 3, 10
_HOME_CONFIG = os.path.expanduser("~/.kube/config")  # noqa: PTH111 - pathlib raises for a uid without a home
_TOKEN = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")


class _Metadata(msgspec.Struct, rename="camel"):
    name: str
    annotations: dict[str, str] | None = None
    deletion_timestamp: str | None = None


class _Taint(msgspec.Struct):
    key: str


class _Spec(msgspec.Struct):
    unschedulable: bool | None = None
    taints: list[_Taint] | None = None


class _Condition(msgspec.Struct):
    type: str
    status: str
    message: str | None = None


class _NodeInfo(msgspec.Struct):
    boot_id: str | None = msgspec.field(default=None, name="bootID")


class _Status(msgspec.Struct, rename="camel"):
    conditions: list[_Condition] | None = None
    node_info: _NodeInfo | None = None


class _Node(msgspec.Struct):
    metadata: _Metadata
    spec: _Spec | None = None
    status: _Status | None = None


class _ListMetadata(msgspec.Struct, rename="camel"):
    resource_version: str
    continue_: str = msgspec.field(default="", name="continue")


class _NodeList(msgspec.Struct, tag_field="kind", tag="NodeList"):
    metadata: _ListMetadata
    items: list[_Node]


class _Manager(msgspec.Struct):
    manager: str = ""


class _PatchedMetadata(msgspec.Struct, rename="camel"):
    managed_fields: list[_Manager] | None = None


class _PatchedNode(msgspec.Struct, tag_field="kind", tag="Node"):
    metadata: _PatchedMetadata


class _ApiStatus(msgspec.Struct):
    message: str = ""


Document = TypeVar("Document")


class Expired(Failure):
    """The list took longer than the API server keeps its snapshot: only beginning again helps."""


class Cluster:
    """One Kubernetes API server, seen by one run."""

    def __init__(self, clock: Clock, kubeconfig: str | None = None, context: str | None = None) -> None:
        """Log in by the first that applies: the arguments, KUBECONFIG, the pod's service account, ~/.kube/config.

        Raises ConfigurationError where there is no such login, Failure where a login plugin fails.
        """
        self._clock = clock
        configuration = Configuration()
        configuration.retries = False  # jobs.retry alone tries again
        files = kubeconfig or os.environ.get("KUBECONFIG")
        with _login(files or f"{_HOME_CONFIG}, and this is no pod"):
            if not (files or context) and _TOKEN.exists():
                load_incluster_config(configuration)
            else:
                load_kube_config(files or _HOME_CONFIG, context, configuration, persist_config=False)
        self._client = ApiClient(configuration)
        self._client.user_agent = "kube-node-dns"

    def nodes(self, label_selector: str) -> tuple[Node, ...]:
        """List the nodes that match a label selector ("" for all), as they are now: a consistent read.

        Raises ConfigurationError with the API server's own words for a bad selector or a missing permission.
        """
        return patiently(self._clock, "listing nodes again from the start", on=Expired)(self._nodes, label_selector)

    def _nodes(self, label_selector: str) -> tuple[Node, ...]:
        query = {"limit": str(PAGE_SIZE)} | ({"labelSelector": label_selector} if label_selector else {})
        found: list[Node] = []
        while True:
            page = self._decoded("GET", "/api/v1/nodes", _NodeList, query=query)
            found += map(_node, page.items)
            if not page.metadata.continue_:
                return tuple(found)
            query["continue"] = page.metadata.continue_

    def annotate(self, node: str, annotations: Mapping[str, str | None]) -> bool:
        """Set annotations of a node (None removes one) with a single patch; say whether it changed anything.

        The API server makes a manager the owner of just the fields it changed. The patch goes by a name of its own,
        so it stands among the answer's managers if, and only if, something changed. (A node that was made without a
        single label or annotation has no managers; then nobody can tell, and the answer is yes.)
        """
        manager = f"kube-node-dns-{secrets.token_hex(8)}"
        patched = self._decoded(
            "PATCH",
            f"/api/v1/nodes/{quote(node, safe='')}",
            _PatchedNode,
            query={"fieldManager": manager},
            body={"metadata": {"annotations": annotations}},
            attempts=None,
        )
        managers = patched.metadata.managed_fields
        return managers is None or any(entry.manager == manager for entry in managers)

    def _decoded(
        self,
        method: str,
        path: str,
        type_: type[Document],
        *,
        query: Mapping[str, str],
        body: Mapping[str, Any] | None = None,
        attempts: int | None = 5,
    ) -> Document:
        """Make a request until it is answered, and decode just the members `type_` names."""

        def attempt() -> Document:
            data = self._call(method, path, query, body)
            try:
                return msgspec.json.decode(data, type=type_)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise TemporaryError(f"{method} {path}: the answer is not what the API promises: {error}") from error

        return patiently(self._clock, f"{method} {path}", attempts=attempts)(attempt)

    def _call(self, method: str, path: str, query: Mapping[str, str], body: Mapping[str, Any] | None) -> bytes:
        started = self._clock.now()
        outcome = "no answer"
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/merge-patch+json"
        try:
            request = self._client.param_serialize(
                method,
                path,
                query_params=list(query.items()),
                header_params=headers,
                body=body,
                auth_settings=["BearerToken"],
            )
            response = self._client.call_api(*request, _request_timeout=(CONNECT_SECONDS, READ_SECONDS))
            data: bytes = response.read()
            outcome = str(response.status)
        except (HTTPError, ApiException, OSError) as error:
            raise TemporaryError(f"Kubernetes API server unreachable: {_reason(error)}") from error
        finally:
            log.debug("%s %s %s: %s in %.0f ms", method, path, query, outcome, 1000 * (self._clock.now() - started))
        if response.status != 200:
            raise _translated(response.status, data, f"{method} {path}")
        return data


def _node(raw: _Node) -> Node:
    spec, status = raw.spec or _Spec(), raw.status or _Status()
    annotations = raw.metadata.annotations or {}
    ready = next((each for each in status.conditions or () if each.type == "Ready"), None)
    taints = {taint.key for taint in spec.taints or ()}
    return Node(
        name=raw.metadata.name,
        node_ips=annotations.get(NODE_IPS),
        boot_id=(status.node_info and status.node_info.boot_id) or "",
        annotated_boot_id=annotations.get(BOOT_ID, ""),
        coordinates=annotations.get(COORDINATES),
        ready=Condition(ready.status, ready.message or "") if ready else None,
        cordoned=bool(spec.unschedulable),
        deleting=raw.metadata.deletion_timestamp is not None or "ToBeDeletedByClusterAutoscaler" in taints,
    )


@contextmanager
def _login(source: str) -> Iterator[None]:
    """Turn what goes wrong while logging in into our errors; the client only logs what a login plugin did wrong."""
    said: list[str] = []
    listener = logging.Handler(logging.ERROR)
    listener.emit = lambda record: said.append(one_line(record.getMessage()))  # type: ignore[method-assign]
    root = logging.getLogger()
    others, root.handlers = root.handlers, [listener]
    try:
        yield
    except Exception as error:  # a kubeconfig can be wrong in any way
        raise ConfigurationError(
            f"no login to Kubernetes from {source}: {one_line(str(error)) or type(error).__name__}; "
            "check --kubeconfig, --context and KUBECONFIG"
        ) from error
    finally:
        root.handlers = others
    if said:
        raise Failure(f"login to Kubernetes failed: {'; '.join(said)}")


def _translated(status: int, data: bytes, what: str) -> Failure:
    """Tell what an HTTP status of the API server means for the run, with the server's own words."""
    try:
        words = one_line(msgspec.json.decode(data, type=_ApiStatus).message)
    except (msgspec.DecodeError, UnicodeDecodeError):
        words = ""
    said = f"{what}: {words or 'no reason given'} (HTTP {status})"
    match status:
        case 401:
            return Failure(f"{said}; the Kubernetes credentials are not, or no longer, accepted: log in again")
        case 404:
            return Failure(said)
        case 410:
            return Expired(said)
        case 429:
            return NotApplied(said)
        case _ if 400 <= status < 500 and status not in {408, 409}:
            return ConfigurationError(said)
        case _:
            return TemporaryError(said)


def _reason(error: Exception) -> str:
    """Give the last words of an error of urllib3, which begin with the object that raised it."""
    return one_line(str(error)).rpartition(">: ")[2] or type(error).__name__
