"""ExternalDNS' custom resource DNSEndpoint: its endpoints as record sets, its API. No decision.

https://kubernetes-sigs.github.io/external-dns/latest/docs/sources/crd/
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from ipaddress import ip_address
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Struct

from jobs.core.address import Address, numeric_order
from jobs.core.errors import ConfigurationError, LostRace
from jobs.core.place import Coordinates
from jobs.core.record_set import TYPES, RecordSet
from jobs.core.text import one_line, shortened
from jobs.core.zones import canonical
from jobs.edges.api_server import AlreadyExists, ApiServer, Forbidden, NotFound, NotServed, Outdated
from jobs.edges.decode import decoded

API_VERSION = "externaldns.k8s.io/v1alpha1"
MANAGED_BY, MANAGER = "app.kubernetes.io/managed-by", "kube-node-dns"
COORDINATES, BIAS, MULTIVALUE = "aws/geoproximity-coordinates", "aws/geoproximity-bias", "aws/multi-value-answer"

Raw = Mapping[str, Any]
"""An endpoint as it stands in an object."""


class _Property(msgspec.Struct):
    name: str = ""
    value: str = ""


class _Endpoint(msgspec.Struct, rename="camel"):
    dns_name: str = msgspec.field(default="", name="dnsName")
    record_type: str = ""
    record_ttl: int = msgspec.field(default=0, name="recordTTL")
    set_identifier: str = ""
    targets: list[str] | None = None
    provider_specific: list[_Property] | None = None


class _Spec(msgspec.Struct):
    endpoints: list[dict[str, Any]] | None = None


class _Metadata(msgspec.Struct, rename="camel"):
    resource_version: str
    labels: dict[str, str] | None = None


class _Object(msgspec.Struct, tag_field="kind", tag="DNSEndpoint"):
    metadata: _Metadata
    spec: _Spec | None = None


class DnsEndpoint(Struct, frozen=True):
    """An object: its version, whether it belongs to kube-node-dns, and its endpoints, each with what it says."""

    version: str
    is_ours: bool
    endpoints: Sequence[tuple[RecordSet, Raw]]


class DnsEndpointApi:
    """The DNSEndpoints of one namespace. Reads are tried again in place; a write never is."""

    def __init__(self, server: ApiServer, namespace: str) -> None:
        """Take a server that is logged in to."""
        self._server = server
        self.namespace = namespace
        self._path = f"/apis/{API_VERSION}/namespaces/{quote(namespace, safe='')}/dnsendpoints"

    def read(self, name: str) -> DnsEndpoint | None:
        """Read an object, None where there is none.

        Raises ConfigurationError where the cluster knows no DNSEndpoints, or the right is missing.
        """
        path = f"{self._path}/{name}"
        try:
            found = self._server.get(path, _Object)
        except NotServed as error:
            raise _no_such_kind(error) from error
        except NotFound:
            return None
        except Forbidden as error:
            raise _no_right(error) from error
        is_ours = (found.metadata.labels or {}).get(MANAGED_BY) == MANAGER
        raws = (found.spec and found.spec.endpoints) or ()
        return DnsEndpoint(found.metadata.resource_version, is_ours, [(record_set(each, path), each) for each in raws])

    def create(self, name: str, endpoints: Sequence[Raw]) -> str:
        """Create an object and give its version; raises LostRace when one of that name is there."""
        metadata = {"name": name, "namespace": self.namespace, "labels": {MANAGED_BY: MANAGER}}
        body = {"apiVersion": API_VERSION, "kind": "DNSEndpoint", "metadata": metadata}
        try:
            made = self._server.post(self._path, {**body, "spec": {"endpoints": endpoints}})
        except AlreadyExists as error:
            raise LostRace(str(error)) from error
        except NotServed as error:
            raise _no_such_kind(error) from error
        except NotFound as error:  # which can only be the namespace
            raise ConfigurationError(
                f"{error}; create the namespace, or name another with --dnsendpoint-namespace"
            ) from error
        except Forbidden as error:
            raise _no_right(error) from error
        return decoded(made, _Object, f"POST {self._path}").metadata.resource_version

    def change(self, name: str, version: str, endpoints: Sequence[Raw]) -> str:
        """Change the endpoints of an object, and give its new version.

        Raises LostRace when the object is not, or no longer, there in the version given.
        """
        body = {"metadata": {"resourceVersion": version}, "spec": {"endpoints": endpoints}}
        try:
            changed = self._server.patch(f"{self._path}/{name}", _Object, body, {}, attempts=1)
        except NotServed as error:
            raise _no_such_kind(error) from error
        except (Outdated, NotFound) as error:
            raise LostRace(str(error)) from error
        except Forbidden as error:
            raise _no_right(error) from error
        return changed.metadata.resource_version


def endpoint(each: RecordSet) -> Raw:
    """Give a record set as an endpoint, in values that ExternalDNS finds unchanged when it reads Route 53."""
    form: dict[str, Any] = {
        "dnsName": each.name,
        "recordType": each.type,
        "recordTTL": each.ttl,
        "targets": [str(address) for address in each.addresses],
    }
    if each.set_identifier is not None:
        form["setIdentifier"] = each.set_identifier
    if each.coordinates is not None:
        form["providerSpecific"] = [
            {"name": COORDINATES, "value": str(each.coordinates)},
            {"name": BIAS, "value": str(each.bias)},
        ]
    elif each.policy == "multivalue":
        form["providerSpecific"] = [{"name": MULTIVALUE, "value": ""}]  # "true" would be a change in every run
    return form


def with_addresses(raw: Raw, addresses: Sequence[Address]) -> Raw:
    """Add to an endpoint of somebody else's form the addresses that it does not have, and keep all else of it."""
    targets = raw.get("targets") or ()
    known = _addresses(raw["recordType"], targets)
    return {**raw, "targets": [*targets, *(str(each) for each in addresses if each not in known)]}


