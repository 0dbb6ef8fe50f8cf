"""What AWS's errors mean for the run, as failures of ours: wrong settings, something that passes, or a lost race."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html import unescape
from typing import Any

from botocore.exceptions import (
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's own name
    CredentialRetrievalError,
    HTTPClientError,
    LoginError,
    MetadataRetrievalError,
    SSOError,
    TokenRetrievalError,
)
from botocore.parsers import ResponseParserError

from jobs.core.errors import CheckGone, ConfigurationError, Conflict, Failure, NotApplied, TemporaryError
from jobs.core.text import one_line, shortened, without_logins
from jobs.edges import responses

_THROTTLED = {
    "PriorRequestNotComplete",
    "RequestLimitExceeded",
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
}
_EXPIRED = {
    "ExpiredToken",
    "ExpiredTokenException",
    "RequestExpired",
    "RequestInTheFuture",
    "RequestTimeTooSkewed",
    "TokenRefreshRequired",
}
_SKEWED = ("signature expired", "signature not yet current")
_DENIED = {"AccessDenied", "AccessDeniedException"}


def translated(error: Exception, what: str, action: str = "") -> Failure:
    """Say what an AWS error means for the run: wrong settings, something that passes, or a lost race."""
    words = without_logins(str(error))  # in a URL, of a proxy or an endpoint, there may be a password
    match error:
        case ClientError(operation_name=name):
            return _of_response(error, what if name == action else f"AWS login ({name})")
        case SSOError() | LoginError() | TokenRetrievalError():
            return Failure(f"AWS login: {words}; log in again")
        case CredentialRetrievalError() | MetadataRetrievalError():
            return Failure(f"AWS credentials: {words}")
        case HTTPClientError() if "Invalid header value" in words:  # which the error shows: it is not for the log
            return ConfigurationError(
                "the AWS credentials hold a line break or another character that no header may hold"
            )
        case HTTPClientError() | ConnectionError():
            unknown = responses.not_resolved(error.kwargs.get("error"), "check the DNS that this machine or pod uses")
            return TemporaryError(f"Route 53 unreachable: {unknown or words}")
        case ResponseParserError():
            return TemporaryError(f"{what}: unreadable answer: {shortened(one_line(words), 200)}")
        case _:
            return ConfigurationError(f"{what}: {words}; check the AWS settings (environment, profile, role)")


def _of_response(error: ClientError, what: str) -> Failure:
    response = error.response
    code, text = (str(response["Error"].get(member) or "") for member in ("Code", "Message"))
    text = text.partition("The Canonical String")[0].rstrip()  # what follows is the request, with the session token
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    said = f"{code}: {text}"
    if code in _THROTTLED or status == 429:
        return NotApplied(f"{what}: {said}")
    if code == "InvalidChangeBatch":
        return Conflict(text)
    if code == "NoSuchHealthCheck":
        return CheckGone(said)
    if code == "HealthCheckAlreadyExists":
        return Failure(f"{what}: {said}; a later run makes it under another reference")
    if code == "TooManyHealthChecks":
        return ConfigurationError(f"{what}: {said}; ask AWS for a higher quota of health checks, or delete some")
    if code in _EXPIRED or any(sign in text.lower() for sign in _SKEWED):
        return Failure(f"{what}: {said}; renew the AWS credentials, or set the clock right")
    if code in _DENIED:
        return ConfigurationError(f"access denied: {what}: {text}; allow it in the IAM policy")
    if 400 <= status < 500:
        return ConfigurationError(f"{what}: {said}")
    return TemporaryError(f"{what}: {said}")


@contextmanager
def promised(action: str) -> Iterator[None]:
    """Turn a member missing from a response into a temporary error: a 200 without it proves nothing."""
    try:
        yield
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise TemporaryError(f"{action} answered what its API does not promise: {error!r}") from error


def read_older_rejection(
    response_dict: Mapping[str, bytes], customized_response_dict: dict[str, Any], **_: object
) -> None:
    """Read the older form of InvalidChangeBatch, of which botocore keeps neither the code nor all messages."""
    body = response_dict["body"].decode("utf-8", "replace")
    if "<InvalidChangeBatch" in body:
        messages = map(unescape, re.findall("<Message>(.*?)</Message>", body, re.DOTALL))
        customized_response_dict["Error"] = {"Code": "InvalidChangeBatch", "Message": f"[{', '.join(messages)}]"}
