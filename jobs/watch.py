"""The watcher: what changes DNS becomes a sync Job at once, not at the CronJob's next minute."""

import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from queue import Queue
from random import uniform
from typing import NoReturn

from jobs import health
from jobs.core.errors import FAILED, Failure
from jobs.core.evidence import Checks, Signs
from jobs.core.job import job_of
from jobs.core.publication import Change, Outlook
from jobs.edges.api_server import AlreadyExists, BadRequest
from jobs.edges.clock import Clock
from jobs.edges.cluster import Cluster

log = logging.getLogger(__name__)

TICK_SECONDS, LONG_TICK_SECONDS, MANY_NODES = 5.0, 10.0, 500
COMPLAINT_SECONDS = 60.0
LONGEST_PAUSE_SECONDS = 30.0


@dataclass(frozen=True)
class WatchRequest:
    """What the watcher is asked to do."""

    cronjobs: tuple[str, ...]
    namespace: str
    node_label_selector: str = ""
    min_interval_seconds: int = 5
    checks: Checks = field(default=Checks())


News = Callable[[], None]
"""Something learnt, as a call that tells it to the outlook. The main thread makes these calls: no state is shared."""


def watch(request: WatchRequest, cluster: Cluster, clock: Clock) -> NoReturn:
    """Create a sync Job of each CronJob whenever a sync would publish something else; does not return.

    One thread follows the nodes, one looks at their health, and one a CronJob creates Jobs, so that one which cannot
    be used does not hold up the others. Raises BadRequest when the API server does not understand the label selector.
    """
    threading.excepthook = _crash
    outlook = Outlook(request.checks)
    news: Queue[News] = Queue()
    queues: list[Queue[Change]] = [Queue() for _ in request.cronjobs]
    for name, changes in zip(request.cronjobs, queues, strict=True):
        _in_background(_create_jobs, request, name, changes, cluster, clock)
    _in_background(_follow, request.node_label_selector, outlook, cluster, clock, news)
    is_looking = False
    while True:
        news.get()()
        while not news.empty():
            news.get()()
        warned = outlook.warnings
        change = outlook.change(cluster.time())
        if not is_looking:  # now there are nodes to look at
            _in_background(_look, request.checks, outlook, cluster, clock, news)
            is_looking = True
        for warning in outlook.warnings:
            if warning not in warned:
                log.warning("%s", warning)
        if change:
            log.info("changed: %s", change.words)
            for changes in queues:
                changes.put(change)


def _follow(label_selector: str, outlook: Outlook, cluster: Cluster, clock: Clock, news: "Queue[News]") -> None:
    """List the nodes and follow them; after any gap in what was seen, begin anew."""
    complain = _Complaints(clock)
    occasion = "the watcher has started"
    failures = 0
    while True:
        began = clock.now()
        try:
            listed = cluster.nodes(label_selector)
            news.put(partial(outlook.begin, listed, occasion))
            _follow_from(listed.resource_version, label_selector, outlook, cluster, clock, news)
        except BadRequest as error:  # a selector that the server does not understand now, it never will
            news.put(partial(_fail, error))
            return
        except Failure as error:
            complain(f"the nodes cannot be followed: {error}")
        occasion = "the nodes were listed anew after a gap"
        failures = 0 if clock.now() - began > COMPLAINT_SECONDS else failures + 1
        clock.sleep(_pause(failures))


def _follow_from(
    version: str, label_selector: str, outlook: Outlook, cluster: Cluster, clock: Clock, news: "Queue[News]"
) -> None:
    """Follow the nodes through one stream after the other; one that the server ends in good order leaves no gap."""
    while True:
        began = clock.now()
        for event in cluster.node_events(label_selector, version):
            version = event.resource_version
            if event.node and event.type == "DELETED":
                news.put(partial(outlook.gone, event.node.name, version))
            elif event.node:
                news.put(partial(outlook.node, event.node, version))
        if clock.now() - began < 1:  # a server that ends streams at once is not asked without pause
            clock.sleep(1)


