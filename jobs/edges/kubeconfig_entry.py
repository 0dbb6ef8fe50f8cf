"""What kubeconfig files say of one context, by kubectl's rules: which file counts, what is unset, whose the paths are.

Nothing is read or run here. No error shows a value of a user: it may be a secret.
"""

import os
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec
from msgspec import Struct, field

from jobs.core.errors import ConfigurationError
from jobs.core.text import quoted

Document = dict[str, Any]
_LEGAL = "!#$&'*+^`|"  # what a header's name may hold beside letters, digits and -._~ (RFC 9110, 5.6.2)
Type = TypeVar("Type")


class Cluster(Struct, rename="kebab", omit_defaults=True):
    """How to reach an API server."""

    server: str
    certificate_authority: str | None = None
    certificate_authority_data: str | None = None
    insecure_skip_tls_verify: bool = False
    tls_server_name: str | None = None
    proxy_url: str | None = None
    extensions: list[Any] = []
    """What a plugin may be given, with provideClusterInfo."""


class _Variable(Struct):
    name: str
    value: str = ""


class Plugin(Struct, rename="camel", omit_defaults=True):
    """A command that gives credentials (client.authentication.k8s.io)."""

    command: str
    api_version: str
    args: list[str] = []
    env: list[_Variable] = []
    provide_cluster_info: bool = False


class _Provider(Struct):
    name: str = ""
    config: dict[str, str] = {}


class User(Struct, rename="kebab", omit_defaults=True):
    """As whom to log in."""

    client_certificate: str | None = None
    client_certificate_data: str | None = None
    client_key: str | None = None
    client_key_data: str | None = None
    token: str | None = None
    token_file: str | None = field(name="tokenFile", default=None)
    username: str | None = None
    password: str | None = None
    auth_provider: _Provider | None = None
    exec: Plugin | None = None
    as_user: str | None = field(name="as", default=None)
    as_uid: str | None = None
    as_groups: list[str] = []
    as_user_extra: dict[str, list[str]] = {}


class _Context(Struct):
    cluster: str
    user: str = ""


class _Named(Struct):
    """A member of one of the three lists; what belongs to it is looked at when it is chosen."""

    name: str
    context: Document = {}
    cluster: Document = {}
    user: Document = {}


class _File(Struct, rename="kebab"):
    current_context: str = ""
    contexts: list[_Named] = []
    clusters: list[_Named] = []
    users: list[_Named] = []


class Entry(Struct):
    """The cluster and the user of one context; their paths are absolute."""

    cluster: Cluster
    user: User
    user_name: str


def chosen(contents: Mapping[str, object], context: str | None) -> Entry:
    """Choose a context's cluster and user; `contents` are the files' by their absolute paths, the first counts most.

    Raises ConfigurationError, which names the member at fault and where it stands.
    """
    files = {path: _typed(content, _File, path) for path, content in contents.items()}
    name = context or next(filter(None, (each.current_context for each in files.values())), "")
    if not name:
        raise ConfigurationError("no context is chosen: current-context is not set")
    path, found = _named(files, "context", name)
    about = _typed(found.context, _Context, f"context {quoted(name)} in {path}")
    return Entry(_cluster(files, about.cluster), _user(files, about.user) if about.user else User(), about.user)


def filled(value: object) -> Any:  # noqa: ANN401 - as JSON and YAML are
    """Leave members out that are null or empty: to Go they are as unset as those that are not there."""
    if isinstance(value, dict):
        members = {key: filled(member) for key, member in value.items()}
        return {key: member for key, member in members.items() if member not in (None, "", [])}
    return [filled(each) for each in value] if isinstance(value, list) else value


def impersonation(user: User) -> tuple[tuple[str, str], ...]:
    """Give the headers by which one acts as somebody else; client-go escapes and repeats them like this."""
    uid = [("Impersonate-Uid", user.as_uid)] if user.as_uid else []
    groups = [("Impersonate-Group", group) for group in user.as_groups]
    extra = [
        (f"Impersonate-Extra-{quote(key, _LEGAL)}", value)
        for key, values in user.as_user_extra.items()
        for value in values
    ]
    named = [("Impersonate-User", user.as_user)] if user.as_user else []
    headers = (*named, *uid, *groups, *extra)
    return tuple((name, value.encode().decode("latin-1")) for name, value in headers)


def _cluster(files: Mapping[str, _File], name: str) -> Cluster:
    path, found = _named(files, "cluster", name)
    cluster = _typed(found.cluster, Cluster, f"cluster {quoted(name)} in {path}")
    _resolve(cluster, ("certificate_authority",), path)
    scheme, colon, rest = cluster.server.partition("://")
    cluster.server = f"{scheme.lower()}{colon}{rest}" if colon else cluster.server
    return cluster


def _user(files: Mapping[str, _File], name: str) -> User:
    path, found = _named(files, "user", name)
    where = f"user {quoted(name)} in {path}"
    user = _typed(found.user, User, where)
    _resolve(user, ("client_certificate", "client_key", "token_file"), path)
    if user.exec and os.sep in user.exec.command:
        _resolve(user.exec, ("command",), path)
    if user.auth_provider and user.auth_provider.name != "oidc":
        raise ConfigurationError(
            f"{where}: auth-provider {quoted(user.auth_provider.name)} is not supported, as in kubectl; "
            "log in with an exec plugin, such as gke-gcloud-auth-plugin or kubelogin"
        )
    if not user.as_user and (user.as_uid or user.as_groups or user.as_user_extra):
        raise ConfigurationError(f"{where}: as-uid, as-groups and as-user-extra need `as`")
    if user.token or user.token_file or user.username:  # what is written down counts before what has to be asked for
        user.exec = user.auth_provider = None
    if (user.client_certificate or user.client_certificate_data) and (user.client_key or user.client_key_data):
        user.exec = None
    return user


def _named(files: Mapping[str, _File], kind: str, name: str) -> tuple[str, _Named]:
    for path, file in files.items():
        for each in getattr(file, f"{kind}s"):
            if each.name == name:
                return path, each
    raise ConfigurationError(f"there is no {kind} {quoted(name)}")


def _typed(value: object, type_: type[Type], where: str) -> Type:
    try:
        return msgspec.convert(filled(value), type_)
    except msgspec.ValidationError as error:  # which says what was expected where, and shows no value
        raise ConfigurationError(f"{where}: {error}") from error


def _resolve(about: Struct, members: Iterable[str], path: str) -> None:
    for member in members:
        if value := getattr(about, member):
            setattr(about, member, os.path.join(os.path.dirname(path), value))  # noqa: PTH118, PTH120 - texts
