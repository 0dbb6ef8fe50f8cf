"""A process that has imported what every test needs, and nothing of the tree: each request is a fork that runs pytest.

A request is a line of JSON, the arguments; the response is one of JSON, pytest's exit status and what it said. So each
slip is compiled and imported by itself, and pytest is not.
"""

import importlib
import json
import os
import signal
import sys
import tempfile

import pytest

LONGEST_SECONDS = 300  # a slip may make a test wait for ever
_THIRD_PARTY = ("hypothesis", "msgspec", "yaml", "tenacity", "urllib3", "trustme", "jsonpatch", "kubernetes_validate")


def main() -> None:
    """Serve until standard input ends."""
    for each in _THIRD_PARTY:
        importlib.import_module(each)
    for line in sys.stdin:
        with tempfile.TemporaryFile() as said:
            pid = os.fork()
            if pid == 0:
                _run(json.loads(line), said.fileno())
            status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            said.seek(0)
            print(json.dumps([status, said.read().decode("utf-8", "replace")]), flush=True)  # noqa: T201 - the response


def _run(arguments: list[str], said: int) -> None:
    signal.alarm(LONGEST_SECONDS)
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - a descriptor is needed
        os.dup2(nothing.fileno(), 0)
    os.dup2(said, 1)
    os.dup2(said, 2)
    status = 3  # pytest's for an error of its own
    try:
        status = pytest.main(
            [*arguments, "-W", "ignore::pytest.PytestAssertRewriteWarning"]
        )  # they are not of the tree
        sys.stdout.flush()
    finally:
        os._exit(status)


if __name__ == "__main__":
    main()
