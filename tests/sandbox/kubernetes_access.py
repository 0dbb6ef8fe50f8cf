"""Who asks for what: bearer tokens, the verb and resource a request names, and whether the caller may."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from tests.sandbox.kubernetes_errors import ApiError, about, qualified
from tests.sandbox.kubernetes_kinds import Resource, resource_of
from tests.sandbox.kubernetes_store import key_of
from tests.sandbox.server import Request

ADMIN_TOKEN = "sandbox-admin"  # noqa: S105 - opens nothing but a sandbox
_VERBS = {"POST": "create", "GET": "get", "HEAD": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_OF_COLLECTIONS = {"get": "list", "delete": "deletecollection"}
_NAMED = re.compile(r"(?:^|,)metadata\.name==?([^,=]+)")


Right: TypeAlias = tuple[str, str] | tuple[str, str, str]
"""Verb and resource, like ("list", "nodes") and ("patch", "nodes/status"): everywhere, as a ClusterRole gives it.

With a namespace, like ("create", "events", "default"), it holds only there, as a Role gives it; "" is everywhere again.
"""


@dataclass(frozen=True)
class User:
    """Whose token it is, and what it may do; None: all."""

    name: str
    allowed: frozenset[Right] | None = None

    def may(self, call: "Call") -> bool:
        """Say whether one of the rights is enough for a call."""
        if self.allowed is None:
            return True
        asked = (call.verb, call.target)
        return not self.allowed.isdisjoint({asked, (*asked, ""), (*asked, call.place)})


@dataclass(frozen=True)
class Call:
    """What a request asks for, in RBAC's words."""

    verb: str
    resource: Resource
    namespace: str
    name: str
    subresource: str
    selected: str = ""
    """The one object that the field selector of a list or watch names."""

    @property
    def place(self) -> str:
        """The namespace as RBAC sees it: a namespace is in itself."""
        return self.name if self.resource.kind == "Namespace" else self.namespace

    @property
    def target(self) -> str:
        """The resource as RBAC rules name it."""
        return f"{self.resource.plural}/{self.subresource}" if self.subresource else self.resource.plural

    @property
    def is_served(self) -> bool:
        """Say whether there is such a verb for an object, or for a collection if no object is named."""
        of_objects = ("get", "update", "patch", *(() if self.subresource else ("delete",)))
        return self.verb in (of_objects if self.name else ("list", "watch", "create"))

    @property
    def key(self) -> str:
        """Where the store keeps the object."""
        return key_of(self.name, self.namespace)


def parse_call(request: Request) -> Call | None:
    """Read verb and resource from a request; None when it is about no resource this server knows."""
    match request.path.strip("/").split("/"):
        case ["api", version, *rest]:
            group = ""
        case ["apis", group, version, *rest]:
            pass
        case _:
            return None
    namespace = ""
    if len(rest) > 2 and rest[0] == "namespaces" and resource_of(group, version, rest[2]):
        _, namespace, *rest = rest
    if not rest or len(rest) > 3 or (resource := resource_of(group, version, rest[0])) is None:
        return None
    name, subresource = (*rest[1:], "", "")[:2]
    if (namespace and not resource.namespaced) or (name and resource.namespaced and not namespace):
        return None
    if subresource and not (subresource == "status" and resource.status):
        return None
    verb = _VERBS.get(request.method, request.method.lower())
    verb = verb if name else _OF_COLLECTIONS.get(verb, verb)
    if verb == "list" and request.query.get("watch") in ("true", "1"):
        verb = "watch"
    chosen = _NAMED.findall(request.query.get("fieldSelector", "")) if verb in ("list", "watch") else []
    return Call(verb, resource, namespace, name, subresource, "".join(chosen[:1]))


def authenticate(tokens: Mapping[str, User], request: Request) -> User:
    """Find the user whose bearer token a request carries; 401 when there is none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or token not in tokens:
        raise ApiError(401, "Unauthorized", "Unauthorized")
    return tokens[token]


def check_accepted(request: Request) -> None:
    """406 unless the client takes JSON."""
    kinds = [part.partition(";")[0].strip() for part in request.headers.get("Accept", "*/*").split(",")]
    if not {"application/json", "application/*", "*/*"} & set(kinds):
        raise ApiError(406, "NotAcceptable", "406: Not Acceptable\n\nAvailable representations: application/json", {})


def authorize(user: User, call: Call) -> None:
    """403 in the server's words unless the user may do it."""
    if not user.may(call):
        raise forbidden(call, user.name)


def forbidden(call: Call, user: str) -> ApiError:
    """Give the refusal of a call that RBAC does not allow."""
    row, name = call.resource, call.name or call.selected
    where = f'in the namespace "{call.place}"' if call.place else "at the cluster scope"
    named = f' "{name}"' if name else ""
    message = (
        f'{qualified(row.plural, row.group)}{named} is forbidden: User "{user}" cannot {call.verb} resource '
        f'"{call.target}" in API group "{row.group}" {where}'
    )
    return ApiError(403, "Forbidden", message, about(row.plural, row.group, name))
