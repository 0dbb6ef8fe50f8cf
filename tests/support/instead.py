"""A service that gives other answers than it should, and is otherwise what it was."""

from collections.abc import Callable

from tests.sandbox.server import FaultKind, Request, Response, Server

MAKES = Callable[[Response], Response]
"""Makes the answer that is sent from the one that would be right."""


class Instead:
    """A service that gives other answers to the calls of one operation, from a number on."""

    def __init__(self, server: Server, operation: str, first: int, makes: MAKES) -> None:
        """Put it between the server and its service."""
        self._service, self._operation, self._makes = server.service, operation, makes
        self._left = first
        server.service = self

    def operation(self, request: Request) -> str:
        """Name the operation."""
        return self._service.operation(request)

    def failure(self, kind: FaultKind, request: Request) -> Response:
        """Fail as the service does."""
        return self._service.failure(kind, request)

    def answer(self, request: Request) -> Response:
        """Answer, spoiled if it is the operation's turn."""
        answer = self._service.answer(request)
        self._left -= self.operation(request) == self._operation
        return self._makes(answer) if self.operation(request) == self._operation and self._left <= 0 else answer
