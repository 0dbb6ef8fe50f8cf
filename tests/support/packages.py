"""Which packages a process has loaded, and which an installation has."""

import re
from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, packages_distributions, requires


def owners(modules: Iterable[str]) -> set[str]:
    """Name the packages that these modules come from, as registries compare names."""
    installed = packages_distributions()
    return {_normal(name) for each in modules for name in installed.get(each.partition(".")[0], ())}


def needed(packages: Iterable[str]) -> set[str]:
    """Name these packages and all that they depend on; what is not installed is for another platform."""
    found: set[str] = set()
    left = [*packages]
    while left:
        name = _normal(re.split(r"[^\w.-]", left.pop())[0])
        if name not in found:
            found.add(name)
            with suppress(PackageNotFoundError):
                left += [each for each in requires(name) or () if "extra ==" not in each]
    return found


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
