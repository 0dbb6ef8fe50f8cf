"""One Kubernetes API server: requests, what their answers mean, its errors as ours. No decision."""

import logging
import math
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from ssl import SSLCertVerificationError
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import msgspec

from jobs.core.errors import ConfigurationError, Failure, NotApplied, TemporaryError
from jobs.core.text import one_line
from jobs.edges import responses
from jobs.edges.clock import ATTEMPTS, Clock, retrying
from jobs.edges.decode import UNREADABLE, Document, decoded
from jobs.edges.login import login_of
from jobs.edges.transport import Transport
from jobs.edges.urllib3_names import HTTPError, LocationValueError

if TYPE_CHECKING:
    from jobs.edges.urllib3_names import BaseHTTPResponse

log = logging.getLogger(__name__)

_NO_URL = (
    "the address of the Kubernetes API server or of its proxy is not a URL; "
    "check server and proxy-url in the kubeconfig"
)

Query = Mapping[str, str]


class Expired(Failure):
    """The API server no longer has the version asked for: only beginning again helps."""


class AlreadyExists(Failure):
    """An object of that name is there."""


class NotFound(Failure):
    """An object that the request names is not there."""


class NotServed(NotFound):
    """The API server does not know the kind of object at all: it says so in plain text."""


class Outdated(TemporaryError):
    """Somebody else has changed the object since the version that the request names."""


class BadRequest(ConfigurationError):
    """The API server does not understand the request."""


class Forbidden(ConfigurationError):
    """The login does not give the right to do this."""


class Status(msgspec.Struct):
    """What the API server says about an error."""

    message: str = ""
    reason: str = ""
    code: int = 0


class ApiServer:
    """Requests to one API server. Each has timeouts and is tried again, in place, while that may help."""

    def __init__(
        self, clock: Clock, kubeconfig: str | None = None, context: str | None = None, *, attempts: int = ATTEMPTS
    ) -> None:
        """Log in by the first that applies: the arguments, KUBECONFIG, the pod's service account, ~/.kube/config.

        Raises ConfigurationError where there is no such login, Failure where a login plugin fails.
        """
        self._clock = clock
        self._attempts = attempts
        self._heard: tuple[datetime, float] | None = None
        self._login = login_of(kubeconfig, context)
        if "://" not in self._login.server:  # urllib3 would guess http, and warn of it
            raise ConfigurationError(_NO_URL)
        self._transport = Transport(self._login)

    def get(self, path: str, type_: type[Document]) -> Document:
        """Read an object, and decode just the members that `type_` names."""
        return self.dated(path, type_, {})[0]

    def dated(self, path: str, type_: type[Document], query: Query) -> tuple[Document, datetime]:
        """Read as `get` does, with the moment of the response by the API server's clock, in whole seconds."""
        what = f"GET {path}"
        for attempt in retrying(self._clock, what, attempts=self._attempts):
            with attempt:
                document, date = self._exchange("GET", path, type_, query)
                moment = _moment(date, what)
        self._heard = moment, self._clock.now()
        return document, moment

    def time(self) -> datetime:
        """Say what the API server's clock shows now, from the last response on; raises Failure before the first."""
        if self._heard is None:
            raise Failure("the API server has not answered yet")
        moment, when = self._heard
        return moment + timedelta(seconds=self._clock.now() - when)

    def patch(
        self, path: str, type_: type[Document], body: object, query: Query, *, attempts: float = math.inf
    ) -> Document:
        """Merge a patch into an object, trying until the deadline: a merge patch may be repeated.

        One that names the version it changes may not: give it one attempt. It raises Outdated when that has passed.
        """
        for attempt in retrying(self._clock, f"PATCH {path}", attempts=attempts):
            with attempt:
                document, _ = self._exchange("PATCH", path, type_, query, body)
        return document

    def post(self, path: str, body: object) -> msgspec.Raw:
        """Create an object, tried once, and give it; raises AlreadyExists when one of that name is there."""
        return self._exchange("POST", path, msgspec.Raw, {}, body)[0]

    def lines(self, path: str, query: Query, silence_seconds: float) -> Iterator[bytes]:
        """Stream a response line by line; raises TemporaryError when it breaks off or is silent for too long."""
        response = self._send("GET", path, query, None, "identity")  # compressed, an event might wait
        return responses.lines(response, f"GET {path}", silence_seconds)

    def _exchange(
        self, method: str, path: str, type_: type[Document], query: Query, body: object = None
    ) -> tuple[Document, str | None]:
        """Send one request; give the response, decoded, and its Date."""
        response = self._send(method, path, query, body, "gzip")
        data = responses.whole(response, f"{method} {path}")
        return decoded(data, type_, f"{method} {path}"), response.headers.get("Date")

    def _send(self, method: str, path: str, query: Query, body: object, encoding: str) -> "BaseHTTPResponse":
        """Send one request and give the response, unread, when it is a success."""
        started = time.monotonic()
        outcome = "no answer"
        asked = urlencode(query)
        try:
            url = f"{path}?{asked}" if asked else path
            sent = None if body is None else msgspec.json.encode(body)
            response = self._transport.send(method, url, self._headers(method, body, encoding), sent)
            outcome = str(response.status)
        except LocationValueError as error:  # whose words show the URL, and a password in it
            raise ConfigurationError(_NO_URL) from error
        except (HTTPError, OSError) as error:
            raise _unreachable(error, self._login.source) from error
        except ValueError as error:  # which shows the header: it is not for the log
            header = isinstance(error, UnicodeEncodeError) or "Invalid header value" in str(error)
            words = (
                "the token, or a name under `as`, holds a character that no header may hold"
                if header
                else one_line(str(error))
            )
            raise ConfigurationError(f"no request to Kubernetes can be made: {words}") from error
        finally:
            log.debug("%s %s?%s: %s in %.0f ms", method, path, asked, outcome, 1000 * (time.monotonic() - started))
        if not 200 <= response.status < 300:
            what = f"{method} {path}"
            raise _translated(response.status, responses.whole(response, what), what)
        return response

    def _headers(self, method: str, body: object, encoding: str) -> dict[str, str]:
        headers = {"Accept": "application/json", "Accept-Encoding": encoding, "User-Agent": "kube-node-dns"}
        if body is not None:
            headers["Content-Type"] = "application/merge-patch+json" if method == "PATCH" else "application/json"
        return headers


