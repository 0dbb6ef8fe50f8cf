"""Logging in with a kubeconfig: the official client reads it, runs login plugins and renews tokens. Slow to import."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from kubernetes.client import Configuration
from kubernetes.config import load_kube_config

from jobs.core.errors import ConfigurationError, Failure
from jobs.core.text import one_line, shortened
from jobs.edges.proxies import is_exempt
from jobs.edges.transport import Login


def login_from(files: str, context: str | None, source: str) -> Login:
    """Log in with kubeconfig files, joined by `:`; `source` names them in messages.

    Raises ConfigurationError where they give no login, Failure where a login plugin fails.
    """
    configuration = Configuration()  # it knows the environment's proxies
    with _login(source):
        load_kube_config(files, context, configuration, persist_config=False)
        server = configuration.host
        proxy = configuration.proxy and str(configuration.proxy)
        return Login(
            server,
            "the kubeconfig",
            lambda: _authorization(configuration),
            ca_file=configuration.ssl_ca_cert,
            ca_data=configuration.ca_cert_data,
            certificate_file=configuration.cert_file,
            key_file=configuration.key_file,
            verify=configuration.verify_ssl,
            server_name=configuration.tls_server_name,
            assert_hostname=configuration.assert_hostname,
            proxy=proxy if proxy and not is_exempt(server, configuration.no_proxy or "") else None,
            proxy_headers=configuration.proxy_headers,
        )


def _authorization(configuration: Configuration) -> str | None:
    """Give `Bearer <token>` or `Basic <password>`; a token file or a plugin may have put white space around it."""
    kind, _, secret = (configuration.get_api_key_with_prefix("BearerToken") or "").partition(" ")
    return f"{kind} {secret.strip()}" if kind else None


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
        words = "its content is not a kubeconfig" if shapeless else one_line(str(error)) or type(error).__name__
        tried = f"{shortened(one_line(source), 150)}: {shortened(words, 200)}"
        raise ConfigurationError(
            f"no login to Kubernetes from {tried}; check --kubeconfig, --context and KUBECONFIG"
        ) from error
    finally:
        root.removeFilter(listen)
    if said:
        missing = any(words.startswith("[Errno") for words in said)  # the plugin cannot even be started
        raise (ConfigurationError if missing else Failure)(f"login to Kubernetes failed: {'; '.join(said)}")
