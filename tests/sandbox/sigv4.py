"""AWS request authentication from the server's side: who signed a request, and is the signature theirs."""

import datetime as dt
import re
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.sandbox.server import Request

_STAMP = "%Y%m%dT%H%M%SZ"
_SKEW = dt.timedelta(minutes=5)
_HEADER = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<day>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request,"
    r"\s*SignedHeaders=(?P<headers>[^,]+),\s*Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True)
class Key:
    """What the service knows of an access key."""

    secret: str
    user: str = "sandbox"
    actions: frozenset[str] | None = None
    """Names of the operations it may call; `None` means all."""
    token: str | None = None
    """The session token that belongs to it, for temporary credentials."""

    def may(self, action: str) -> bool:
        """Say whether the key may call an operation."""
        return self.actions is None or action in self.actions


class UnauthenticatedError(Exception):
    """Why a request is not taken for its signer's: a code and a message, always with status 403."""

    def __init__(self, code: str, message: str) -> None:
        """Keep both."""
        super().__init__(code, message)
        self.code = code
        self.message = message


def authenticate(request: Request, service: str, keys: Mapping[str, Key], now: float) -> Key:
    """Find the key that signed a request and check date and signature."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    if "authorization" not in headers:
        raise UnauthenticatedError("MissingAuthenticationToken", "Missing Authentication Token")
    found = _HEADER.fullmatch(headers["authorization"])
    stamp = headers.get("x-amz-date", "")
    if found is None or not re.fullmatch(r"\d{8}T\d{6}Z", stamp):
        raise UnauthenticatedError("IncompleteSignature", "Authorization header or its date is not well-formed.")
    key = keys.get(found["key"])
    if key is None or headers.get("x-amz-security-token") != key.token:
        raise UnauthenticatedError("InvalidClientTokenId", "The security token included in the request is invalid.")
    if (found["service"], found["day"]) != (service, stamp[:8]):
        raise UnauthenticatedError(
            "SignatureDoesNotMatch", f"Credential should be scoped to correct service: '{service}'."
        )
    _check_date(stamp, now)
    signed = {name: headers.get(name, "") for name in found["headers"].split(";")}
    expected, canonical = _signature(request, signed, found, key)
    if "host" not in signed or expected != found["signature"]:
        raise UnauthenticatedError(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key and signing method. Consult the service documentation for details.\n\n"
            f"The Canonical String for this request should have been\n'{canonical}'\n",
        )
    return key


def _check_date(stamp: str, now: float) -> None:
    signed = dt.datetime.strptime(stamp, _STAMP).replace(tzinfo=dt.UTC)
    here = dt.datetime.fromtimestamp(int(now), dt.UTC)
    oldest, newest = here - _SKEW, here + _SKEW
    if signed < oldest:
        text = f"Signature expired: {stamp} is now earlier than {oldest:{_STAMP}} ({here:{_STAMP}} - 5 min.)"
        raise UnauthenticatedError("SignatureDoesNotMatch", text)
    if signed > newest:
        text = f"Signature not yet current: {stamp} is still later than {newest:{_STAMP}} ({here:{_STAMP}} + 5 min.)"
        raise UnauthenticatedError("SignatureDoesNotMatch", text)


def _signature(request: Request, headers: Mapping[str, str], found: re.Match[str], key: Key) -> tuple[object, str]:
    """Sign the request again, as its client should have done; give what was signed, too."""
    path = urllib.parse.quote(request.path, safe="/-._~")
    address = f"http://{headers.get('host', '')}{path}"
    copy = AWSRequest(request.method, address, dict(headers), request.body, dict(request.query))
    copy.context["timestamp"] = headers.get("x-amz-date", "")
    signer = SigV4Auth(Credentials(found["key"], key.secret), found["service"], found["region"])
    canonical = str(signer.canonical_request(copy))
    return signer.signature(signer.string_to_sign(copy, canonical), copy), canonical
