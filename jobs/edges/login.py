"""Which login to Kubernetes applies, and that of a pod."""

import os
import time
from pathlib import Path

from jobs.core.errors import ConfigurationError
from jobs.edges.proxies import proxy_of_environment
from jobs.edges.transport import Credentials, Login

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
TOKEN_SECONDS = 60.0
"""How long a token is used before its file is read again: the kubelet replaces it long before it expires."""

_HOME_CONFIG = os.path.expanduser("~/.kube/config")  # noqa: PTH111 - pathlib raises for a uid without a home


def login_of(kubeconfig: str | None, context: str | None) -> Login:
    """Log in by the first that applies: the arguments, KUBECONFIG, the pod's service account, ~/.kube/config.

    Raises ConfigurationError where there is no such login, Failure where a login plugin fails.
    """
    files = [kubeconfig] if kubeconfig else list(filter(None, os.environ.get("KUBECONFIG", "").split(os.pathsep)))
    is_pod = (SERVICE_ACCOUNT / "token").exists()
    if is_pod and not (files or context):
        return _pods_login()
    from jobs.edges.kubeconfig import login_from  # noqa: PLC0415 - 0.3 s of CPU, which no pod needs

    source = os.pathsep.join(files) or _HOME_CONFIG + ("" if is_pod else ", and this is not a pod")
    return login_from(files or [_HOME_CONFIG], context, source + (f", context {context}" if context else ""))


def pod_namespace() -> str | None:
    """Name the namespace of the pod this runs in, None outside of one."""
    try:
        return (SERVICE_ACCOUNT / "namespace").read_text("utf-8").strip()
    except OSError:
        return None


def _pods_login() -> Login:
    host, port = (os.environ.get(f"KUBERNETES_SERVICE_{part}") for part in ("HOST", "PORT"))
    if not host or not port:
        raise _unusable("KUBERNETES_SERVICE_HOST or KUBERNETES_SERVICE_PORT is not set")
    server = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
    authority, token = SERVICE_ACCOUNT / "ca.crt", _Token(SERVICE_ACCOUNT / "token")
    _content(authority)
    token.credentials()
    proxy = proxy_of_environment(server)
    return Login(server, "the pod's service account", token.credentials, ca_file=str(authority), proxy=proxy)


class _Token:
    """The token in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._text, self._read_at = "", -TOKEN_SECONDS

    def credentials(self) -> Credentials:
        """Give what a request is sent with."""
        if time.monotonic() >= self._read_at + TOKEN_SECONDS:
            self._text, self._read_at = _content(self._path), time.monotonic()
        return Credentials(f"Bearer {self._text}")


def _content(path: Path) -> str:
    """Read a file of the service account; the white space around a token may not reach a header."""
    try:
        content = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable(str(error)) from error
    if not content:
        raise _unusable(f"{path} is empty")
    return content


def _unusable(words: str) -> ConfigurationError:
    return ConfigurationError(f"no login to Kubernetes from the pod's service account: {words}")
