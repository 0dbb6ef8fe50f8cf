"""Asks addresses whether they answer, all at once: for a TCP connection, or for a URL."""

import asyncio
import errno
import os
import resource
import socket
import ssl
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from jobs.core.address import Address
from jobs.core.probe import Probe
from jobs.edges.pinned import HEAD_SECONDS, pinned_pool, public_context
from jobs.edges.responses import reason
from jobs.edges.urllib3_names import HTTPError, NameResolutionError

TCP_SECONDS, URL_SECONDS, TOTAL_SECONDS = 2.0, HEAD_SECONDS, 7.0
PAUSE_SECONDS = 1.0  # from one try to the next: the process behind the port may just be starting again
MOST_OPEN = 256

_NO_ROUTE = {errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
"""What the kernel says of an IP version that is not routed, switched off on each interface, or not there at all."""

Target = tuple[Address, Probe]
Answers = dict[Target, str | None]
"""Why a target does not answer; None where it does, "" where there was no time to try twice."""


def probe(targets: Iterable[Target]) -> tuple[Answers, frozenset[int]]:
    """Ask each target, twice if need be: two seconds per TCP connection, three per URL, seven in all.

    A target that there was no time to try is missing. So is one that there is no route to from here, which says nothing
    about it: the IP versions of those come second.
    """
    targets = dict.fromkeys(targets)
    context = public_context() if any(asked.scheme == "https" for _, asked in targets) else None
    return asyncio.run(_ask_all(targets, context))


class _NoRoute(Exception):
    """There is no way from here to an address."""


async def _ask_all(targets: Iterable[Target], context: ssl.SSLContext | None) -> tuple[Answers, frozenset[int]]:
    answers: Answers = {}
    without_route: set[int] = set()
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)  # a lack of them would look like dead nodes
    most = min(MOST_OPEN, files // 2) if files > 0 else MOST_OPEN
    space = asyncio.Semaphore(most)
    threads = ThreadPoolExecutor(most)
    now = asyncio.get_running_loop().time

    async def ask(target: Target) -> None:
        try:
            async with space:
                began = now()
                why = await _failure(target, context, threads)
            if why:
                answers[target] = ""
                await asyncio.sleep(began + PAUSE_SECONDS - now())
                async with space:
                    why = await _failure(target, context, threads)
            answers[target] = why
        except _NoRoute:
            answers.pop(target, None)
            without_route.add(target[0].version)

    try:
        async with asyncio.timeout(TOTAL_SECONDS), asyncio.TaskGroup() as tasks:
            for target in targets:
                tasks.create_task(ask(target))
    except TimeoutError:
        pass
    threads.shutdown(wait=False, cancel_futures=True)
    return answers, frozenset(without_route)


async def _failure(target: Target, context: ssl.SSLContext | None, threads: ThreadPoolExecutor) -> str | None:
    """Try a target once, and say why it does not answer; raises _NoRoute."""
    address, asked = target
    try:
        if asked.scheme == "tcp":
            async with asyncio.timeout(TCP_SECONDS):
                return await _connect(address, asked.port)
        async with asyncio.timeout(URL_SECONDS):
            return await asyncio.get_running_loop().run_in_executor(threads, _ask_url, address, asked, context)
    except TimeoutError:
        return "timed out"
    except OSError as error:
        if error.errno in _NO_ROUTE:
            raise _NoRoute from error
        return os.strerror(error.errno or 0).lower()


async def _connect(address: Address, port: int) -> str | None:
    with socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6) as connection:
        connection.settimeout(0)
        await asyncio.get_running_loop().sock_connect(connection, (str(address), port))
    return None


def _ask_url(address: Address, asked: Probe, context: ssl.SSLContext | None) -> str | None:
    """Ask an address for a URL; neither a redirect nor a proxy is followed, and the body is not read."""
    encrypted = context if asked.scheme == "https" else None
    pool = pinned_pool(str(address), asked.port, asked.host, URL_SECONDS, encrypted)
    headers = {"Host": asked.authority, "User-Agent": "kube-node-dns"}
    try:
        answer = pool.urlopen("GET", asked.path, headers=headers, retries=False, redirect=False, preload_content=False)
    except HTTPError as error:
        cause: BaseException | None = error
        while cause:
            if isinstance(cause, OSError) and cause.errno in _NO_ROUTE:
                raise cause from None
            if isinstance(cause, NameResolutionError):  # of an address: urllib3 has found this machine without IPv6
                raise OSError(errno.EAFNOSUPPORT, str(cause)) from None
            cause = cause.__cause__ or cause.__context__
        return reason(error)
    finally:
        pool.close()
    return None if 200 <= answer.status < 400 else f"status {answer.status}"
