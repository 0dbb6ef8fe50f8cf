"""The command line: a shell around the commands. Options, logging, output, exit status."""

import argparse
import logging
import re
from collections.abc import Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import Any, NoReturn

from jobs.core.errors import ConfigurationError
from jobs.core.text import shortened, without_logins
from jobs.shell.options import PREFIX, Command, Option, options, settings
from jobs.shell.process import as_failure, log_to_stderr, print_result

log = logging.getLogger("jobs")

_EPILOG = """\
exit status:
  0  DNS, the DNSEndpoint or the node shows what it should, or would after a dry run
  1  did not get there; trying again may help
  2  wrong usage or configuration; trying again will not help
  3  refused by --min-nodes, nothing withdrawn

Each option has an environment variable, in brackets; the option wins. Lists split on commas or white space.
AWS settings are boto3's own: AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL_ROUTE_53, ..."""
_UNTRUE_OF = {"annotate-once": ("  3", "AWS"), "watch": ("  0", "  3", "AWS")}
"""What the lines begin with that do not apply to a command."""


class _Parser(argparse.ArgumentParser):
    def __init__(self, **arguments: Any) -> None:  # noqa: ANN401 - handed on
        super().__init__(**arguments)
        self._negative_number_matcher = re.compile("-[0-9]")  # -33.86,151.20 is a value, no option

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:  # noqa: ANN401 - the base class's own
        """Let a command refuse what it does not know itself, and so point to its own help."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return found, unknown

    def error(self, message: str) -> NoReturn:
        command = self.prog if " " in self.prog else f"{self.prog} COMMAND"
        raise ConfigurationError(f"{shortened(without_logins(message), 200)}; see '{command} --help'")


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version  # noqa: PLC0415 - slow, and only this needs it

        print_result(f"kube-node-dns {version('kube-node-dns')}\n")
        parser.exit()


def main(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run one command and give its exit status; every failure is one line on standard error."""
    asked = " ".join(argv).replace("=", " ")  # known before anything is parsed: errors of the options are lines too
    json_lines = "--log-format json" in asked or environ.get("KUBE_NODE_DNS_LOG_FORMAT") == "json"
    log_to_stderr(json_lines=json_lines, verbose=False)
    try:
        arguments = vars(_parser(argv).parse_args(argv))
        command: Any = _module(arguments["command"])
        chosen = settings(command.Settings, arguments, environ)
        log_to_stderr(json_lines=chosen.log_format == "json", verbose=chosen.verbose)
        for warning in _misspelt(command.Settings, environ):
            log.warning("%s", warning)
        return int(command.run(chosen, environ))
    except Exception as error:  # noqa: BLE001 - see as_failure
        failure = as_failure(error)
        log.error("%s", failure)
        return failure.exit_status


def _parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    """Make the parser; only `--help` is laid out to the width of the terminal, which takes an import to find out."""
    formatter = partial(argparse.RawDescriptionHelpFormatter, width=None if {"-h", "--help"} & {*argv} else 80)
    parser = _Parser(
        prog="kube-node-dns",
        description="Keep a domain equal to the public addresses of the Kubernetes nodes that can serve.",
        formatter_class=formatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (_, description) in _COMMANDS.items():
        subparser = commands.add_parser(
            name,
            help=description,
            description=description,
            epilog=_epilog(name),
            formatter_class=formatter,
            allow_abbrev=False,
        )
        for option in options(_module(name).Settings) if name in argv else ():  # the others are not asked
            _add(subparser, option)
    return parser


def _epilog(command: str) -> str:
    return "\n".join(line for line in _EPILOG.split("\n") if not line.startswith(_UNTRUE_OF.get(command, ())))


def _add(parser: argparse.ArgumentParser, option: Option) -> None:
    names = [*filter(None, [option.short]), option.name]
    variables = " or ".join(filter(None, [option.variable, option.also]))
    words = f"{option.help.replace('%', '%%')} [{variables}]"
    if option.flag:
        parser.add_argument(*names, action="store_true", help=words)
    else:
        action = "append" if option.many else "store"
        parser.add_argument(*names, action=action, metavar=option.metavar, help=words)


def _misspelt(command: type[Command], environ: Mapping[str, str]) -> list[str]:
    """Warn of variables that are not an option's but look like one's: a slip would quietly leave a default in force.

    Each command knows the variables of all, for they share a file; others of the prefix may be Kubernetes' own, such
    as those that it sets for a Service.
    """
    ours = [name for name in environ if name.startswith(PREFIX)]
    known = {option.variable for option in options(command)}
    if set(ours) <= known:
        return []
    known |= {option.variable for name in _COMMANDS for option in options(_module(name).Settings)}
    strange = [name for name in ours if name not in known]
    from difflib import get_close_matches  # noqa: PLC0415 - hardly a run needs it

    meant = {name: get_close_matches(name, sorted(known), n=1, cutoff=0.9) for name in strange}
    return [
        f"{name} is not the variable of an option: ignored; is {close[0]} meant?"
        for name, close in meant.items()
        if close
    ]


def _module(command: str) -> Any:  # noqa: ANN401 - a module
    """Import a command, and with it only what it needs."""
    return import_module(f"jobs.shell.{_COMMANDS[command][0]}")


_COMMANDS = {
    "annotate-once": ("annotate_command", "Write this node's public addresses to its annotations, once."),
    "sync-once": ("sync_command", "Make DNS show the nodes that can serve now, once."),
    "watch": ("watch_command", "Create a sync Job from a CronJob's template the moment DNS has to change."),
}
"""The module of each command, which names its `Settings` and has a `run`, and what it does."""
