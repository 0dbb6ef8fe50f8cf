"""Clusters and Route 53 accounts of every size, for programs to be run against."""

import base64
import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import msgspec

from tests.sandbox.account import create, delete, simple
from tests.sandbox.kubernetes import ADMIN_TOKEN, Kubernetes, node
from tests.sandbox.kubernetes_errors import Object
from tests.sandbox.record_sets import RecordSet
from tests.sandbox.route53 import Route53
from tests.sandbox.server import Server
from tests.sandbox.world import PREFIX, World
from tests.support.dnsendpoints import DEFINITION, endpoints
from tests.support.large_clusters import add_fat_node
from tests.support.pods import mounted, pod_variables, write_account
from tests.support.processes import environment_of
from tests.support.watching import cronjob

OURS, EXTERNAL_DNS, ORIGINAL = "kube-node-dns", "ExternalDNS", "the original"
ZONE = "example.com"
SELF = "annotated-0"
"""A node that no sync selects, for annotate-once."""
SELECTOR, LISTED = "serve-public=true", "listed=true"
"""The label of all other nodes, and of as many as Route 53 takes addresses in one record set."""
MOST_ADDRESSES = 250
FEW, MANY = 10, 5_000
"""Up to so many, record sets and zones are not worth a word; from so many nodes on it matters that each is large."""
PLACES = ("50.11,8.68", "40.71,-74.01", "1.35,103.82", "35.68,139.69", "-33.87,151.21", "51.51,-0.13", "19.08,72.88")
OF_ORIGINAL = "external-dns.alpha.kubernetes.io/"
"""Under this the original looks for addresses and coordinates, in the version that is public."""


@dataclass(frozen=True)
class Size:
    """How large a cluster and an account are."""

    nodes: int = 50
    record_sets: int = 10
    zones: int = 1
    domains: int = 1
    options: tuple[str, ...] = ()
    """What else our sync-once is told."""

    def __str__(self) -> str:
        """Say how large the cluster is, and what else is unusual."""
        counted = {"record sets in the zone": self.record_sets, "zones in the account": self.zones}
        unusual = [f"{count:,} {words}" for words, count in counted.items() if count > FEW]
        several = [f"{self.domains} domains"] if self.domains > 1 else []
        options = [f"`{' '.join(self.options[:2])}`"] if self.options else []
        nodes = f"{self.nodes:,} nodes" + (" of 50 images each" if self.nodes >= MANY else "")
        return ", ".join([nodes, *unusual, *several, *options])

    @property
    def domain_names(self) -> list[str]:
        """The domains that show the nodes."""
        return [f"cdn{number or ''}.{ZONE}" for number in range(self.domains)]

    @property
    def listed(self) -> int:
        """How many nodes' addresses a domain shows."""
        return min(self.nodes, MOST_ADDRESSES)


def name_of(number: int) -> str:
    """Name a node."""
    return f"node-{number:04}"


def address_of(number: int) -> str:
    """Give a node's public address."""
    return f"5.75.{number // 250}.{1 + number % 250}"


def document(number: int, size: Size) -> Object:
    """Build a node as each of the programs wants to find it."""
    address, place = address_of(number), PLACES[number % len(PLACES)]
    annotations = {
        **{f"{PREFIX}{name}": value for name, value in (("node-ips", address), ("boot-id", f"boot-{number}"))},
        **{f"{prefix}aws-geoproximity-coordinates": place for prefix in (PREFIX, OF_ORIGINAL)},
        f"{OF_ORIGINAL}target": address,
    }
    labels = dict(label.split("=") for label in (SELECTOR, LISTED)[: 1 + (number < size.listed)])
    built = node(name_of(number), annotations=annotations, labels=labels, boot_id=f"boot-{number}")
    inside = f"100.64.{number // 250}.{1 + number % 250}"
    known = {"Hostname": name_of(number), "InternalIP": inside, "ExternalIP": address}
    built["status"]["addresses"] = [{"type": kind, "address": value} for kind, value in known.items()]
    return built


