"""A tiny HTTP client for the contract: it knows paths and JSON, and nothing of the product."""

import contextlib
import json
import urllib.parse
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import urllib3

Json: TypeAlias = dict[str, Any]
Query: TypeAlias = Mapping[str, str | int]
NODES = "/api/v1/nodes"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
EVENTS = "/api/v1/namespaces/default/events"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
CRONJOBS = "/apis/batch/v1/namespaces/default/cronjobs"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
READER_TOKEN = "contract-reader"  # noqa: S105 - opens nothing but a sandbox
READER = "contract-reader-user"
LIMITED_TOKEN = "contract-limited"  # noqa: S105 - opens nothing but a sandbox
LIMITED = "contract-limited-user"

READY = {"type": "Ready", "status": "True", "lastHeartbeatTime": None, "lastTransitionTime": None}


def annotations(**values: str | None) -> Json:
    """Build a patch of annotations."""
    return {"metadata": {"annotations": values}}


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: urllib3.HTTPHeaderDict
    data: bytes

    @cached_property
    def json(self) -> Json:
        """The JSON document that came; Python decodes none that is nested a thousand levels deep."""
        document: Json = json.loads(self.data)
        return document

    @property
    def message(self) -> str:
        """The message of a Status."""
        return str(self.json["message"])

    @property
    def error(self) -> tuple[int, str]:
        """HTTP status and reason; the body must be a Status that agrees."""
        assert (self.json["kind"], self.json["apiVersion"], self.json["status"]) == ("Status", "v1", "Failure")
        assert self.json["code"] == self.status
        return self.status, self.json.get("reason", "")

    @property
    def causes(self) -> list[tuple[str, str]]:
        """Reason and field of each cause of an Invalid."""
        return [(cause["reason"], cause["field"]) for cause in self.json["details"]["causes"]]

    @property
    def names(self) -> list[str]:
        """The names of a list's items, in the order they came."""
        return [item["metadata"]["name"] for item in self.json["items"]]

    @property
    def metadata(self) -> Json:
        """The metadata of the object or list."""
        metadata: Json = self.json["metadata"]
        return metadata

    @property
    def version(self) -> str:
        """The resourceVersion of the object or list."""
        return str(self.metadata["resourceVersion"])

    @property
    def owned(self) -> dict[str, Json]:
        """The fields each manager owns, by its name and subresource (`x`, `x/status`)."""
        entries = self.metadata.get("managedFields", [])
        return {
            "/".join(filter(None, (entry["manager"], entry.get("subresource")))): entry["fieldsV1"] for entry in entries
        }


@dataclass(frozen=True)
class Api:
    """One API server, as an administrator sees it; `mine` is a name no other test uses."""

    url: str
    pool: urllib3.PoolManager
    token: str
    compact: Callable[[], None]
    define: Callable[[], None] | None = None
    """Lets it serve DNSEndpoints; may be repeated."""
    mine: str = field(default_factory=lambda: f"t-{uuid.uuid4().hex[:12]}")

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        content_type: str = "application/json",
        token: str | None = "",
        query: Query | None = None,
        accept: str = "application/json",
        encoding: str = "identity",
    ) -> Answer:
        """Send one request; `token=None` sends none, and bytes as `body` go out as they are."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        headers = self._headers(token) | {
            "Content-Type": content_type,
            "Accept": accept,
            "Accept-Encoding": encoding,
        }
        response = self.pool.request(method, self._url(path, query or {}), body=data, headers=headers)
        return Answer(response.status, response.headers, response.data)

    def patch(self, path: str, body: object, content_type: str = MERGE, **query: str | int) -> Answer:
        """Patch an object; the field manager is `contract` unless given."""
        manager = query.pop("fieldManager", "contract")
        return self.call("PATCH", path, body, content_type=content_type, query={"fieldManager": manager, **query})

    def node(self, suffix: str = "", **members: Any) -> Answer:  # noqa: ANN401 - JSON is anything
        """Create a node `<mine><suffix>`, labelled `test=<mine>`; `labels` and `annotations` go into its metadata."""
        return self.create(NODES, suffix, **members)

    def create(self, path: str, suffix: str = "", **members: Any) -> Answer:  # noqa: ANN401 - JSON is anything
        """Create an object in a collection, named and labelled as the node of `node` is."""
        labels = {"test": self.mine, **members.pop("labels", {})}
        metadata = {"name": self.mine + suffix, "labels": labels, **members.pop("metadata", {})}
        answer = self.call("POST", path, {"metadata": metadata, **members})
        assert answer.status == 201, answer.json
        return answer

    def path(self, suffix: str = "") -> str:
        """Where the node `<mine><suffix>` is."""
        return f"{NODES}/{self.mine}{suffix}"

    def list(self, selector: str = "", path: str = NODES, **query: str | int) -> Answer:
        """List this test's own nodes, or other objects."""
        mine = f"test={self.mine},{selector}".rstrip(",")
        return self.call("GET", path, query={"labelSelector": mine, **query})

    @contextlib.contextmanager
    def watch(self, path: str = NODES, **query: str | int) -> Iterator[Iterator[Json]]:
        """Watch this test's own nodes; the stream is open when the context begins."""
        asked = {"watch": "true", "labelSelector": f"test={self.mine}", "timeoutSeconds": 30, **query}
        url = self._url(path, asked)
        response = self.pool.request("GET", url, headers=self._headers(""), preload_content=False)
        assert response.status == 200
        try:
            yield (json.loads(line) for line in _lines(response))
        finally:
            with contextlib.suppress(ValueError, RuntimeError):  # it has ended by itself
                response.shutdown()  # else `close` waits for a thread that still reads, until its time is out
            response.close()

    def _url(self, path: str, query: Query) -> str:
        return f"{self.url}{path}?{urllib.parse.urlencode(query)}" if query else self.url + path

    def _headers(self, token: str | None) -> dict[str, str]:
        bearer = {} if token is None else {"Authorization": f"Bearer {token or self.token}"}
        return {"User-Agent": "contract/1", "Accept": "application/json", **bearer}


def _lines(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    rest = b""
    for chunk in response.stream():
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
