"""watch as a command: its options, and how they become a run."""

import math
from collections.abc import Mapping

from jobs.core.errors import ConfigurationError
from jobs.edges.clock import Clock
from jobs.edges.login import pod_namespace
from jobs.shell import values
from jobs.shell.judging_options import JudgingOptions, api_server, cluster, evidence_settings, rules
from jobs.shell.options import option
from jobs.shell.process import collect_garbage, run_until_deadline
from jobs.watch import WatchRequest, watch


class Settings(JudgingOptions):
    """What watch takes."""

    cronjob: tuple[str, ...] = option(
        values.object_name, "CronJob whose template makes the sync Jobs, repeatable", "NAME", (), many=True
    )
    namespace: str | None = option(values.object_name, "where the CronJobs are (the pod's own namespace)", "NS")
    min_interval: int = option(
        values.seconds(1, 3600), "at most one Job in this time after the first (5)", "SECONDS", 5
    )


def run(chosen: Settings, environ: Mapping[str, str]) -> int:
    """Do what was asked, report it and give the exit status.

    Raises ConfigurationError for options that do not go together.
    """
    if not chosen.cronjob:
        raise ConfigurationError("no CronJob given; name at least one with --cronjob or KUBE_NODE_DNS_CRONJOB")
    namespace = chosen.namespace or pod_namespace()
    if not namespace:
        raise ConfigurationError(
            "no namespace given, and this is not a pod; name one with --namespace or KUBE_NODE_DNS_NAMESPACE"
        )
    request = WatchRequest(
        cronjobs=chosen.cronjob,
        namespace=namespace,
        node_label_selector=chosen.node_label_selector,
        min_interval_seconds=chosen.min_interval,
        rules=rules(chosen),
        evidence_settings=evidence_settings(chosen, environ),
    )
    clock = Clock(math.inf)

    def work() -> None:
        kubernetes = cluster(api_server(chosen, clock, attempts=1), clock)  # the watcher's own loops try again
        collect_garbage()
        watch(request, kubernetes, clock)

    failure = run_until_deadline(work, clock)
    assert failure is not None  # noqa: S101 - it does not return
    raise failure
