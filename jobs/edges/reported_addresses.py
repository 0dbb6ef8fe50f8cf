"""Asks those whom `--public-ip-from` names for this machine's addresses, all at once."""

import logging
import ssl
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial

from jobs.core.address import Address, parse_address
from jobs.core.errors import MISCONFIGURED, ConfigurationError, Failure
from jobs.core.reported_addresses import agreed
from jobs.core.text import quoted
from jobs.edges.cloud_metadata import is_machine_of, reported_by
from jobs.edges.fetch import NoAddress, fetch, good, routed_versions
from jobs.edges.pinned import public_context

log = logging.getLogger(__name__)

TOTAL_SECONDS = 5.0

Asked = tuple[str, int]
"""A source, and the IP version by which it is asked; 0 for a cloud, which is asked once."""


def reported_addresses(sources: Iterable[str]) -> list[tuple[str, Address]]:
    """Ask every source that applies, and give the addresses, each with its source: five seconds in all.

    A cloud is asked on its own machines only, a URL by each IP version with a route. Raises Failure where a source
    gives no proper answer: nothing may be concluded then, least of all that there are no addresses.
    """
    sources = tuple(sources)
    urls = [source for source in sources if source.startswith("https://")]
    versions = tuple(routed_versions()) if urls else ()
    if urls and not versions:
        raise Failure(f"{', '.join(urls)}: this machine has no route to the internet")
    context = public_context() if urls else None
    tasks: dict[Asked, Callable[[], tuple[Address, ...]]] = {
        (cloud, 0): partial(reported_by, cloud) for cloud in sources if cloud not in urls and is_machine_of(cloud)
    }
    tasks |= {(url, version): partial(_callers_address, url, version, context) for url in urls for version in versions}
    replies = _at_once(tasks)
    of_clouds = [(cloud, address) for cloud, address in _certain(replies) if cloud not in urls]
    of_urls, warnings = agreed({asked: reply for asked, reply in replies.items() if asked[0] in urls})
    for warning in warnings:
        log.warning("%s; another source has answered", warning)
    return [*of_clouds, *of_urls]


def _certain(replies: Mapping[Asked, tuple[Address, ...] | Failure]) -> list[tuple[str, Address]]:
    """Give what clouds answer; none of them can stand in for another."""
    of_clouds = {source: reply for (source, version), reply in replies.items() if not version}
    failures = [reply for reply in of_clouds.values() if isinstance(reply, Failure)]
    if failures:
        is_wrong = any(failure.exit_status == MISCONFIGURED for failure in failures)
        raise (ConfigurationError if is_wrong else Failure)("; ".join(map(str, failures)))
    return [(source, address) for source, reply in of_clouds.items() if isinstance(reply, tuple) for address in reply]


def _at_once(
    tasks: Mapping[Asked, Callable[[], tuple[Address, ...]]],
) -> dict[Asked, tuple[Address, ...] | Failure]:
    """Do all tasks in threads of their own; those that are late are left to themselves."""
    if not tasks:
        return {}
    threads = ThreadPoolExecutor(len(tasks))
    futures = {asked: threads.submit(_outcome, task) for asked, task in tasks.items()}
    wait(futures.values(), TOTAL_SECONDS)
    threads.shutdown(wait=False, cancel_futures=True)
    return {
        asked: future.result() if future.done() else Failure(f"{asked[0]}: no answer within {TOTAL_SECONDS:.0f} s")
        for asked, future in futures.items()
    }


def _outcome(task: Callable[[], tuple[Address, ...]]) -> tuple[Address, ...] | Failure:
    try:
        return task()
    except Failure as failure:
        return failure


def _callers_address(url: str, version: int, context: ssl.SSLContext | None) -> tuple[Address, ...]:
    """Give the address by which a service sees this machine; none where the service has no such IP version."""
    try:
        text = good(fetch("GET", url, {}, version=version, context=context), f"GET {url}").strip()
    except NoAddress:
        return ()
    try:
        address = parse_address(text)
    except ValueError:
        raise Failure(f"GET {url} over IPv{version}: the answer is not an address: {quoted(text)}") from None
    if address.version != version:
        raise Failure(f"GET {url} over IPv{version}: the answer is an address of the other version: {address}")
    return (address,)
