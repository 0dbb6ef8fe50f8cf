"""Entry point of `kube-node-dns` and of `python -m jobs`."""

import gc
import os
import sys

from jobs.shell.process import Watchdog


def main() -> None:
    """Run the command line in this process; signals are taken care of before anything slow is imported."""
    watchdog = Watchdog()
    gc.disable()  # importing makes no garbage, but looking for it takes 5 % of a run; the commands enable it again
    from jobs.shell import cli  # noqa: PLC0415

    sys.exit(cli.main(sys.argv[1:], os.environ, watchdog))


if __name__ == "__main__":
    main()
