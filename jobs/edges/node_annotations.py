"""The annotations of one node: all that annotate-once needs of Kubernetes. No decision."""

import secrets
from collections.abc import Mapping
from urllib.parse import quote

import msgspec

from jobs.edges.api_server import ApiServer


class _Manager(msgspec.Struct):
    manager: str = ""


class _Metadata(msgspec.Struct, rename="camel"):
    managed_fields: list[_Manager] | None = None


class _PatchedNode(msgspec.Struct, tag_field="kind", tag="Node"):
    metadata: _Metadata


class NodeAnnotations:
    """The annotations of a node."""

    def __init__(self, server: ApiServer, node: str) -> None:
        """Take a server that is logged in to, and the node's name."""
        self._server = server
        self._path = f"/api/v1/nodes/{quote(node, safe='')}"

    def write(self, annotations: Mapping[str, str | None]) -> bool:
        """Set annotations (None removes one) with a single patch; say whether it changed anything.

        The API server makes a manager the owner of just the fields it changed. The patch goes by a name of its own,
        so it stands among the answer's managers if, and only if, something changed. (A node that was made without a
        single label or annotation has no managers; then nobody knows, and the answer is yes.)
        """
        manager = f"kube-node-dns-{secrets.token_hex(8)}"
        body = {"metadata": {"annotations": annotations}}
        patched = self._server.patch(self._path, _PatchedNode, body, {"fieldManager": manager})
        managers = patched.metadata.managed_fields
        return managers is None or any(each.manager == manager for each in managers)
