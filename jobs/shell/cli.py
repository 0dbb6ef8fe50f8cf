"""The command line: a shell around the jobs. Options, logging, output, exit status."""

import argparse
import gc
import logging
import math
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from jobs.core.errors import DONE, ConfigurationError
from jobs.core.text import shortened
from jobs.edges.clock import ATTEMPTS, Clock
from jobs.shell.options import (
    NODE_NAME,
    AnnotateSettings,
    Option,
    SyncSettings,
    WatchSettings,
    misspelt,
    options,
    settings,
)
from jobs.shell.process import as_failure, log_to_stderr, print_result, run
from jobs.shell.report import as_json

if TYPE_CHECKING:
    from jobs.core.evidence import Checks
    from jobs.core.node import Rules
    from jobs.core.progress import Progress
    from jobs.edges.cluster import Cluster
    from jobs.edges.node_annotations import NodeAnnotations

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


def main(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run one command and give its exit status; every failure is one line on standard error."""
    asked = " ".join(argv).replace("=", " ")  # known before anything is parsed: errors of the options are lines too
    json_lines = "--log-format json" in asked or environ.get("KUBE_NODE_DNS_LOG_FORMAT") == "json"
    log_to_stderr(json_lines=json_lines, verbose=False)
    try:
        arguments = vars(_parser(argv).parse_args(argv))
        command = _COMMANDS[arguments["command"]]
        chosen = settings(command.settings, arguments, environ)
        log_to_stderr(json_lines=chosen.log_format == "json", verbose=chosen.verbose)
        for warning in misspelt(environ):
            log.warning("%s", warning)
        return command.run(chosen, environ)
    except Exception as error:  # noqa: BLE001 - see as_failure
        failure = as_failure(error)
        log.error("%s", failure)
        return failure.exit_status


def _parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    parser = _Parser(
        prog="kube-node-dns",
        description="Keep a domain in Route 53 equal to the public addresses of the Kubernetes nodes that can serve.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, command in _COMMANDS.items():
        subparser = commands.add_parser(
            name,
            help=command.description,
            description=command.description,
            epilog=_EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        for option in options(command.settings) if name in argv else ():  # the others are not asked
            _add(subparser, option)
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


def _sync_once(chosen: SyncSettings, environ: Mapping[str, str]) -> int:
    from jobs.core.progress import Progress  # noqa: PLC0415 - each command imports only what it needs
    from jobs.shell.sync_report import sync_document, sync_text  # noqa: PLC0415
    from jobs.sync_once import SyncRequest, sync_once  # noqa: PLC0415

    if not chosen.domain:
        raise ConfigurationError("no domain given; name at least one with --domain or KUBE_NODE_DNS_DOMAIN")
    request = SyncRequest(
        domains=chosen.domain,
        node_label_selector=chosen.node_label_selector,
        ttl=chosen.ttl,
        min_nodes=chosen.min_nodes,
        routing=chosen.routing,
        rules=_rules(chosen),
        checks=_checks(chosen, environ),
        zone_id=chosen.zone_id,
        dry_run=chosen.dry_run,
        wait=chosen.wait,
    )
    clock = Clock(chosen.timeout or (120 if request.wait else 45))
    progress = Progress(request.domains)

    def job() -> None:
        from jobs.edges.route53 import Route53  # noqa: PLC0415

        cluster, dns = _cluster(chosen, clock), Route53(clock)
        _collect_garbage()
        sync_once(request, cluster, dns, clock, progress)

    failure = run(job, clock)
    reached = progress.copy()
    if failure and not reached.give_up(failure):  # every domain has its own result
        log.error("%s", failure)
    _log_result(reached)
    if chosen.output == "json":
        print_result(as_json(sync_document(reached, dry_run=request.dry_run)))
    else:
        print_result(sync_text(reached, dry_run=request.dry_run))
    return reached.exit_status


def _log_result(progress: "Progress") -> None:
    for warning in dict.fromkeys(each for domain in progress for each in domain.warnings):
        log.warning("%s: %s", ", ".join(domain.name for domain in progress if warning in domain.warnings), warning)
    for domain in progress:
        if domain.error or domain.refusal:
            log.error("%s: %s", domain.name, domain.error or f"refused: {domain.refusal}")


def _annotate_once(chosen: AnnotateSettings, _: Mapping[str, str]) -> int:
    if sys.platform != "linux":
        words = "it asks the kernel for the addresses of the node that it runs on"
        raise ConfigurationError(f"annotate-once runs on Linux only ({words}); this is {sys.platform}")
    from jobs.annotate_once import AnnotateResult, annotate_once  # noqa: PLC0415
    from jobs.edges.interfaces import boot_id, interface_addresses  # noqa: PLC0415
    from jobs.shell.annotate_report import annotate_document, annotate_text  # noqa: PLC0415

    node, dry_run = chosen.node_name, chosen.dry_run
    if node is None and not dry_run:
        raise ConfigurationError("no node name given; name this node with --node-name or KUBE_NODE_NAME")
    clock = Clock(chosen.timeout or 45)
    found = interface_addresses(chosen.interface, chosen.exclude_interface)
    results = [AnnotateResult(node, changed=False, found=found)]

    def job() -> None:
        annotations = None if dry_run or node is None else _annotations(node, chosen, clock)
        _collect_garbage()
        results.append(annotate_once(node, found, boot_id(), annotations))

    failure = run(job, clock)
    if failure:
        log.error("%s", failure)
    status = failure.exit_status if failure else DONE
    if chosen.output == "json":
        print_result(as_json(annotate_document(results[-1], dry_run=dry_run, status=status)))
    else:
        print_result(annotate_text(results[-1], dry_run=dry_run, status=status))
    return status


def _collect_garbage() -> None:
    """Begin to, now that all is imported and stays.

    At the default threshold of 700 a quarter of what thousands of nodes cost would be looking through them for garbage.
    """
    gc.freeze()
    gc.set_threshold(20_000)
    gc.enable()


def _watch(chosen: WatchSettings, environ: Mapping[str, str]) -> int:
    from jobs.edges.login import pod_namespace  # noqa: PLC0415 - each command imports only what it needs
    from jobs.watch import WatchRequest, watch  # noqa: PLC0415

    if not chosen.cronjob:
        raise ConfigurationError("no CronJob given; name at least one with --cronjob or KUBE_NODE_DNS_CRONJOB")
    namespace = chosen.namespace or pod_namespace()
    if not namespace:
        raise ConfigurationError(
            "no namespace given, and this is no pod; name one with --namespace or KUBE_NODE_DNS_NAMESPACE"
        )
    request = WatchRequest(
        cronjobs=chosen.cronjob,
        namespace=namespace,
        node_label_selector=chosen.node_label_selector,
        min_interval_seconds=chosen.min_interval,
        rules=_rules(chosen),
        checks=_checks(chosen, environ),
    )
    clock = Clock(math.inf)

    def job() -> None:
        cluster = _cluster(chosen, clock, attempts=1)  # the watcher's own loops try again
        _collect_garbage()
        watch(request, cluster, clock)

    failure = run(job, clock)
    assert failure is not None  # noqa: S101 - it does not return
    raise failure


def _rules(chosen: SyncSettings | WatchSettings) -> "Rules":
    from jobs.core.node import Rules  # noqa: PLC0415 - annotate-once judges no node
    from jobs.core.place import Places  # noqa: PLC0415

    return Rules(
        chosen.ip_family or (4, 6),
        chosen.exclude_address,
        chosen.exclude_taint,
        chosen.publish_cordoned,
        chosen.min_ready_seconds,
        Places(dict(chosen.place), chosen.default_coordinates),
    )


def _checks(chosen: SyncSettings | WatchSettings, environ: Mapping[str, str]) -> "Checks":
    from jobs.core.evidence import Checks  # noqa: PLC0415 - annotate-once judges no node

    return Checks(chosen.lease_timeout, chosen.ready_service, chosen.probe, environ.get(NODE_NAME) or None)


def _annotations(node: str, chosen: AnnotateSettings, clock: Clock) -> "NodeAnnotations":
    from jobs.edges.api_server import ApiServer  # noqa: PLC0415 - a dry run needs none
    from jobs.edges.node_annotations import NodeAnnotations  # noqa: PLC0415

    return NodeAnnotations(ApiServer(clock, chosen.kubeconfig, chosen.context), node)


def _cluster(chosen: SyncSettings | WatchSettings, clock: Clock, attempts: int = ATTEMPTS) -> "Cluster":
    from jobs.edges.api_server import ApiServer  # noqa: PLC0415 - help needs none
    from jobs.edges.cluster import Cluster  # noqa: PLC0415

    return Cluster(ApiServer(clock, chosen.kubeconfig, chosen.context, attempts=attempts), clock)


@dataclass(frozen=True)
class _Command:
    """One command: what it does, what it takes, and the function that runs it and gives its exit status."""

    description: str
    settings: type[Any]
    run: Callable[[Any, Mapping[str, str]], int]


_COMMANDS = {
    "annotate-once": _Command(
        "Write this node's public addresses to its annotations, once.", AnnotateSettings, _annotate_once
    ),
    "sync-once": _Command("Make Route 53 show the nodes that can serve now, once.", SyncSettings, _sync_once),
    "watch": _Command(
        "Create a sync Job from a CronJob's template the moment DNS has to change.", WatchSettings, _watch
    ),
}
