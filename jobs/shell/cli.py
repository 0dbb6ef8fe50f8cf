"""The command line: a shell around the jobs. Options, logging, output, exit status."""

import argparse
import gc
import logging
import math
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from jobs.core.errors import DONE, ConfigurationError, Failure
from jobs.core.text import shortened
from jobs.edges.clock import ATTEMPTS, Clock
from jobs.shell import report
from jobs.shell.logs import log_to_stderr
from jobs.shell.options import ANNOTATE_ONCE, SYNC_ONCE, WATCH, Option, misspelt, settings
from jobs.shell.output import Ending, print_result
from jobs.shell.process import Watchdog

if TYPE_CHECKING:
    from jobs.core.evidence import Checks
    from jobs.edges.cluster import Cluster

log = logging.getLogger("jobs")

_EPILOG = """\
exit status:
  0  Route 53 (or the node) shows what it should, or would after a dry run
  1  did not get there; trying again may help
  2  wrong usage or configuration; trying again will not help
  3  refused by --min-nodes, nothing withdrawn

Each option has an environment variable, in brackets; the option wins. Lists split on commas or white space.
AWS settings are boto3's own: AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL_ROUTE_53, ..."""


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
        raise ConfigurationError(f"{shortened(message, 200)}; see '{command} --help'")


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version  # noqa: PLC0415 - slow, and only this needs it

        print_result(f"kube-node-dns {version('kube-node-dns')}\n")
        parser.exit()


