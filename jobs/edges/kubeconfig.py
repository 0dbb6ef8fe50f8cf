"""Logging in with a kubeconfig: the official client runs plugins, renews OIDC, decodes certificates. Slow to import."""

import os
import ssl
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Annotated, Any

import yaml
from kubernetes.client import Configuration
from kubernetes.config import ConfigException
from kubernetes.config.exec_provider import ExecProvider
from kubernetes.config.kube_config import ConfigNode, KubeConfigLoader
from msgspec import Meta, Struct, ValidationError, convert, to_builtins
from msgspec.structs import replace

from jobs.core.errors import ConfigurationError, Failure
from jobs.core.text import one_line, shortened, without_login, without_logins
from jobs.edges.kubeconfig_entry import Cluster, Entry, Plugin, User, chosen, filled, impersonation
from jobs.edges.proxies import is_exempt
from jobs.edges.transport import Credentials, Login

_LEEWAY = timedelta(seconds=10)  # for as long a request may be on its way
_MINUTE = timedelta(seconds=60) + _LEEWAY  # a token's file is read again then, as in client-go; OIDC's is looked at
_NEVER = datetime.max.replace(tzinfo=UTC)


def login_from(files: Sequence[str], context: str | None, source: str) -> Login:
    """Log in with kubeconfig files, those that there are; `source` names them in messages.

    Raises ConfigurationError where they give no login, Failure where a login plugin or an OIDC provider fails.
    """
    with _reported(source):
        paths = [os.path.abspath(os.path.expanduser(file)) for file in files]  # noqa: PTH100, PTH111 - as kubectl
        contents = {path: _content(path) for path in paths if os.path.exists(path)}  # noqa: PTH110 - texts
        if not contents:
            raise ConfigurationError("there is no such file")
        entry = chosen(contents, context)
        session = _Session(entry, source)
        configuration = session.configuration
        server, proxy = configuration.host, configuration.proxy
        is_direct = not proxy or is_exempt(server, configuration.no_proxy or "")
    return Login(
        server,
        "the kubeconfig",
        session.credentials,
        impersonation=impersonation(entry.user),
        ca_file=configuration.ssl_ca_cert,
        ca_data=configuration.ca_cert_data,
        verify=configuration.verify_ssl,
        server_name=configuration.tls_server_name,
        assert_hostname=configuration.assert_hostname,
        proxy=None if is_direct else proxy,
        proxy_headers=configuration.proxy_headers,
    )


def _content(path: str) -> object:
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - a text
            return yaml.safe_load(file) or {}
    except yaml.YAMLError as error:  # whose words may show what stands there
        mark = getattr(error, "problem_mark", None)
        raise ConfigurationError(f"{path} is not YAML{f', see line {mark.line + 1}' if mark else ''}") from error


class _Session:
    """The credentials of a kubeconfig's user; those that expire are renewed, by one thread for all."""

    def __init__(self, entry: Entry, source: str) -> None:
        self._entry, self._source = entry, source
        self._lock = Lock()
        self._renew()

    def credentials(self) -> Credentials:
        """Give what a request is sent with; raises Failure where it has expired and cannot be renewed."""
        with self._lock:
            if datetime.now(UTC) + _LEEWAY >= self._good_until:
                try:
                    with _reported(self._source):
                        self._renew()
                except ConfigurationError as error:  # it was right once, and may be again
                    raise Failure(str(error)) from error
            given = self.configuration
        return Credentials(_authorization(given), given.cert_file, given.key_file)

    def _renew(self) -> None:
        user, good_until = self._entry.user, _NEVER
        if user.exec:
            given = _asked(user.exec, self._entry.cluster)
            user, good_until = replace(user, exec=None, **given.members()), given.expiration_timestamp or _NEVER
        elif user.token_file:
            user, good_until = replace(user, token=_read(user.token_file), token_file=None), datetime.now(UTC) + _MINUTE
        elif user.auth_provider:
            good_until = datetime.now(UTC) + _MINUTE
        self.configuration, self._good_until = _loaded(self._entry, user), good_until


def _read(path: str) -> str:
    token = Path(path).read_text("utf-8").strip()
    if not token:
        raise ConfigurationError(f"tokenFile {path} is empty")
    return token


