"""urllib3 for a command that asks one thing and ends: without what its import does for HTTP/2."""

import sys
from contextlib import suppress
from types import ModuleType

_METADATA = "importlib.metadata"


def import_urllib3() -> None:
    """Import urllib3 without importlib.metadata, which is a tenth of what annotate-once costs.

    urllib3 takes one function from there, to check the version of h2 if HTTP/2 is switched on; here it is not.
    """
    if _METADATA in sys.modules:
        return
    stand_in = ModuleType(_METADATA)
    vars(stand_in)["version"] = _version
    sys.modules[_METADATA] = stand_in
    try:
        with suppress(ImportError):  # another urllib3, that needs more: whoever uses it imports it as usual
            import urllib3  # noqa: F401, PLC0415 - this is all that it does
    finally:
        del sys.modules[_METADATA]


def _version(distribution: str) -> str:
    from importlib.metadata import version  # noqa: PLC0415 - the real one by now

    return version(distribution)
