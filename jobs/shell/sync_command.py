"""sync-once as a command: its options, and how they become a run."""

import logging
from collections.abc import Mapping

from jobs.core.errors import ConfigurationError
from jobs.core.min_nodes import MinNodes
from jobs.core.progress import Progress
from jobs.core.zones import parse_domain
from jobs.edges.clock import Clock
from jobs.publishing import Publisher
from jobs.shell import values
from jobs.shell.observer import Observer, checks, cluster, rules
from jobs.shell.options import Job, option
from jobs.shell.process import collect_garbage, print_result, run_job
from jobs.shell.report import as_json
from jobs.shell.sync_report import sync_document, sync_text
from jobs.sync_once import SyncRequest, sync_once

log = logging.getLogger("jobs")


class Settings(Job, Observer):
    """What sync-once takes."""

    domain: tuple[str, ...] = option(
        parse_domain, "domain to keep, repeatable, at least one; *.example.com too", "NAME", (), many=True
    )
    ttl: int = option(values.seconds(0, 2147483647), "time to live of the records (60)", "SECONDS", 60)
    min_nodes: MinNodes = option(
        MinNodes.parse, "with fewer nodes, withdraw nothing and exit 3 (1)", "N|N%", MinNodes(1)
    )
    routing: str = option(
        values.choice("auto", "simple", "geoproximity", "multivalue"),
        "routing policy; auto is geoproximity once every selected node has a place (auto)",
        "POLICY",
        "auto",
    )
    zone_id: str | None = option(values.zone_id, "use this hosted zone instead of looking for it", "ID")
    wait: bool = option(values.truth, "return when Route 53 reports INSYNC", default=False, flag=True)


def run(chosen: Settings, environ: Mapping[str, str]) -> int:
    """Do what was asked, report it and give the exit status.

    Raises ConfigurationError for options that do not go together.
    """
    if not chosen.domain:
        raise ConfigurationError("no domain given; name at least one with --domain or KUBE_NODE_DNS_DOMAIN")
    request = SyncRequest(
        domains=chosen.domain,
        node_label_selector=chosen.node_label_selector,
        ttl=chosen.ttl,
        min_nodes=chosen.min_nodes,
        routing=chosen.routing,
        rules=rules(chosen),
        checks=checks(chosen, environ),
        dry_run=chosen.dry_run,
    )
    clock = Clock(chosen.timeout or (120 if chosen.wait else 45))
    progress = Progress(request.domains)

    def job() -> None:
        kubernetes, publisher = cluster(chosen, clock), _publisher(chosen, clock)
        collect_garbage()
        sync_once(request, kubernetes, publisher, clock, progress)

    failure = run_job(job, clock)
    reached = progress.copy()
    if failure and not reached.give_up(failure):  # every domain has its own result
        log.error("%s", failure)
    _log_result(reached)
    if chosen.output == "json":
        print_result(as_json(sync_document(reached, dry_run=request.dry_run)))
    else:
        print_result(sync_text(reached, dry_run=request.dry_run))
    return reached.exit_status


def _publisher(chosen: Settings, clock: Clock) -> Publisher:
    """Log in to the place to publish to; raises ConfigurationError when nobody can log in."""
    from jobs.edges.route53 import Route53  # noqa: PLC0415 - help and wrong usage need none
    from jobs.hosted_zones import HostedZones  # noqa: PLC0415

    return HostedZones(Route53(clock), clock, chosen.zone_id, wait=chosen.wait)


def _log_result(progress: Progress) -> None:
    for warning in dict.fromkeys(each for domain in progress for each in domain.warnings):
        log.warning("%s: %s", ", ".join(domain.name for domain in progress if warning in domain.warnings), warning)
    for domain in progress:
        if domain.error or domain.refusal:
            log.error("%s: %s", domain.name, domain.error or f"refused: {domain.refusal}")
