"""Entry point of `kube-node-dns` and of `python -m jobs`."""

import gc
import os
import sys

from jobs.shell import process


def main() -> None:
    """Run the command line in this process; signals are taken over before anything slow is imported."""
    process.take_over_signals()
    gc.disable()  # importing makes no garbage, but looking for it takes 5 % of a run; the commands enable it again
    try:
        from jobs.shell import cli  # noqa: PLC0415

        status = cli.main(sys.argv[1:], os.environ)
    except SystemExit as stopped:
        status = int(stopped.code or 0)
    process.end(status)


if __name__ == "__main__":
    main()