def _moment(date: str | None, what: str) -> datetime:
    """Read the header Date, which every server with a clock sends (RFC 9110, 6.6.1)."""
    try:
        return parsedate_to_datetime(date or "").replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError) as error:
        raise TemporaryError(f"{what}: the answer has no Date that can be read") from error


def _translated(status: int, data: bytearray, what: str) -> Failure:
    """Say what an HTTP status of the API server means for the run, with the server's own words."""
    try:
        response = msgspec.json.decode(data, type=Status)
    except UNREADABLE:
        response = Status()
    said = f"{what}: {one_line(response.message) or 'no reason given'} (HTTP {status})"
    match status:
        case 400:
            return BadRequest(said)
        case 401:
            return Failure(f"{said}; the Kubernetes credentials are not, or no longer, accepted: log in again")
        case 403:
            return Forbidden(said)
        case 404:
            return NotFound(said) if response.reason else NotServed(said)
        case 409:
            return AlreadyExists(said) if response.reason == "AlreadyExists" else Outdated(said)
        case 410:
            return Expired(said)
        case 429:
            return NotApplied(said)
        case _ if 400 <= status < 500 and status != 408:
            return ConfigurationError(said)
        case _:
            return TemporaryError(said)


_UNUSABLE = ("[X509", "PEM lib", "private key is encrypted")  # how OpenSSL and urllib3 say that they cannot load it
_PASSING_CERTIFICATE_FAULTS = {9, 10}  # OpenSSL: not yet valid, expired; also what a wrong clock makes of a good one


def _unreachable(error: BaseException, source: str) -> Failure:
    cause: BaseException | None = error
    while cause is not None:
        for each in (cause, *cause.args):
            if isinstance(each, SSLCertVerificationError) and each.verify_code not in _PASSING_CERTIFICATE_FAULTS:
                return ConfigurationError(
                    f"the Kubernetes API server's certificate is not trusted: {each.verify_message}; "
                    f"check the certificate authority in {source}"
                )
            if isinstance(each, Exception) and any(words in str(each) for words in _UNUSABLE):
                return ConfigurationError(
                    "a certificate or key for the Kubernetes API server cannot be used: "
                    f"{one_line(str(each))}; check those in {source}"
                )
        cause = cause.__context__
    # a name is that of the server, or of a proxy
    words = responses.not_resolved(error, f"check {source}") or responses.reason(error)
    return TemporaryError(f"Kubernetes API server unreachable: {words}")
