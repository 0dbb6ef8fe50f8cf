"""watch: what changes DNS becomes a sync Job at once, not at the CronJob's next minute."""

import logging
import math
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from queue import Queue
from random import uniform
from typing import NoReturn

from msgspec import Struct
from msgspec.structs import replace

from jobs import observe
from jobs.core.errors import Failure
from jobs.core.job_manifest import job_of
from jobs.core.node import Rules
from jobs.core.signs import EvidenceSettings, Signs
from jobs.core.sync_trigger import ChangeDetector, Trigger
from jobs.edges.api_server import AlreadyExists, BadRequest
from jobs.edges.clock import Clock, retrying
from jobs.edges.cluster import Cluster

log = logging.getLogger(__name__)

TICK_SECONDS, LONG_TICK_SECONDS, MANY_NODES = 5.0, 10.0, 500
COMPLAINT_SECONDS = 60.0
LASTED_SECONDS = 10.0  # a stream that ends after that is continued at once
GAP_SECONDS = 60.0  # a gap in what was seen is a trigger of its own at most this often
LONGEST_PAUSE_SECONDS = 30.0


class WatchRequest(Struct, frozen=True):
    """What the watcher is asked to do."""

    cronjobs: tuple[str, ...]
    namespace: str
    node_label_selector: str
    min_interval_seconds: int
    rules: Rules
    evidence_settings: EvidenceSettings


def watch(request: WatchRequest, cluster: Cluster, clock: Clock) -> NoReturn:
    """Create a sync Job of each CronJob whenever a sync would publish something else; does not return.

    Raises BadRequest when the API server does not understand the label selector, and what any of its threads did.
    """
    Watcher(request, cluster, clock).run()


Update = Callable[[], None]
"""Something learnt, as a call that passes it to the detector."""


