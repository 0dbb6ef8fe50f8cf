"""Asks addresses for TCP connections, all at once."""

import asyncio
import os
import resource
import socket
from collections.abc import Iterable

from jobs.core.address import Address

TRY_SECONDS = 2.0
TOTAL_SECONDS = 5.0
PAUSE_SECONDS = 1.0  # from one try to the next: the process behind the port may just be starting again
MOST_OPEN = 256

Target = tuple[Address, int]
"""An address and a TCP port."""


def probe(targets: Iterable[Target]) -> dict[Target, str | None]:
    """Ask each target for a connection, twice if need be; say why there is none, None where there is one.

    Two seconds a try and five in all: for a target that there was no time to try twice the answer is "", and one that
    there was no time to try is missing.
    """
    return asyncio.run(_answers(targets))


async def _answers(targets: Iterable[Target]) -> dict[Target, str | None]:
    answers: dict[Target, str | None] = {}
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)  # a lack of them would look like dead nodes
    room = asyncio.Semaphore(min(MOST_OPEN, files // 2) if files > 0 else MOST_OPEN)
    now = asyncio.get_running_loop().time

    async def ask(target: Target) -> None:
        async with room:
            began = now()
            why = await _failure(target)
        if why:
            answers[target] = ""
            await asyncio.sleep(began + PAUSE_SECONDS - now())
            async with room:
                why = await _failure(target)
        answers[target] = why

    try:
        async with asyncio.timeout(TOTAL_SECONDS), asyncio.TaskGroup() as tasks:
            for target in targets:
                tasks.create_task(ask(target))
    except TimeoutError:
        pass
    return answers


async def _failure(target: Target) -> str | None:
    address, port = target
    try:
        with socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6) as connection:
            connection.settimeout(0)
            async with asyncio.timeout(TRY_SECONDS):
                await asyncio.get_running_loop().sock_connect(connection, (str(address), port))
    except TimeoutError:
        return "timed out"
    except OSError as error:
        return os.strerror(error.errno or 0).lower()
    return None
