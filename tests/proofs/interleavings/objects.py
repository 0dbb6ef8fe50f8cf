"""A domain in a DNSEndpoint: each write replaces all of it, if it names the version that is there."""

from collections.abc import Sequence

from jobs.core.errors import Failure, LostRace
from jobs.core.route53_form import api_form, from_api
from jobs.edges.dnsendpoint import DnsEndpoint, Raw, endpoint, record_set
from tests.proofs.interleavings.runs import Answer, Call, Edge, Run
from tests.proofs.interleavings.store import Dns, Store, create, delete


class Objects:
    """The API of DNSEndpoints as one run meets it: it asks an edge, which tells it what it was told before."""

    namespace = "dns"

    def __init__(self, edge: Edge) -> None:
        """Take the edge."""
        self._edge = edge

    def read(self, name: str) -> DnsEndpoint | None:
        """Read the object."""
        found: DnsEndpoint | None = self._edge.ask(Call("records", name=name))
        return found

    def create(self, name: str, endpoints: Sequence[Raw]) -> str:
        """Create it."""
        return self.change(name, "", endpoints)

    def change(self, name: str, version: str, endpoints: Sequence[Raw]) -> str:  # noqa: ARG002 - there is but one
        """Replace what it holds."""
        changes = tuple(create(api_form(record_set(each, ""))) for each in endpoints)
        given: str = self._edge.ask(Call("write", name=self._edge.version_named(version), changes=changes))
        return given


class ObjectStore(Store):
    """An account whose zone shows what stands in the object: ExternalDNS is taken for as quick as can be."""

    def sent(self, dns: Dns, run: Run) -> Dns | Failure:
        """Replace all record sets of the domain, or refuse a version that is not, or no longer, there."""
        assert run.call is not None
        if run.call.name not in {_version(dns), Edge.ANY_VERSION}:
            return LostRace("the object has been modified")
        return self.apply(dns, self.zone.id, [*map(delete, dns.own.values()), *run.call.changes])

    def read(self, dns: Dns, name: str) -> Answer:  # noqa: ARG002 - there is but one
        """Give the object; without endpoints it counts as not there."""
        endpoints = [endpoint(from_api(raw)) for raw in dns.own.values()]
        found = DnsEndpoint(_version(dns), True, [(record_set(each, ""), each) for each in endpoints])  # noqa: FBT003
        return Answer(("records", dns.number), found if endpoints else None)


def _version(dns: Dns) -> str:
    """Give the version of the object, "" for none; equal contents have equal ones, which is more than they have."""
    return repr(sorted(dns.own.items())) if dns.own else ""
