"""sync-once as a command: its options, and how they become a run."""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from jobs.core.errors import ConfigurationError
from jobs.core.health_checks import Checking, parse_probe
from jobs.core.min_nodes import MinNodes
from jobs.core.probe import Probe
from jobs.core.progress import Progress
from jobs.core.zones import parse_domain
from jobs.edges.clock import Clock
from jobs.health_checks import Keeper
from jobs.shell import values
from jobs.shell.observer import Observer, checks, cluster, rules
from jobs.shell.options import Job, option
from jobs.shell.process import collect_garbage, print_result, run_job
from jobs.shell.report import as_json
from jobs.shell.sync_report import sync_document, sync_text
from jobs.sync_once import SyncRequest, sync_once

if TYPE_CHECKING:
    from jobs.edges.route53 import Route53

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
    health_check: Probe | str | None = option(
        parse_probe,
        "let Route 53 check addresses by a TCP port or a URL and leave dead places out of its answers; none takes the "
        "checks off and deletes them (not set)",
        "tcp:PORT|URL|none",
    )
    health_check_interval: str = option(
        values.choice("30", "10"), "how often each of Route 53's checkers asks, in seconds (30)", "30|10", "30"
    )
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
        zone_id=chosen.zone_id,
        dry_run=chosen.dry_run,
        wait=chosen.wait,
    )
    clock = Clock(chosen.timeout or (120 if request.wait else 45))
    progress = Progress(request.domains)

    def job() -> None:
        from jobs.edges.route53 import Route53  # noqa: PLC0415

        kubernetes, dns = cluster(chosen, clock), Route53(clock)
        checks = _keeper(chosen, dns, clock, progress) if chosen.health_check else None
        collect_garbage()
        sync_once(request, kubernetes, dns, clock, progress, checks)

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


def _keeper(chosen: Settings, dns: "Route53", clock: Clock, progress: Progress) -> Keeper:
    from jobs.edges.health_checks import HealthChecks  # noqa: PLC0415 - few runs need it

    probe = chosen.health_check if isinstance(chosen.health_check, Probe) else None
    checking = Checking(probe, int(chosen.health_check_interval))
    return Keeper(checking, HealthChecks(dns), clock, progress, dry_run=chosen.dry_run)


def _log_result(progress: Progress) -> None:
    for warning in dict.fromkeys(each for domain in progress for each in domain.warnings):
        log.warning("%s: %s", ", ".join(domain.name for domain in progress if warning in domain.warnings), warning)
    for domain in progress:
        if domain.error or domain.refusal:
            log.error("%s: %s", domain.name, domain.error or f"refused: {domain.refusal}")
        if domain.checks_error:
            log.error("%s: health checks: %s", domain.name, domain.checks_error)
