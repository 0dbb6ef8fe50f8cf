"""A cluster and a Route 53 account on loopback, with this program's own clients of both in this process."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from jobs.core.decision import SyncRequest
from jobs.core.explain import title
from jobs.core.progress import Progress
from jobs.core.text import one_line
from jobs.edges.api_server import ApiServer
from jobs.edges.cluster import Cluster
from jobs.edges.route53 import Route53 as Client
from jobs.publishers.hosted_zones import HostedZones
from jobs.shell.report import as_json
from jobs.shell.sync_report import sync_document, sync_text
from jobs.sync_once import sync_once
from tests.sandbox.kubernetes import Kubernetes
from tests.sandbox.route53 import Route53
from tests.sandbox.world import World
from tests.support.strategies import THEIR_CHECK
from tests.support.virtual_clock import VirtualClock

Raw = dict[str, Any]
RUN_SECONDS = 11.5  # enough for a write; a run that gets nowhere asks less often in vain


class Site:
    """What sync-once meets, for many runs of it in one process; the environment must lead to the world already."""

    def __init__(self, world: World) -> None:
        """Log in to both."""
        self.world = world
        self.clock = VirtualClock(RUN_SECONDS)
        self.server = ApiServer(self.clock, str(world.kubeconfig))
        self.cluster = Cluster(self.server, self.clock)
        self.dns = Client(self.clock)

    def renew(self) -> None:
        """Take an empty cluster and an empty account."""
        self.world.kubernetes = Kubernetes()
        self.world.route53 = Route53()
        self.world.route53.health_checks.put(THEIR_CHECK, "theirs", {"Type": "CLOUDWATCH_METRIC"})
        self.world.cluster.service, self.world.dns.service = self.world.kubernetes, self.world.route53
        self.world.cluster.calls.clear()
        self.world.dns.calls.clear()
        self.clock.restart()

    def run(self, request: SyncRequest, zone_id: str | None = None, *, wait: bool = False) -> Progress:
        """Run sync-once, and hold its result to its form."""
        self.clock.restart()
        progress = Progress(request.domains)
        sync_once(request, self.cluster, HostedZones(self.dns, self.clock, zone_id, wait=wait), self.clock, progress)
        check_result(progress, dry_run=request.dry_run)
        return progress

    def contents(self, zone_id: str) -> list[Raw]:
        """Give all of a zone."""
        return list(self.world.route53.records(zone_id))

    def run_as_announced(self, request: SyncRequest) -> Progress:
        """Run sync-once dry, then in earnest: it must do what the dry run said, and report it."""
        account = self.world.route53
        account.history.clear()
        said = self.run(replace(request, dry_run=True))
        assert account.history == []
        done = self.run(request)
        written = [change for batch in account.history for change in _without_preconditions(batch.changes)]
        assert _counted(written) == _counted(_changes(done)) == _counted(_changes(said))
        assert done.exit_status == said.exit_status
        return done


def check_result(progress: Progress, *, dry_run: bool) -> None:
    """Hold the result to its form: settled, JSON that parses, text without a control character, a reason a line."""
    document = sync_document(progress, dry_run=dry_run)
    assert json.loads(as_json(document)) == document
    text = sync_text(progress, dry_run=dry_run)
    assert all(map(str.isprintable, text.split("\n"))), text
    for domain in progress:
        assert domain.done
        assert all(title(change).isprintable() for change in domain.difference.changes)
        assert all(one_line(words) in text for words in (*domain.warnings, str(domain.error or "")))
        for verdict in domain.verdicts:
            reasons = [each.reason for each in verdict.withheld] + [getattr(verdict, "reason", "published")]
            assert all(reason and reason.isprintable() for reason in reasons)


def _changes(progress: Progress) -> list[Raw]:
    document = sync_document(progress, dry_run=False)
    return [
        {"Action": each["action"], "ResourceRecordSet": each["record_set"]}
        for domain in document["domains"]
        for each in domain["changes"]
    ]


def _without_preconditions(batch: Iterable[Raw]) -> list[Raw]:
    """Leave out what a batch only restates."""
    batch = list(batch)
    sides = Counter(_written(each["ResourceRecordSet"]) for each in batch)
    return [each for each in batch if sides[_written(each["ResourceRecordSet"])] == 1]


def _counted(changes: Iterable[Raw]) -> Counter[str]:
    return Counter(map(_written, changes))


def _written(value: Mapping[str, Any]) -> str:
    return json.dumps(value, sort_keys=True)
