"""The watcher: a change of a node that matters becomes a sync Job at once, not at the CronJob's next minute."""

import logging
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from queue import Queue
from random import uniform
from typing import Any

from jobs.apiserver import AlreadyExists, BadRequest
from jobs.errors import FAILED, Failure
from jobs.kube import Cluster, CronJob, NodeEvent
from jobs.model import Address, Coordinates, Node, Published
from jobs.records import ANNOTATIONS, assess
from jobs.retry import Clock

log = logging.getLogger(__name__)

COMPLAINT_SECONDS = 60.0
LONGEST_PAUSE_SECONDS = 30.0
LONGEST_JOB_NAME = 63


@dataclass(frozen=True)
class WatchRequest:
    """What the watcher is asked to do."""

    cronjobs: tuple[str, ...]
    namespace: str
    node_label_selector: str = ""
    min_interval_seconds: int = 5


@dataclass(frozen=True)
class Change:
    """Something that a sync should look at: the version that shows it, and what it is, in words."""

    resource_version: str
    words: str


Standing = tuple[tuple[Address, ...], Coordinates | None] | None
"""What a node would bring into DNS: its addresses and place, None when it is skipped."""


def watch(request: WatchRequest, cluster: Cluster, clock: Clock) -> None:
    """Create a sync Job of each CronJob whenever a node changes in a way that matters; does not return.

    One thread a CronJob, so that one which cannot be used does not hold up the others.
    """
    threading.excepthook = _crash
    queues: list[Queue[Change]] = []
    for name in request.cronjobs:
        queues.append(Queue())
        threading.Thread(target=_create_jobs, args=(request, name, queues[-1], cluster, clock), daemon=True).start()
    for change in follow(request.node_label_selector, cluster, clock):
        log.info("changed: %s", change.words)
        for changes in queues:
            changes.put(change)


def follow(label_selector: str, cluster: Cluster, clock: Clock) -> Iterator[Change]:
    """List the nodes and follow them; after any gap in what was seen, begin anew and say so. Does not end.

    Raises BadRequest when the API server does not understand the label selector.
    """
    complain = _Complaints(clock)
    words = "the watcher has started"
    failures = 0
    while True:
        began = clock.now()
        try:
            nodes, version = cluster.nodes_at(label_selector)
            known = {node.name: standing(node) for node in nodes}
            yield Change(version, words)
            yield from _changes(label_selector, version, known, cluster, clock)
        except BadRequest:  # a selector that the server does not understand now, it never will
            raise
        except Failure as error:
            complain(f"the nodes cannot be followed: {error}")
        words = "the nodes were listed anew after a gap"
        failures = 0 if clock.now() - began > COMPLAINT_SECONDS else failures + 1
        clock.sleep(_pause(failures))


def _changes(
    label_selector: str, version: str, known: dict[str, Standing], cluster: Cluster, clock: Clock
) -> Iterator[Change]:
    """Follow the nodes through one stream after the other; one that the server ends in good order leaves no gap."""
    while True:
        began = clock.now()
        for event in cluster.node_events(label_selector, version):
            version = event.resource_version
            words = noted(known, event)
            if words:
                yield Change(version, words)
        if clock.now() - began < 1:  # a server that ends streams at once is not asked without pause
            clock.sleep(1)


def noted(known: dict[str, Standing], event: NodeEvent) -> str | None:
    """Keep what is known of a node current; say what changed, None when a sync would publish the same as before."""
    if event.node is None:
        return None
    name = event.node.name
    if event.type == "DELETED":
        return f"{name}: no longer among the selected nodes" if known.pop(name, known) is not known else None
    now = standing(event.node)
    if name in known and known[name] == now:
        return None
    known[name] = now
    verdict = assess(event.node, None)
    if isinstance(verdict, Published):
        return (
            f"{name}: publishable with {' '.join(map(str, verdict.addresses))} at {verdict.coordinates or 'no place'}"
        )
    return f"{name}: {verdict.reason}"


def standing(node: Node) -> Standing:
    """Reduce a node to what decides, by the same function that sync-once asks."""
    verdict = assess(node, None)
    return (verdict.addresses, verdict.coordinates) if isinstance(verdict, Published) else None


def _create_jobs(request: WatchRequest, name: str, changes: "Queue[Change]", cluster: Cluster, clock: Clock) -> None:
    """Create a Job for the first change at once, then one for all that came within the interval."""
    complain = _Complaints(clock)
    while True:
        change = changes.get()
        for failures in count():
            while not changes.empty():
                change = changes.get()
            try:
                _create_job(request.namespace, name, change, cluster)
                break
            except Failure as error:
                complain(f"no sync Job from CronJob {request.namespace}/{name} for {change.words}: {error}")
                clock.sleep(_pause(failures))
        clock.sleep(request.min_interval_seconds)


def _create_job(namespace: str, name: str, change: Change, cluster: Cluster) -> None:
    cronjob = cluster.cronjob(namespace, name)
    if cronjob.suspended:
        log.info("CronJob %s/%s is suspended: no Job for %s", namespace, name, change.words)
        return
    job = job_of(cronjob, change)
    job_name = job["metadata"]["name"]
    try:
        cluster.create_job(namespace, job)
    except AlreadyExists:  # the other replica saw the same change
        log.info("Job %s/%s is there already", namespace, job_name)
    else:
        log.info("Job %s/%s created: %s", namespace, job_name, change.words)


def job_of(cronjob: CronJob, change: Change) -> dict[str, Any]:
    """Make the Job that `kubectl create job --from=cronjob/NAME` would, named after the version that shows the change.

    So two replicas that see the same change make one Job. The owner reference does not block the owner's deletion:
    that would need the right to update the CronJob where the API server enforces it.
    """
    suffix = f"-{change.resource_version}"
    owner = {"apiVersion": "batch/v1", "kind": "CronJob", "name": cronjob.name, "uid": cronjob.uid, "controller": True}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": cronjob.name[: LONGEST_JOB_NAME - len(suffix)].rstrip("-.") + suffix,
            "labels": cronjob.labels,
            "annotations": {
                **cronjob.annotations,
                "cronjob.kubernetes.io/instantiate": "manual",
                ANNOTATIONS + "change": change.words,
            },
            "ownerReferences": [owner],
        },
        "spec": cronjob.job_spec,
    }


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


def _crash(arguments: threading.ExceptHookArgs) -> None:
    """End the process with its thread: a watcher that creates no Jobs must be restarted, not stay up."""
    log.error("unexpected %s: %s", arguments.exc_type.__name__, arguments.exc_value)
    os._exit(FAILED)
