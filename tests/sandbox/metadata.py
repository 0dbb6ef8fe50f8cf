"""Doubles of what tells a machine its public addresses: the metadata services of three clouds, and an https service.

Strict about methods, paths, headers and tokens, as the real ones are: what these let pass would fail in the cloud.
"""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.sandbox.server import FaultKind, Request, Response

_TOKEN, _TOKEN_LIFE = "X-aws-ec2-metadata-token", "X-aws-ec2-metadata-token-ttl-seconds"
_MACS = "/latest/meta-data/network/interfaces/macs/"
_GCP = "/computeMetadata/v1/instance/network-interfaces/"
_NO_BALANCER = (
    "No load balancer metadata is found. "
    "Please check if your VM is using any non-basic SKU load balancer and retry later."
)


@dataclass
class Told:
    """What all of them have in common: an answer may be replaced, by its operation."""

    instead: dict[str, Response] = field(default_factory=dict, kw_only=True)

    def operation(self, request: Request) -> str:
        """Name a request by its method and path."""
        return f"{request.method} {request.path}"

    def answer(self, request: Request) -> Response:
        """Answer a request."""
        return self.instead.get(self.operation(request)) or self.proper(request)

    def proper(self, request: Request) -> Response:
        """Answer a request as the service does when it is well."""
        raise NotImplementedError

    def failure(self, kind: FaultKind, _: Request) -> Response:
        """Fail in the way that all of them do."""
        statuses = {"throttled": 429, "unavailable": 503, "access denied": 403, "expired token": 401}
        return _text(statuses[kind]) if kind in statuses else _text(200, "<html>a captive portal</html>")


@dataclass
class Aws(Told):
    """Instance metadata service, version 2 alone: public IPv4 addresses by the MAC of each interface."""

    public: Mapping[str, Sequence[str]]
    _tokens: set[str] = field(default_factory=set)

    def proper(self, request: Request) -> Response:
        """Give out tokens, and answer only with one."""
        if "X-Forwarded-For" in request.headers:
            return _text(403)
        if request.path == "/latest/api/token":
            return self._token(request)
        if request.method != "GET":
            return _text(405)
        if request.headers.get(_TOKEN) not in self._tokens:
            return _text(401)
        if request.path in {_MACS, _MACS.rstrip("/")}:
            return _text(200, "\n".join(f"{mac}/" for mac in self.public))
        mac, _, category = request.path.removeprefix(_MACS).partition("/")
        if category == "public-ipv4s" and self.public.get(mac):
            return _text(200, "\n".join(self.public[mac]))
        return _text(404)

    def _token(self, request: Request) -> Response:
        life = request.headers.get(_TOKEN_LIFE, "")
        if request.method != "PUT":
            return _text(405)
        if not life.isdecimal() or not 1 <= int(life) <= 21_600:
            return _text(400)
        self._tokens.add(secrets.token_urlsafe(40))
        return _text(200, max(self._tokens))


@dataclass
class Gcp(Told):
    """Metadata server of Compute Engine: external IPv4 addresses of access configs, and IPv6 addresses."""

    public: Sequence[str]
    ipv6s: Sequence[str] = ()

    def proper(self, request: Request) -> Response:
        """Answer only who says that it knows whom it asks."""
        if request.headers.get("Metadata-Flavor") != "Google" or "X-Forwarded-For" in request.headers:
            return _text(403)
        if request.method != "GET":
            return _text(405)
        if f"{request.path}/" == _GCP:
            return Response(301, b"", headers={"Location": _GCP, "Metadata-Flavor": "Google"})
        if request.path != _GCP or request.query.get("recursive") != "true":
            return _text(404)
        access = [{"externalIp": each, "type": "ONE_TO_ONE_NAT"} for each in self.public]
        interface = {"accessConfigs": access, "ip": "10.128.0.5", "ipv6s": list(self.ipv6s), "mac": "42:01:0a:80:00:05"}
        return _json(200, [interface], {"Metadata-Flavor": "Google", "Server": "Metadata Server for VM"})


@dataclass
class Azure(Told):
    """Instance metadata service: Basic addresses stand at the interface, Standard ones with the load balancer."""

    basic: str | None = ""
    standard: Sequence[str] | None = None
    """None: not behind a load balancer, and without a Standard address."""

    def proper(self, request: Request) -> Response:
        """Answer in a version that it knows."""
        if request.headers.get("Metadata") != "true" or "X-Forwarded-For" in request.headers:
            return _json(400, {"error": "Bad request. Required metadata header not specified"})
        if request.method != "GET":
            return _json(405, {"error": "Method not allowed"})
        versions = {"/metadata/instance/network": "2021-02-01", "/metadata/loadbalancer": "2020-10-01"}
        if request.path not in versions:
            return _json(404, {"error": "Not found"})
        if request.query.get("api-version") != versions[request.path]:
            newest = sorted(versions.values())
            return _json(400, {"error": "Bad request. api-version is invalid", "newest-versions": newest})
        return self._network() if request.path == "/metadata/instance/network" else self._balancer()

    def _network(self) -> Response:
        addresses = [{"privateIpAddress": "10.1.0.4", "publicIpAddress": self.basic}]
        subnet = [{"address": "10.1.0.0", "prefix": "24"}]
        ipv4 = {"ipAddress": addresses, "ipAddressBlock": [], "subnet": subnet}
        return _json(200, {"interface": [{"ipv4": ipv4, "ipv6": {"ipAddress": []}, "macAddress": "0011AAFFBB22"}]})

    def _balancer(self) -> Response:
        if self.standard is None:
            return _json(404, {"error": _NO_BALANCER})
        found = [{"frontendIpAddress": each, "privateIpAddress": "10.1.0.4"} for each in self.standard]
        return _json(200, {"loadbalancer": {"publicIpAddresses": found, "inboundRules": [], "outboundRules": []}})


@dataclass
class CallersAddress(Told):
    """A service that answers with the caller's address in plain text."""

    address: str

    def proper(self, request: Request) -> Response:
        """Answer on its one path."""
        return _text(200, f"{self.address}\n") if (request.method, request.path) == ("GET", "/ip") else _text(404)


def _text(status: int, text: str = "") -> Response:
    return Response(status, text.encode(), "text/plain")


def _json(status: int, document: object, headers: Mapping[str, str] | None = None) -> Response:
    return Response(status, json.dumps(document).encode(), headers=headers or {})