def main(argv: Sequence[str], environ: Mapping[str, str], watchdog: Watchdog) -> int:
    """Run one command and give its exit status; every failure is one line on standard error."""
    asked = " ".join(argv).replace("=", " ")  # known before anything is parsed: errors of the options are lines too
    json_lines = "--log-format json" in asked or environ.get("KUBE_NODE_DNS_LOG_FORMAT") == "json"
    log_to_stderr(json_lines=json_lines, verbose=False)
    try:
        arguments = vars(_parser().parse_args(argv))
        options, command = _COMMANDS[arguments["command"]]
        chosen = settings(options, arguments, environ)
        log_to_stderr(json_lines=chosen["log_format"] == "json", verbose=chosen["verbose"])
        for warning in misspelt(environ):
            log.warning("%s", warning)
        return command(chosen, watchdog)
    except Exception as error:  # noqa: BLE001 - see _failure
        failure = _failure(error)
        log.error("%s", failure)
        return failure.exit_status


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="kube-node-dns",
        description="Keep a domain in Route 53 equal to the public addresses of the Kubernetes nodes that can serve.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, words in _DESCRIPTIONS.items():
        command = commands.add_parser(
            name,
            help=words,
            description=words,
            epilog=_EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        for option in _COMMANDS[name][0]:
            _add(command, option)
    return parser


def _add(parser: argparse.ArgumentParser, option: Option) -> None:
    names = [*filter(None, [option.short]), option.name]
    variables = " or ".join(filter(None, [option.variable, option.also]))
    words = f"{option.help.replace('%', '%%')} [{variables}]"
    if option.flag:
        parser.add_argument(*names, action="store_true", help=words)
    else:
        action = "append" if option.many else "store"
        parser.add_argument(*names, action=action, metavar=option.metavar, help=words)


def _sync_once(chosen: Mapping[str, Any], watchdog: Watchdog) -> int:
    from jobs.core.progress import Outcomes, exit_status, given_up  # noqa: PLC0415 - each command imports only what it needs
    from jobs.sync_once import SyncRequest, sync_once  # noqa: PLC0415

    if not chosen["domain"]:
        raise ConfigurationError("no domain given; name at least one with --domain or KUBE_NODE_DNS_DOMAIN")
    seconds = chosen["timeout"] or (120 if chosen["wait"] else 45)
    request = SyncRequest(
        domains=chosen["domain"],
        node_label_selector=chosen["node_label_selector"],
        ttl=chosen["ttl"],
        min_nodes=chosen["min_nodes"],
        default_coordinates=chosen["default_coordinates"],
        checks=_checks(chosen),
        zone_id=chosen["zone_id"],
        dry_run=chosen["dry_run"],
        wait=chosen["wait"],
    )
    outcomes: Outcomes = {}
    ending = Ending()

    def tell(outcomes: Outcomes) -> int:
        status = exit_status(outcomes)
        for warning in dict.fromkeys(each for outcome in outcomes.values() for each in outcome.warnings):
            concerned = (domain for domain, outcome in outcomes.items() if warning in outcome.warnings)
            log.warning("%s: %s", ", ".join(concerned), warning)
        for domain, outcome in outcomes.items():
            if outcome.error or outcome.refusal:
                log.error("%s: %s", domain, outcome.error or f"refused: {outcome.refusal}")
        if chosen["output"] == "json":
            print_result(report.as_json(report.sync_document(outcomes, dry_run=request.dry_run, status=status)))
        else:
            print_result(report.sync_text(outcomes, dry_run=request.dry_run))
        return status

    def too_late() -> int:
        known = dict(outcomes)
        given_up(known, request.domains, Failure(f"not done within {seconds} s (--timeout)"))
        return tell(known)

    clock = Clock(seconds)
    watchdog.guard(clock, lambda: ending.when_late(too_late))
    try:
        from jobs.edges.route53 import Route53  # noqa: PLC0415

        cluster, dns = _cluster(chosen, clock), Route53(clock)
        _collect_garbage()
        sync_once(request, cluster, dns, clock, outcomes)
    except Exception as error:  # noqa: BLE001 - see _failure
        failure = _failure(error)
        if not given_up(outcomes, request.domains, failure):  # nobody is left to tell it
            log.error("%s", failure)
    return ending.of_job(lambda: tell(outcomes))


def _annotate_once(chosen: Mapping[str, Any], watchdog: Watchdog) -> int:
    if sys.platform != "linux":
        words = "it asks the kernel for the addresses of the node that it runs on"
        raise ConfigurationError(f"annotate-once runs on Linux only ({words}); this is {sys.platform}")
    from jobs.annotate_once import AnnotateResult, annotate_once  # noqa: PLC0415
    from jobs.edges.interfaces import boot_id, interface_addresses  # noqa: PLC0415

    node, dry_run = chosen["node_name"], chosen["dry_run"]
    if node is None and not dry_run:
        raise ConfigurationError("no node name given; name this node with --node-name or KUBE_NODE_NAME")
    seconds = chosen["timeout"] or 45
    clock = Clock(seconds)
    found = interface_addresses(chosen["interface"], chosen["exclude_interface"])
    ending = Ending()

    def tell(done: AnnotateResult, status: int = DONE) -> int:
        if chosen["output"] == "json":
            print_result(report.as_json(report.annotate_document(done, dry_run=dry_run, status=status)))
        else:
            print_result(report.annotate_text(done, dry_run=dry_run, status=status))
        return status

    def failed(error: Failure) -> int:
        log.error("%s", error)
        return tell(AnnotateResult(node, changed=False, found=found), error.exit_status)

    too_late = Failure(f"not done within {seconds} s (--timeout)")
    watchdog.guard(clock, lambda: ending.when_late(lambda: failed(too_late)))
    try:
        cluster = None if dry_run else _cluster(chosen, clock)
        _collect_garbage()
        done = annotate_once(node, found, boot_id(), cluster)
    except Exception as error:  # noqa: BLE001 - see _failure
        failure = _failure(error)
        return ending.of_job(lambda: failed(failure))
    return ending.of_job(lambda: tell(done))


def _collect_garbage() -> None:
    """Begin to, now that all is imported and stays.

    At the default threshold of 700 a quarter of what thousands of nodes cost would be looking through them for garbage.
    """
    gc.freeze()
    gc.set_threshold(20_000)
    gc.enable()


def _failure(error: Exception) -> Failure:
    """Make a defect of our own one line and a status too."""
    if isinstance(error, Failure):
        return error
    log.debug("this is where it came from", exc_info=error)
    return Failure(f"unexpected {type(error).__name__}: {error}; please report this, with the log of a run with -v")


def _watch(chosen: Mapping[str, Any], _: Watchdog) -> int:
    from jobs.edges.login import pod_namespace  # noqa: PLC0415 - each command imports only what it needs
    from jobs.watch import WatchRequest, watch  # noqa: PLC0415

    if not chosen["cronjob"]:
        raise ConfigurationError("no CronJob given; name at least one with --cronjob or KUBE_NODE_DNS_CRONJOB")
    namespace = chosen["namespace"] or pod_namespace()
    if not namespace:
        raise ConfigurationError(
            "no namespace given, and this is no pod; name one with --namespace or KUBE_NODE_DNS_NAMESPACE"
        )
    request = WatchRequest(
        cronjobs=chosen["cronjob"],
        namespace=namespace,
        node_label_selector=chosen["node_label_selector"],
        min_interval_seconds=chosen["min_interval"],
        checks=_checks(chosen),
    )
    clock = Clock(math.inf)
    cluster = _cluster(chosen, clock, attempts=1)  # the watcher's own loops try again
    _collect_garbage()
    watch(request, cluster, clock)


def _checks(chosen: Mapping[str, Any]) -> "Checks":
    from jobs.core.evidence import Checks  # noqa: PLC0415 - annotate-once judges no node

    return Checks(chosen["lease_timeout"], chosen["ready_service"], chosen["probe"])


def _cluster(chosen: Mapping[str, Any], clock: Clock, attempts: int = ATTEMPTS) -> "Cluster":
    from jobs.edges.api_server import ApiServer  # noqa: PLC0415 - a dry run of annotate-once needs none
    from jobs.edges.cluster import Cluster  # noqa: PLC0415

    return Cluster(ApiServer(clock, chosen["kubeconfig"], chosen["context"], attempts=attempts), clock)


_Command = Callable[[Mapping[str, Any], Watchdog], int]
_COMMANDS: Mapping[str, tuple[tuple[Option, ...], _Command]] = {
    "annotate-once": (ANNOTATE_ONCE, _annotate_once),
    "sync-once": (SYNC_ONCE, _sync_once),
    "watch": (WATCH, _watch),
}
_DESCRIPTIONS = {
    "annotate-once": "Write this node's public addresses to its annotations, once.",
    "sync-once": "Make Route 53 show the nodes that can serve now, once.",
    "watch": "Create a sync Job from a CronJob's template the moment DNS has to change.",
}
