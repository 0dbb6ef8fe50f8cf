"""What this program uses of urllib3, imported without what urllib3 imports for HTTP/2 alone."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

_METADATA = "importlib.metadata"


@contextmanager
def _without_metadata() -> Iterator[None]:
    """Keep importlib.metadata out: it is a tenth of what annotate-once costs.

    urllib3 takes one function from there, to check the version of h2 if HTTP/2 is switched on; here it is not.
    """
    if _METADATA in sys.modules:
        yield
        return
    stand_in = ModuleType(_METADATA)
    vars(stand_in)["__getattr__"] = _attribute
    sys.modules[_METADATA] = stand_in
    try:
        yield
    finally:
        if sys.modules.get(_METADATA) is stand_in:
            del sys.modules[_METADATA]


def _attribute(name: str) -> Any:  # noqa: ANN401 - any member of the module
    """Stand in for one member, until it is called; an urllib3 that takes others gets the module itself."""
    if name == "version":
        return lambda distribution: import_module(_METADATA).version(distribution)
    if name.startswith("__"):  # which importing asks for
        raise AttributeError(name)
    del sys.modules[_METADATA]
    return getattr(import_module(_METADATA), name)


with _without_metadata():
    from urllib3 import (
        BaseHTTPResponse,
        HTTPConnectionPool,
        HTTPHeaderDict,
        HTTPResponse,
        HTTPSConnectionPool,
        PoolManager,
        ProxyManager,
        Timeout,
    )
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.exceptions import HTTPError, LocationValueError, NameResolutionError
    from urllib3.util import make_headers, parse_url
    from urllib3.util.ssl_ import create_urllib3_context, resolve_cert_reqs

__all__ = (
    "BaseHTTPResponse",
    "HTTPConnection",
    "HTTPConnectionPool",
    "HTTPError",
    "HTTPHeaderDict",
    "HTTPResponse",
    "HTTPSConnection",
    "HTTPSConnectionPool",
    "LocationValueError",
    "NameResolutionError",
    "PoolManager",
    "ProxyManager",
    "Timeout",
    "create_urllib3_context",
    "make_headers",
    "parse_url",
    "resolve_cert_reqs",
)