def _look(checks: Checks, outlook: Outlook, cluster: Cluster, clock: Clock, news: "Queue[News]") -> None:
    """Look at the nodes' health every few seconds; nothing is concluded from a look that failed.

    An outage of the API server makes every Lease old. Until each kubelet has had time to renew its own, only those
    count that were old before.
    """
    complain = _Complaints(clock)
    signs = Signs()
    leases_count_from = clock.now()
    while True:
        began = clock.now()
        listed = replace(outlook.listed, listed_at=cluster.time())
        try:
            seen = health.look(checks, listed, cluster)
            unsure = clock.now() < leases_count_from
            signs = _old_before(signs, seen, checks.lease_timeout_seconds) if unsure else seen
            news.put(partial(outlook.see, signs))
        except Failure as error:
            complain(f"the nodes' health cannot be seen: {error}")
            leases_count_from = clock.now() + checks.lease_timeout_seconds
        tick_seconds = LONG_TICK_SECONDS if len(listed.nodes) > MANY_NODES else TICK_SECONDS
        clock.sleep(max(1.0, began + tick_seconds - clock.now()))


def _old_before(before: Signs, now: Signs, limit_seconds: int) -> Signs:
    """Leave out the Leases that are old now and were not before."""
    was_old = {node for node, age in before.lease_ages.items() if age >= limit_seconds}
    ages = {node: age for node, age in now.lease_ages.items() if age < limit_seconds or node in was_old}
    return replace(now, lease_ages=ages)


def _create_jobs(request: WatchRequest, name: str, changes: "Queue[Change]", cluster: Cluster, clock: Clock) -> None:
    """Create a Job for the first change at once, then one for all that came within the interval."""
    complain = _Complaints(clock)
    interval = timedelta(seconds=request.min_interval_seconds)
    earliest: datetime | None = None  # so that a Job named after its time never has the name of the one before
    while True:
        change = changes.get()
        for failures in count():
            while not changes.empty():
                change = changes.get()
            if earliest and change.seen_at < earliest:
                change = replace(change, seen_at=earliest)
            try:
                _create_job(request, name, change, cluster)
                break
            except Failure as error:
                complain(f"no sync Job from CronJob {request.namespace}/{name} (due: {change.words}): {error}")
                clock.sleep(_pause(failures))
        earliest = change.seen_at + interval
        clock.sleep(request.min_interval_seconds)


def _create_job(request: WatchRequest, name: str, change: Change, cluster: Cluster) -> None:
    namespace = request.namespace
    cronjob = cluster.cronjob(namespace, name)
    if cronjob.suspended:
        log.info("CronJob %s/%s is suspended: no Job for %s", namespace, name, change.words)
        return
    job = job_of(cronjob, change, request.min_interval_seconds)
    job_name = job["metadata"]["name"]
    try:
        cluster.create_job(namespace, job)
    except AlreadyExists:  # the other replica saw the same change
        log.info("Job %s/%s is there already", namespace, job_name)
    else:
        log.info("Job %s/%s created: %s", namespace, job_name, change.words)


class _Complaints:
    """Logs errors, one a minute at the most."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._silent_until = clock.now()

    def __call__(self, words: str) -> None:
        if self._clock.now() >= self._silent_until:
            log.error("%s", words)
            self._silent_until = self._clock.now() + COMPLAINT_SECONDS


def _pause(failures: int) -> float:
    """Seconds to wait after so many failures in a row: exponential, with full jitter."""
    return uniform(0, min(LONGEST_PAUSE_SECONDS, 0.2 * 2 ** min(failures, 10)))  # noqa: S311 - no secret


def _in_background(function: Callable[..., None], *arguments: object) -> None:
    threading.Thread(target=function, args=arguments, daemon=True).start()


def _fail(error: Failure) -> NoReturn:
    raise error


def _crash(arguments: threading.ExceptHookArgs) -> None:
    """End the process with its thread: a watcher that creates no Jobs must be restarted, not stay up."""
    log.debug("this is where it came from", exc_info=arguments.exc_value)
    log.error("unexpected %s: %s", arguments.exc_type.__name__, arguments.exc_value)
    os._exit(FAILED)
