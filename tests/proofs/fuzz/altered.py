"""An API server some of whose answers are not its own."""

from collections.abc import Mapping
from dataclasses import replace

from tests.sandbox.kubernetes import ADMIN_TOKEN, Kubernetes
from tests.sandbox.server import Request, Response


class Altered:
    """The cluster's API, with other bodies in the good answers to some operations."""

    def __init__(self, kubernetes: Kubernetes, bodies: Mapping[str, bytes]) -> None:
        """Take the bodies by operation (`list nodes`, `watch nodes`)."""
        self._kubernetes, self._bodies = kubernetes, bodies
        self.operation, self.failure = kubernetes.operation, kubernetes.failure

    def answer(self, request: Request) -> Response:
        """Answer as the cluster does, or with the body given."""
        operation = self.operation(request)
        if operation not in self._bodies:
            return self._kubernetes.answer(request)
        dated = self._kubernetes.answer(replace(request, query={**request.query, "watch": "false"}))
        return replace(dated, body=self._bodies[operation])


def answer_of(kubernetes: Kubernetes, path: str) -> bytes:
    """Read the body of the cluster's own answer to a GET."""
    response = kubernetes.answer(Request("GET", path, {}, {"Authorization": f"Bearer {ADMIN_TOKEN}"}, b""))
    assert response.status == 200
    assert isinstance(response.body, bytes)
    return response.body