def record_set(raw: Raw, what: str) -> RecordSet:
    """Read an endpoint; whatever is not as `endpoint` writes it goes into the record set's `extras`.

    Raises TemporaryError for types that the custom resource does not allow.
    """
    given = decoded(msgspec.json.encode(raw), _Endpoint, what)
    properties = {each.name: each.value for each in given.provider_specific or ()}
    found = RecordSet(
        name=canonical(given.dns_name),
        type=given.record_type,
        addresses=tuple(sorted(_addresses(given.record_type, given.targets or ()), key=numeric_order)),
        ttl=given.record_ttl,
        policy=_policy(given, properties),
        set_identifier=given.set_identifier or None,
        coordinates=_coordinates(properties.get(COORDINATES)),
        bias=_bias(properties.get(BIAS)),
    )
    return found if endpoint(found) == raw else replace(found, extras=msgspec.json.encode(raw).decode())


def _addresses(type_: str, targets: Iterable[str]) -> set[Address]:
    found: set[Address] = set()
    for target in targets:
        try:
            address = ip_address(target)
        except ValueError:
            continue
        if address.version == TYPES.get(type_):
            found.add(address)
    return found


def _policy(given: _Endpoint, properties: Mapping[str, str]) -> str:
    if COORDINATES in properties:
        return "geoproximity"
    if MULTIVALUE in properties:
        return "multivalue"
    return "other" if given.set_identifier else "simple"


def _coordinates(text: str | None) -> Coordinates | None:
    try:
        return Coordinates.parse(text) if text is not None else None
    except ValueError:
        return None


def _bias(text: str | None) -> int:
    try:
        return int(text or 0)
    except ValueError:
        return 0


def _no_such_kind(error: NotServed) -> ConfigurationError:
    words = shortened(one_line(str(error)), 200)
    return ConfigurationError(
        f"this cluster has no DNSEndpoints ({API_VERSION}): install the CustomResourceDefinition of ExternalDNS, "
        f"which comes with its chart: {words}"
    )


def _no_right(error: Forbidden) -> Forbidden:
    return Forbidden(f"{error}; cron/dnsendpoint gives the right in its own namespace")
