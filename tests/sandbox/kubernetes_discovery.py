"""What kubectl asks before anything else: which groups, versions and resources there are."""

from collections.abc import Sequence

import msgspec

from tests.sandbox.kubernetes_errors import Object, no_such_path
from tests.sandbox.kubernetes_kinds import Resource
from tests.sandbox.server import Response

_VERSION = {
    "major": "1",
    "minor": "36",
    "gitVersion": "v1.36.0",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "2026-01-01T00:00:00Z",
    "goVersion": "go1.25",
    "compiler": "gc",
    "platform": "linux/amd64",
}


def discovery(path: str, served: Sequence[Resource]) -> Response:
    """Answer a path that is about no resource of those that are served; 404 when there is nothing."""
    found = _found(path.strip("/").split("/"), served)
    if found is not None:
        return Response(200, msgspec.json.encode(found))
    if any(path.startswith(f"/{_root(row)}/") for row in served if not row.declared):
        raise no_such_path()
    return no_page()


def no_page() -> Response:
    """Answer a path that nothing is behind, as that of a custom resource without its definition."""
    return Response(404, b"404 page not found\n", "text/plain; charset=utf-8")


def _root(row: Resource) -> str:
    return f"apis/{row.api_version}" if row.group else "api/v1"


def _found(steps: list[str], served: Sequence[Resource]) -> Object | None:
    match steps:
        case ["version"]:
            return dict(_VERSION)
        case ["openapi", "v3"]:
            roots = {_root(row): {"serverRelativeURL": f"/openapi/v3/{_root(row)}"} for row in served}
            return {"paths": roots}
        case ["openapi", "v3", *root] if any(_root(row) == "/".join(root) for row in served):
            return _openapi([row for row in served if _root(row) == "/".join(root)])
        case ["api"]:
            return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
        case ["apis"]:
            groups = dict.fromkeys((row.group, row.version) for row in served if row.group)
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(*group) for group in groups]}
        case ["apis", group] if versions := {row.version for row in served if row.group == group}:
            return {"kind": "APIGroup", "apiVersion": "v1", **_group(group, min(versions))}
        case ["api", "v1"]:
            return _resources("v1", served)
        case ["apis", group, version] if any(row.api_version == f"{group}/{version}" for row in served):
            return _resources(f"{group}/{version}", served)
    return None


def _openapi(rows: list[Resource]) -> Object:
    """Say to kubectl that the server itself checks fields, and no more: it then needs no schemas."""
    parameters = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in ("dryRun", "fieldValidation")]
    paths = {}
    for row in rows:
        kind = {"group": row.group, "version": row.version, "kind": row.kind}
        patch = {"parameters": parameters, "x-kubernetes-group-version-kind": kind, "responses": {}}
        paths[f"/{_root(row)}/{row.plural}/{{name}}"] = {"patch": patch}
    return {"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": "v1.36.0"}, "paths": paths}


def _group(group: str, version: str) -> Object:
    known = {"groupVersion": f"{group}/{version}", "version": version}
    return {"name": group, "versions": [known], "preferredVersion": known}


def _resources(api_version: str, served: Sequence[Resource]) -> Object:
    rows = [entry for row in served if row.api_version == api_version for entry in row.discovery()]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version, "resources": rows}