class Watcher:
    """The threads of a watcher: one follows the nodes, one looks at their health, one per CronJob creates Jobs.

    So a CronJob that cannot be used does not hold up the others. What the first two learn reaches the detector
    through a queue, in the thread of `run`: no state is shared.
    """

    def __init__(self, request: WatchRequest, cluster: Cluster, clock: Clock) -> None:
        """Know nothing of the nodes yet."""
        self._request = request
        self._cluster = cluster
        self._clock = clock
        self._detector = ChangeDetector(request.evidence_settings, request.rules)
        self._updates: Queue[Update] = Queue()
        self._triggers: dict[str, Queue[Trigger]] = {name: Queue() for name in request.cronjobs}

    def run(self) -> NoReturn:
        """Start the threads, and pass on what they learn."""
        for name in self._triggers:
            self._in_background(partial(self._create_jobs, name))
        self._in_background(self._follow_nodes)
        self._wait_for_updates()
        self._decide()
        self._in_background(self._look_at_health)  # now there are nodes to look at
        while True:
            self._wait_for_updates()
            self._decide()

    def _in_background(self, function: Callable[[], None]) -> None:
        """Run a function in a thread that ends the watcher when it crashes.

        A watcher that creates no Jobs must be restarted, not stay up.
        """

        def work() -> None:
            try:
                function()
            except BaseException as error:  # noqa: BLE001 - raised again, by the thread of `run`
                self._updates.put(partial(_fail, error))

        threading.Thread(target=work, daemon=True).start()

    def _wait_for_updates(self) -> None:
        self._updates.get()()
        while not self._updates.empty():
            self._updates.get()()

    def _decide(self) -> None:
        """Have Jobs created when a sync would publish something else than at the last decision."""
        warned = self._detector.warnings
        trigger = self._detector.trigger(self._cluster.time())
        for warning in self._detector.warnings:
            if warning not in warned:
                log.warning("%s", warning)
        if trigger:
            log.info("changed: %s", trigger.words)
            for triggers in self._triggers.values():
                triggers.put(trigger)

    def _follow_nodes(self) -> None:
        """List the nodes and follow them; after any gap in what was seen, begin again."""
        complaints = _Complaints(self._clock)
        words: str | None = "the watcher has started"
        failures, quiet_until = 0, -math.inf
        while True:
            began = self._clock.now()
            try:
                listed = self._cluster.nodes(self._request.node_label_selector)
                self._updates.put(partial(self._detector.begin, listed, words))
                words = None
                self._follow_from(listed.resource_version)
            except BadRequest as error:  # a selector that the server does not understand now, it never will
                self._updates.put(partial(_fail, error))
                return
            except Failure as error:
                complaints.log(f"the nodes cannot be followed: {error}")
            if words is None and self._clock.now() >= quiet_until:  # streams that never last would be a Job each
                words, quiet_until = "the nodes were listed again after a gap", self._clock.now() + GAP_SECONDS
            failures = 0 if self._clock.now() - began > LASTED_SECONDS else failures + 1
            self._clock.sleep(_pause(failures))

    def _follow_from(self, version: str) -> None:
        """Follow the nodes through one stream after the other; one that the server ends in good order leaves no gap."""
        while True:
            began = self._clock.now()
            for event in self._cluster.node_events(self._request.node_label_selector, version):
                version = event.resource_version
                if event.node and event.type == "DELETED":
                    self._updates.put(partial(self._detector.gone, event.node.name, version))
                elif event.node:
                    self._updates.put(partial(self._detector.node, event.node, version))
            if self._clock.now() - began < 1:  # a server that ends streams at once is not asked without pause
                self._clock.sleep(1)

    def _look_at_health(self) -> None:
        """Look at the nodes' health every few seconds; nothing is concluded from a look that failed.

        After an outage of the API server only Leases count that were old before, until each kubelet has had time to
        renew its own.
        """
        settings = self._request.evidence_settings
        complaints = _Complaints(self._clock)
        signs = Signs()
        leases_count_from = self._clock.now()
        while True:
            began = self._clock.now()
            listed = replace(self._detector.listed, listed_at=self._cluster.time())
            tick_seconds = LONG_TICK_SECONDS if len(listed.nodes) > MANY_NODES else TICK_SECONDS
            try:
                seen = observe.look_for_signs(settings, self._request.rules, listed, self._cluster)
                is_unsure = self._clock.now() < leases_count_from
                signs = seen.after_outage(signs, settings.lease_timeout_seconds) if is_unsure else seen
                self._updates.put(partial(self._detector.see, signs, listed, is_sure=not is_unsure))
            except Failure as error:
                complaints.log(f"the nodes' health cannot be seen: {error}")
                self._updates.put(self._detector.fail_to_see)
                leases_count_from = self._clock.now() + settings.lease_timeout_seconds
            self._clock.sleep(max(1.0, began + tick_seconds - self._clock.now()))

    def _create_jobs(self, name: str) -> None:
        """Create a Job for the first trigger at once, then one for all that came within the interval."""
        triggers = self._triggers[name]
        complaints = _Complaints(self._clock)
        interval = timedelta(seconds=self._request.min_interval_seconds)
        earliest: datetime | None = None  # so that a Job named after its time never has the name of the one before
        while True:
            trigger = triggers.get()
            for attempt in retrying(
                self._clock,
                f"no sync Job from CronJob {self._request.namespace}/{name}",
                on=Failure,
                attempts=math.inf,
                longest_pause_seconds=LONGEST_PAUSE_SECONDS,
                report=complaints.log,
            ):
                while not triggers.empty():
                    trigger = triggers.get()
                if earliest and trigger.seen_at < earliest:
                    trigger = replace(trigger, seen_at=earliest)
                with attempt:
                    self._create_job(name, trigger)
            earliest = trigger.seen_at + interval
            self._clock.sleep(self._request.min_interval_seconds)

    def _create_job(self, name: str, trigger: Trigger) -> None:
        namespace = self._request.namespace
        cronjob = self._cluster.cronjob(namespace, name)
        if cronjob.suspended:
            log.info("CronJob %s/%s is suspended: no Job for %s", namespace, name, trigger.words)
            return
        job = job_of(cronjob, trigger, self._request.min_interval_seconds)
        job_name = job["metadata"]["name"]
        try:
            self._cluster.create_job(namespace, job)
        except AlreadyExists:  # the other replica saw the same change
            log.info("Job %s/%s is there already", namespace, job_name)
        else:
            log.info("Job %s/%s created: %s", namespace, job_name, trigger.words)


class _Complaints:
    """Logs errors, at most one per minute."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._silent_until = clock.now()

    def log(self, words: str) -> None:
        """Log an error, unless there was one just now."""
        if self._clock.now() >= self._silent_until:
            log.error("%s", words)
            self._silent_until = self._clock.now() + COMPLAINT_SECONDS


def _pause(failures: int) -> float:
    """Seconds to wait after so many failures in a row: exponential, with full jitter."""
    return uniform(0, min(LONGEST_PAUSE_SECONDS, 0.2 * 2 ** min(failures, 10)))  # noqa: S311 - no secret


def _fail(error: BaseException) -> NoReturn:
    raise error
