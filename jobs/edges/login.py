"""Logging in to Kubernetes with the official client: which kubeconfig or service account, and what can go wrong."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kubernetes.client import Configuration
from kubernetes.config import load_incluster_config, load_kube_config

from jobs.core.errors import ConfigurationError, Failure
from jobs.core.text import one_line, shortened

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_HOME_CONFIG = os.path.expanduser("~/.kube/config")  # noqa: PTH111 - pathlib raises for a uid without a home


def configuration_of(kubeconfig: str | None, context: str | None) -> Configuration:
    """Log in by the first that applies: the arguments, KUBECONFIG, the pod's service account, ~/.kube/config.

    Raises ConfigurationError where there is no such login, Failure where a login plugin fails.
    """
    configuration = Configuration()
    configuration.retries = False  # jobs.edges.clock alone tries again
    files = kubeconfig or os.environ.get("KUBECONFIG")
    if not (files or context) and (SERVICE_ACCOUNT / "token").exists():
        with _login("the pod's service account"):
            load_incluster_config(configuration)
    else:
        source = (files or f"{_HOME_CONFIG}, and this is no pod") + (f", context {context}" if context else "")
        with _login(source):
            load_kube_config(files or _HOME_CONFIG, context, configuration, persist_config=False)
    _trim_tokens(configuration)
    return configuration


def pod_namespace() -> str | None:
    """Name the namespace of the pod this runs in, None outside of one."""
    try:
        return (SERVICE_ACCOUNT / "namespace").read_text("utf-8").strip()
    except OSError:
        return None


@contextmanager
def _login(source: str) -> Iterator[None]:
    """Turn what goes wrong while logging in into our errors; the client only logs what a login plugin did wrong."""
    said: list[str] = []

    def listen(record: logging.LogRecord) -> bool:
        said.append(one_line(record.getMessage()))
        return False

    root = logging.getLogger()
    root.addFilter(listen)  # sees what is logged to the root logger itself, as the client does
    try:
        yield
    except Exception as error:  # a kubeconfig can be wrong in any way
        shapeless = isinstance(error, TypeError | AttributeError | KeyError)
        words = "its content is no kubeconfig" if shapeless else one_line(str(error)) or type(error).__name__
        tried = f"{shortened(one_line(source), 150)}: {shortened(words, 200)}"
        raise ConfigurationError(
            f"no login to Kubernetes from {tried}; check --kubeconfig, --context and KUBECONFIG"
        ) from error
    finally:
        root.removeFilter(listen)
    if said:
        missing = any(words.startswith("[Errno") for words in said)  # the plugin cannot even be started
        raise (ConfigurationError if missing else Failure)(f"login to Kubernetes failed: {'; '.join(said)}")


def _trim_tokens(configuration: Configuration) -> None:
    """Take white space off tokens, whenever they are read: files end in a newline, which no header may hold."""
    reread = configuration.refresh_api_key_hook

    def reread_and_trim(current: Configuration) -> None:
        if reread:
            reread(current)
        current.api_key = {key: token.strip() for key, token in current.api_key.items()}

    setattr(configuration, "refresh_api_key_hook", reread_and_trim)  # noqa: B010 - the client types it as None
