"""The tiny process that starts what is measured.

A child's highest memory, as the kernel counts it, is at least what its parent held when it was started: so the parent
is this, and not a benchmark with a cluster of 5,000 nodes in its memory. It runs without site-packages.
"""

import marshal
import os
import sys
import time

DEVNULL = os.open(os.devnull, os.O_RDWR)


def main() -> None:
    """Start each command that comes in, report its process id at once and what it took when it has ended."""
    while True:
        try:
            argv, environment, errors = marshal.load(sys.stdin.buffer)  # noqa: S302 - from our own parent
        except EOFError:
            return
        began = time.perf_counter()
        told = os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        descriptors = [(os.POSIX_SPAWN_DUP2, source, target) for target, source in enumerate((DEVNULL, DEVNULL, told))]
        pid = os.posix_spawn(argv[0], argv, environment, file_actions=descriptors)
        os.close(told)
        tell(pid)
        _, status, used = os.wait4(pid, 0)
        wall = time.perf_counter() - began
        tell((os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, wall, used.ru_maxrss))


def tell(what: "int | tuple[float, ...]") -> None:
    """Answer the parent."""
    sys.stdout.buffer.write(marshal.dumps(what))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
