"""sync-once as a command: its options, and how they become a run."""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from jobs.core.decision import SyncRequest
from jobs.core.errors import ConfigurationError
from jobs.core.health_checks import Checking, parse_probe
from jobs.core.min_nodes import MinNodes
from jobs.core.probe import Probe
from jobs.core.progress import Progress
from jobs.core.records import MAX_ADDRESSES, MAX_DNSENDPOINT_ADDRESSES
from jobs.core.zones import parse_domain
from jobs.edges.clock import Clock
from jobs.edges.login import pod_namespace
from jobs.publishers.publisher import Publisher
from jobs.shell import values
from jobs.shell.judging_options import JudgingOptions, api_server, cluster, evidence_settings, rules
from jobs.shell.options import RunOptions, option, options
from jobs.shell.process import collect_garbage, print_result, run_until_deadline
from jobs.shell.report import as_json
from jobs.shell.sync_report import sync_document, sync_text
from jobs.sync_once import sync_once

if TYPE_CHECKING:
    from jobs.edges.api_server import ApiServer
    from jobs.edges.route53 import Route53
    from jobs.publishers.health_check_keeper import Keeper

log = logging.getLogger("jobs")

ROUTE53_ONLY = {"zone_id", "health_check", "health_check_interval", "wait"}
"""The options that make no sense with a DNSEndpoint."""


class Settings(RunOptions, JudgingOptions):
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
    publish_to: str = option(
        values.choice("route53", "dnsendpoint"),
        "Route 53, or ExternalDNS' custom resource: any DNS provider (route53)",
        "route53|dnsendpoint",
        "route53",
    )
    dnsendpoint_namespace: str | None = option(
        values.object_name, "where the DNSEndpoints are (the pod's own namespace)", "NS"
    )
    zone_id: str | None = option(values.zone_id, "use this hosted zone instead of looking for it", "ID")
    health_check: Probe | str | None = option(
        parse_probe,
        "let Route 53 check addresses by a TCP port or a URL and leave dead places out of its answers; none takes the "
        "checks off and deletes them (not set)",
        "tcp:PORT|URL|none",
    )
    health_check_interval: str | None = option(
        values.choice("30", "10"), "how often each of Route 53's checkers asks, in seconds (30)", "30|10"
    )
    wait: bool = option(
        values.truth,
        "return when Route 53 reports INSYNC; then --timeout is 120 by default",
        default=False,
        flag=True,
    )


def run(chosen: Settings, environ: Mapping[str, str]) -> int:
    """Do what was asked, report it and give the exit status.

    Raises ConfigurationError for options that do not go together.
    """
    if not chosen.domain:
        raise ConfigurationError("no domain given; name at least one with --domain or KUBE_NODE_DNS_DOMAIN")
    namespace = _dnsendpoint_namespace(chosen) if chosen.publish_to == "dnsendpoint" else None
    request = _request(chosen, environ, to_dnsendpoint=namespace is not None)
    clock = Clock(chosen.timeout or (120 if chosen.wait else 45))
    progress = Progress(request.domains)

    def work() -> None:
        server = api_server(chosen, clock)
        if namespace:
            publisher, keeper = _dnsendpoints(server, namespace), None
        else:
            dns = _route53(clock)
            publisher, keeper = _hosted_zones(chosen, dns, clock), _keeper(chosen, dns, clock, progress)
        kubernetes = cluster(server, clock)
        collect_garbage(every=200_000)  # 5,000 nodes are fewer, and a run soon ends
        sync_once(request, kubernetes, publisher, clock, progress, keeper)

    failure = run_until_deadline(work, clock)
    reached = progress.copy()
    if failure and not reached.give_up(failure):  # every domain has its own result
        log.error("%s", failure)
    _log_result(reached)
    if chosen.output == "json":
        print_result(as_json(sync_document(reached, dry_run=request.dry_run)))
    else:
        print_result(sync_text(reached, dry_run=request.dry_run))
    return reached.exit_status


def _request(chosen: Settings, environ: Mapping[str, str], *, to_dnsendpoint: bool) -> SyncRequest:
    return SyncRequest(
        domains=chosen.domain,
        node_label_selector=chosen.node_label_selector,
        ttl=chosen.ttl,
        min_nodes=chosen.min_nodes,
        routing="simple" if to_dnsendpoint and chosen.routing == "auto" else chosen.routing,
        max_addresses=MAX_DNSENDPOINT_ADDRESSES if to_dnsendpoint else MAX_ADDRESSES,
        rules=rules(chosen),
        evidence_settings=evidence_settings(chosen, environ),
        dry_run=chosen.dry_run,
    )


def _dnsendpoint_namespace(chosen: Settings) -> str:
    """Give the namespace of the DNSEndpoints; raises ConfigurationError for what does not go together with them."""
    for each in options(Settings):
        if each.key in ROUTE53_ONLY and getattr(chosen, each.key) != each.default:
            raise ConfigurationError(f"{each.name} is for Route 53: leave it out with --publish-to dnsendpoint")
    if chosen.ttl == 0:
        raise ConfigurationError("--ttl 0 with --publish-to dnsendpoint: ExternalDNS makes it 300; give at least 1")
    from jobs.publishers.dnsendpoints import refuse_shared_names  # noqa: PLC0415 - each run needs one publisher

    refuse_shared_names(chosen.domain)
    namespace = chosen.dnsendpoint_namespace or pod_namespace()
    if not namespace:
        raise ConfigurationError(
            "no namespace for the DNSEndpoints given, and this is not a pod; "
            "name one with --dnsendpoint-namespace or KUBE_NODE_DNS_DNSENDPOINT_NAMESPACE"
        )
    return namespace


def _dnsendpoints(server: "ApiServer", namespace: str) -> Publisher:
    from jobs.edges.dnsendpoint import DnsEndpointApi  # noqa: PLC0415
    from jobs.publishers.dnsendpoints import DnsEndpoints  # noqa: PLC0415 - each run needs one of both

    return DnsEndpoints(DnsEndpointApi(server, namespace))


def _route53(clock: Clock) -> "Route53":
    """Log in to Route 53; raises ConfigurationError when nobody can."""
    from jobs.edges.route53 import Route53  # noqa: PLC0415 - each run needs one of both

    return Route53(clock)


def _hosted_zones(chosen: Settings, dns: "Route53", clock: Clock) -> Publisher:
    from jobs.publishers.hosted_zones import HostedZones  # noqa: PLC0415 - each run needs one of both

    return HostedZones(dns, clock, chosen.zone_id, wait=chosen.wait)


def _keeper(chosen: Settings, dns: "Route53", clock: Clock, progress: Progress) -> "Keeper | None":
    if chosen.health_check is None:
        return None
    from jobs.edges.health_checks import HealthChecks  # noqa: PLC0415 - few runs need it
    from jobs.publishers.health_check_keeper import Keeper  # noqa: PLC0415

    probe = chosen.health_check if isinstance(chosen.health_check, Probe) else None
    checking = Checking(probe, int(chosen.health_check_interval or 30))
    return Keeper(checking, HealthChecks(dns), clock, progress, dry_run=chosen.dry_run)


def _log_result(progress: Progress) -> None:
    for warning in dict.fromkeys(each for domain in progress for each in domain.warnings):
        log.warning("%s: %s", ", ".join(domain.name for domain in progress if warning in domain.warnings), warning)
    for domain in progress:
        if domain.error or domain.refusal:
            log.error("%s: %s", domain.name, domain.error or f"refused: {domain.refusal}")
        if domain.checks_error:
            log.error("%s: health checks: %s", domain.name, domain.checks_error)