class Account:
    """A program's own Route 53 account."""

    def __init__(self, size: Size) -> None:
        """Fill it with records of others; zones and names are on both sides of those that are looked for."""
        self.service = Route53(record_sets_per_zone=20_000)
        self.server = Server(self.service)
        for number in range(size.zones - 1):
            self.service.zone(f"{'df'[number % 2]}{number:04}.com")
        self.zone = self.service.zone(ZONE)
        names = [f"{'bd'[number % 2]}{number:05}.{ZONE}" for number in range(size.record_sets - 2)]  # it has SOA and NS
        for first in range(0, len(names), 1_000):
            self.service.put(self.zone, *(simple(name, "A", "192.0.2.1") for name in names[first : first + 1_000]))
        self._domains = size.domain_names
        self._kept = self._records()

    def shown(self) -> list[set[str]]:
        """Give the IPv4 addresses that each domain shows."""
        return [
            {record["Value"] for each in self.service.records(self.zone, domain) for record in _values(each)}
            for domain in self._domains
        ]

    def keep(self) -> None:
        """Remember the records as they are."""
        self._kept = self._records()

    def restore(self) -> None:
        """Bring the records back that were kept."""
        now = self._records()
        gone = [create(self._kept[key]) for key in self._kept.keys() - now.keys()]
        new = [delete(now[key]) for key in now.keys() - self._kept.keys()]
        for change in (*new, *gone):  # together they may be more than a batch takes
            self.service.change(self.zone, change)

    def _records(self) -> dict[bytes, RecordSet]:
        encoder = msgspec.json.Encoder(order="sorted")
        return {encoder.encode(each): each for each in self.service.records(self.zone)}


def _values(record_set: RecordSet) -> list[dict[str, str]]:
    values: list[dict[str, str]] = record_set["ResourceRecords"]
    return values if record_set["Type"] == "A" else []


@dataclass
class Scene:
    """A cluster, and an account for each program; both are served while the context lasts."""

    size: Size
    authority_pem: bytes = b""
    """What vouches for the nodes' web servers."""
    world: World = field(default_factory=World)
    accounts: dict[str, Account] = field(default_factory=dict)
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        """Add the nodes, and a CronJob for the watcher."""
        self._stack.enter_context(self.world)
        for number in range(self.size.nodes):
            add_fat_node(self.kubernetes, document(number, self.size))
        self.kubernetes.define(DEFINITION)
        (self.world.home / "authority.pem").write_bytes(self.authority_pem)
        self.world.node(SELF, labels={"serve-public": "false"})
        self.kubernetes.put(cronjob())
        return self

    def __exit__(self, *_: object) -> None:
        """Stop all servers."""
        self._stack.close()

    @property
    def kubernetes(self) -> Kubernetes:
        """The cluster's API."""
        return self.world.kubernetes

    def account(self, program: str) -> Account:
        """Give a program's account."""
        if program not in self.accounts:
            self.accounts[program] = Account(self.size)
            self._stack.enter_context(self.accounts[program].server)
        return self.accounts[program]

    def environment(self, program: str) -> dict[str, str]:
        """Give the environment that leads a program to both: ours as in a pod, others by a kubeconfig."""
        account = self.account(program)
        variables = account.service.environment(account.server.url)
        if program == OURS:
            variables |= pod_variables(self.world.cluster.port)
        if self.authority_pem:
            variables["SSL_CERT_FILE"] = str(self.world.home / "authority.pem")
        return environment_of(self.world, **variables)

    def shown(self, program: str) -> list[set[str]]:
        """Give the IPv4 addresses that each domain, or its DNSEndpoint, shows."""
        if "dnsendpoint" not in self.size.options:
            return self.account(program).shown()
        return [
            {target for each in endpoints(self.world, name) for target in each["targets"]}
            for name in self.size.domain_names
        ]

    def cordon(self, *, cordoned: bool) -> None:
        """Let one of the nodes in DNS be cordoned, or no longer."""
        self.kubernetes.edit("Node", name_of(0), lambda node: node["spec"].update(unschedulable=cordoned))

    def forget(self, program: str) -> None:
        """Forget the calls and batches so far."""
        account = self.account(program)
        for known in (self.world.cluster.calls, account.server.calls, account.service.history):
            known.clear()


def pod(scenes: Sequence[Scene], folder: Path) -> tuple[str, ...]:
    """Give the command that runs another one as in a pod of any of these clusters."""
    logins = [json.loads(scene.world.kubeconfig.read_text(encoding="utf-8")) for scene in scenes]
    authorities = [base64.b64decode(each["clusters"][0]["cluster"]["certificate-authority-data"]) for each in logins]
    return mounted(write_account(folder, b"".join(authorities), ADMIN_TOKEN))
