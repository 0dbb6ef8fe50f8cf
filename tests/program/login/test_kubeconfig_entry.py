"""What kubeconfig files say of a context, as tables: each row was tried with kubectl 1.37."""

from typing import Any

import pytest

from jobs.core.errors import ConfigurationError
from jobs.edges.kubeconfig_entry import Cluster, Entry, User, chosen, impersonation

SERVER = {"server": "https://one"}
PLUGIN = {"command": "login", "apiVersion": "client.authentication.k8s.io/v1"}


def config(user: object = None, cluster: object = None, **others: object) -> dict[str, Any]:
    """Build a kubeconfig of one context, `here`, of the user `me`."""
    return {
        "clusters": [{"name": "one", "cluster": SERVER if cluster is None else cluster}],
        "users": [{"name": "me", "user": user}],
        "contexts": [{"name": "here", "context": {"cluster": "one", "user": "me"}}],
        "current-context": "here",
    } | others


def entry(*files: object, context: str | None = None) -> Entry:
    """Choose from files, which are /a/config, /b/config and so on."""
    return chosen({f"/{letter}/config": file for letter, file in zip("abc", files, strict=False)}, context)


def named(name: str, server: str) -> dict[str, Any]:
    """Build a kubeconfig of one context, cluster and user of a name, with its own current-context."""
    return {
        "clusters": [{"name": name, "cluster": {"server": server}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "users": [{"name": name, "user": {"token": name}}],
        "current-context": name,
    }


@pytest.mark.parametrize(
    ("files", "token"),
    [
        pytest.param((named("one", "https://one"), named("two", "https://two")), "one", id="the first"),
        pytest.param((named("one", "https://one"), {"current-context": ""}), "one", id="empty in the second"),
        pytest.param((named("one", "https://one") | {"current-context": ""}, named("two", "x")), "two", id="or next"),
        pytest.param((named("one", "https://one") | {"current-context": None}, named("two", "x")), "two", id="null"),
        pytest.param(({}, named("two", "https://two")), "two", id="empty file"),
        pytest.param((named("one", "x"), named("one", "y") | {"users": []}), "one", id="one name"),
    ],
)
def test_the_first_file_counts(files: tuple[object, ...], token: str) -> None:
    """Of several files the first counts that sets current-context, and the first that has an entry of a name."""
    assert entry(*files).user.token == token


@pytest.mark.parametrize(
    ("about", "unset"),
    [
        *(("cluster", {each.replace("_", "-"): ""}) for each in ("certificate_authority", "tls_server_name")),
        ("cluster", {"certificate-authority-data": "", "proxy-url": ""}),
        ("cluster", {"insecure-skip-tls-verify": None, "extensions": None}),
        ("user", {"client-certificate": "", "client-key-data": "", "token": "", "tokenFile": None}),
        ("user", {"exec": None, "auth-provider": None, "as": "", "as-groups": [], "as-user-extra": None}),
    ],
)
def test_null_and_empty_members_are_unset(about: str, unset: dict[str, object]) -> None:
    """A member that is null or empty is as unset as one that is not there."""
    found = entry(config(user=unset) if about == "user" else config(cluster=SERVER | unset))
    assert (found.user, found.cluster) == (User(), Cluster("https://one"))


def test_an_empty_variable_of_a_plugin_stays() -> None:
    """A plugin's arguments and variables may be empty: they are values, and no members."""
    plugin = PLUGIN | {"args": ["-x", ""], "env": [{"name": "A", "value": ""}]}
    given = entry(config(user={"exec": plugin})).user.exec
    assert given is not None
    assert (given.args, [(each.name, each.value) for each in given.env]) == (["-x", ""], [("A", "")])


def test_a_path_belongs_to_the_file_that_names_it() -> None:
    """Relative paths are those beside the file with the user or the cluster; a command without a slash is in PATH."""
    paths = {"client-certificate": "me.crt", "client-key": "keys/me", "tokenFile": "/t"}
    one = config(cluster=SERVER | {"certificate-authority": "ca"}) | {"users": []}
    found = entry(one, {"users": [{"name": "me", "user": paths}]})
    user = found.user
    assert (user.client_certificate, user.client_key, user.token_file) == ("/b/me.crt", "/b/keys/me", "/t")
    assert found.cluster.certificate_authority == "/a/ca"


@pytest.mark.parametrize(("command", "run"), [("login", "login"), ("./login", "/b/./login"), ("/x/login", "/x/login")])
def test_a_plugins_path_belongs_to_the_users_file(command: str, run: str) -> None:
    """A plugin is found beside the file with the user when its command has a slash, else in PATH."""
    plugin = PLUGIN | {"command": command}
    found = entry(config() | {"users": []}, {"users": [{"name": "me", "user": {"exec": plugin}}]})
    assert found.user.exec is not None
    assert found.user.exec.command == run


@pytest.mark.parametrize("given", [{"token": "a"}, {"tokenFile": "/a"}, {"username": "a", "password": "b"}])
def test_what_is_written_down_counts_before_a_plugin(given: dict[str, str]) -> None:
    """No plugin is run for a user with a token or a password."""
    assert entry(config(user=given | {"exec": PLUGIN})).user.exec is None


def test_a_context_without_a_user_is_anonymous() -> None:
    """A context that names no user logs in as nobody."""
    assert entry(config(contexts=[{"name": "here", "context": {"cluster": "one"}}])).user == User()


@pytest.mark.parametrize(("server", "url"), [("HTTPS://A/", "https://A/"), ("Http://a", "http://a"), ("A:1", "A:1")])
def test_a_scheme_may_be_in_capitals(server: str, url: str) -> None:
    """A server's scheme is the same in capitals."""
    assert entry(config(cluster={"server": server})).cluster.server == url


@pytest.mark.parametrize(
    ("file", "words"),
    [
        pytest.param(config() | {"users": []}, "no user 'me'", id="user"),
        pytest.param(config() | {"clusters": None}, "no cluster 'one'", id="cluster"),
        pytest.param(config() | {"current-context": "there"}, "no context 'there'", id="context"),
        pytest.param(config() | {"current-context": ""}, "current-context", id="none chosen"),
        pytest.param(config(cluster={}), "cluster 'one' in /a/config: .*`server`", id="server"),
        pytest.param(config(cluster=SERVER | {"insecure-skip-tls-verify": "false"}), "expected `bool`", id="text"),
        pytest.param(config(user={"token": 1234567}), r"user 'me' in /a/config: .*`\$.token`", id="number"),
        pytest.param(config(user={"exec": {"command": "a"}}), r"`apiVersion` - at `\$.exec`", id="plugin"),
        pytest.param(config(user={"auth-provider": {"name": "azure"}}), "auth-provider 'azure'.*kubelogin", id="azure"),
        pytest.param(config(user={"auth-provider": {"name": "gcp"}}), "auth-provider 'gcp'.*gke-gcloud", id="gcp"),
        pytest.param(config(user={"auth-provider": {}}), "auth-provider ''", id="provider"),
        pytest.param(config(user={"as-groups": ["a"]}), "user 'me' in /a/config: .*need `as`", id="groups"),
        pytest.param([], "/a/config: Expected `object`, got `array`", id="list"),
        pytest.param({"users": [{"user": {}}]}, r"`name` - at `\$.users\[0\]`", id="no name"),
    ],
)
def test_what_cannot_be_used_is_named(file: object, words: str) -> None:
    """An entry that cannot be used is named with its file and member, and without its value."""
    with pytest.raises(ConfigurationError, match=f"(?i){words}") as raised:
        entry(file)
    assert "1234567" not in str(raised.value)


def test_acting_as_somebody_else() -> None:
    """The headers are client-go's: a group each, keys of `extra` percent-encoded, values in UTF-8."""
    extra = {"a/b c%é": ["x", "y"], "d-._~": ["z"]}
    user = User(as_user="J\u00fcrgen", as_uid="7", as_groups=["a b", "c,d"], as_user_extra=extra)
    assert impersonation(user) == (
        ("Impersonate-User", "J\u00fcrgen".encode().decode("latin-1")),
        ("Impersonate-Uid", "7"),
        ("Impersonate-Group", "a b"),
        ("Impersonate-Group", "c,d"),
        ("Impersonate-Extra-a%2Fb%20c%25%C3%A9", "x"),
        ("Impersonate-Extra-a%2Fb%20c%25%C3%A9", "y"),
        ("Impersonate-Extra-d-._~", "z"),
    )