class _Given(Struct, rename="camel"):
    """What a plugin gives: a token, a client certificate, or both."""

    token: str | None = None
    client_certificate_data: str | None = None
    client_key_data: str | None = None
    expiration_timestamp: Annotated[datetime, Meta(tz=True)] | None = None

    def members(self) -> dict[str, str]:
        """Give it as the members of a user."""
        certificate = {"client_certificate_data": self.client_certificate_data, "client_key_data": self.client_key_data}
        given = {name: b64encode(pem.encode()).decode("ascii") for name, pem in certificate.items() if pem}
        return given | ({"token": self.token} if self.token else {})


def _asked(plugin: Plugin, cluster: Cluster) -> _Given:
    """Run a plugin, in the working directory as kubectl does."""
    about = ConfigNode("exec", to_builtins(plugin)), None, ConfigNode("cluster", to_builtins(cluster))
    try:
        given = convert(filled(ExecProvider(*about).run()), _Given)
    except OSError as error:
        raise ConfigurationError(f"exec: {plugin.command} cannot be run: {error.strerror}") from error
    except (ConfigException, ValidationError) as error:
        raise _failed(f"exec: {plugin.command}: {error}") from error
    except Exception as error:  # of the official client, at an output that it did not expect
        raise _failed(f"exec: {plugin.command}: its output is not an ExecCredential") from error
    if bool(given.client_certificate_data) != bool(given.client_key_data) or not given.members():
        raise _failed(f"exec: {plugin.command} gave neither a token nor a client certificate with its key")
    return given


def _loaded(entry: Entry, user: User) -> Configuration:
    """Let the official client make of a user what it can."""
    about = to_builtins(user)
    configuration = Configuration()  # it knows the environment's proxies
    if not user.auth_provider:
        _loader(entry, about, None).load_and_set(configuration)
        return configuration
    about["auth-provider"]["config"] = config = user.auth_provider.config  # where the client keeps new tokens
    authorities = ssl.get_default_verify_paths()  # without a path the client would trust anybody
    config.setdefault("idp-certificate-authority", authorities.cafile or authorities.openssl_cafile)
    known = config.get("id-token")

    def check() -> None:  # the client goes on with the expired token where a provider refuses a new one
        if config["id-token"] == known:
            raise _failed("auth-provider oidc: the provider gave no new id-token; log in again")

    try:
        _loader(entry, about, check).load_and_set(configuration)
    except (ConfigException, Failure):
        raise
    except Exception as error:  # of whatever the client asks a provider with
        raise _failed(f"auth-provider oidc: {without_logins(str(error)) or type(error).__name__}") from error
    if not _authorization(configuration):
        raise ConfigurationError("auth-provider oidc: id-token is not a JWT")
    return configuration


def _loader(entry: Entry, user: dict[str, Any], persister: Callable[[], None] | None) -> KubeConfigLoader:
    """Give it one context alone; of that its messages show names, and no values."""
    document = {
        "current-context": "chosen",
        "contexts": [{"name": "chosen", "context": {"cluster": "chosen", "user": entry.user_name}}],
        "clusters": [{"name": "chosen", "cluster": to_builtins(entry.cluster)}],
        "users": [{"name": entry.user_name, "user": user}],
    }
    return KubeConfigLoader(document, config_base_path="", config_persister=persister)


def _authorization(configuration: Configuration) -> str | None:
    """Give `Bearer <token>` or `Basic <password>`; a token file or a plugin may have put white space around it."""
    kind, _, secret = configuration.api_key.get("BearerToken", "").partition(" ")
    return f"{kind} {secret.strip()}" if kind else None


@contextmanager
def _reported(source: str) -> Iterator[None]:
    """Turn what goes wrong while logging in into our errors."""
    try:
        yield
    except Exception as error:  # a kubeconfig can be wrong in any way
        if isinstance(error, Failure) and not isinstance(error, ConfigurationError):
            raise
        shapeless = isinstance(error, TypeError | AttributeError | KeyError | UnicodeError)
        said = str(error) if isinstance(error, Failure | ConfigException) else without_logins(str(error))
        words = "its content is not a kubeconfig" if shapeless else one_line(said) or type(error).__name__
        tried = f"{shortened(one_line(source), 150)}: {shortened(words, 300)}"
        raise ConfigurationError(
            f"no login to Kubernetes from {tried}; check --kubeconfig, --context and KUBECONFIG"
        ) from error


def _failed(words: str) -> Failure:
    shown = " ".join(without_login(word) if "://" in word else word for word in words.split())
    return Failure(f"login to Kubernetes failed: {shortened(one_line(shown), 300)}")
