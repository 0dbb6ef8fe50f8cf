"""Refusals of the API server: `Status` objects, in its own words."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

Object: TypeAlias = dict[str, Any]
"""A JSON object, as clients send it and the store keeps it."""


class ApiError(Exception):
    """A refusal, with the `Status` that gives the client the reason."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        details: Mapping[str, object] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        continue_token: str = "",
    ) -> None:
        """Keep what the answer is made of."""
        super().__init__(message)
        self.code = code
        self.headers = dict(headers or {})
        self.status: Object = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {"continue": continue_token} if continue_token else {},
            "status": "Failure",
            "message": message,
            **({"reason": reason} if reason else {}),
            **({} if details is None else {"details": dict(details)}),
            "code": code,
        }


def qualified(plural: str, group: str) -> str:
    """Name a resource as messages do: `nodes`, `jobs.batch`."""
    return f"{plural}.{group}" if group else plural


def about(plural: str, group: str, name: str = "") -> dict[str, object]:
    """Give the `details` that name one object."""
    return {key: value for key, value in (("name", name), ("group", group), ("kind", plural)) if value}


def bad_request(message: str) -> ApiError:
    """400: the request makes no sense, whatever the state of the cluster."""
    return ApiError(400, "BadRequest", message)


def not_found(plural: str, group: str, name: str) -> ApiError:
    """404: there is no such object."""
    return ApiError(404, "NotFound", f'{qualified(plural, group)} "{name}" not found', about(plural, group, name))


def no_such_path() -> ApiError:
    """404: the server does not serve that resource at all."""
    return ApiError(404, "NotFound", "the server could not find the requested resource", {})


def already_exists(plural: str, group: str, name: str) -> ApiError:
    """409: create found the name taken."""
    message = f'{qualified(plural, group)} "{name}" already exists'
    return ApiError(409, "AlreadyExists", message, about(plural, group, name))


def conflict(plural: str, group: str, name: str, why: str) -> ApiError:
    """409: the object is not the one the client has read."""
    message = f'Operation cannot be fulfilled on {qualified(plural, group)} "{name}": {why}'
    return ApiError(409, "Conflict", message, about(plural, group, name))


MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


def expired(message: str, continue_token: str = "") -> ApiError:
    """410: the version asked for has been compacted away."""
    return ApiError(410, "Expired", message, continue_token=continue_token)


def too_large_version(asked: int, current: int) -> ApiError:
    """504: a version that does not exist yet."""
    message = f"Too large resource version: {asked}, current: {current}"
    causes = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
    return ApiError(504, "Timeout", f"Timeout: {message}", {"causes": causes, "retryAfterSeconds": 1})


def invalid(kind: str, group: str, name: str, causes: Sequence[tuple[str, str, str]]) -> ApiError:
    """422: each cause is (reason, field, message)."""
    texts = [f"{field}: {message}" for _, field, message in causes]
    said = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    details = about(kind, group, name) | {
        "causes": [{"reason": reason, "message": message, "field": field} for reason, field, message in causes]
    }
    return ApiError(422, "Invalid", f'{qualified(kind, group)} "{name}" is invalid: {said}', details)
