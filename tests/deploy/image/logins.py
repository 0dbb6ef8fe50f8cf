"""AWS logins that need more of botocore's data than Route 53's, and a double of the services that serve them."""

import datetime as dt
import hashlib
import json
import time
import urllib.parse
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.deploy.image.commands import SYNC
from tests.deploy.image.files import Image
from tests.sandbox import sigv4
from tests.sandbox.server import FaultKind, Request, Response, Server
from tests.sandbox.sigv4 import Key
from tests.sandbox.world import Finished, World

ROLE = "arn:aws:iam::123456789012:role/kube-node-dns"
SSO_SESSION = "example"
TEMPORARY = ("ASIASANDBOX", Key("not-a-secret-either", token="temporary"))  # noqa: S106 - opens nothing but a double
"""The only key that Route 53 takes here."""
_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
_TOKEN_HEADER = "x-amz-sso_bearer_token"  # noqa: S105 - its name


class Services:
    """STS, the single sign-on's two services and the agent of a container: each gives out the temporary key."""

    def __init__(self, keys: Mapping[str, Key]) -> None:
        """Let holders of these keys assume a role."""
        self._keys = keys

    def operation(self, request: Request) -> str:
        """Name what a request asks for, `unknown` if it is none of these."""
        match request.method, request.path:
            case "POST", "/":
                return urllib.parse.parse_qs(request.body.decode())["Action"][0]
            case "POST", "/token":
                return "CreateToken"
            case "GET", "/federation/credentials":
                return "GetRoleCredentials"
            case "GET", "/container":
                return "container"
            case _:
                return "unknown"

    def answer(self, request: Request) -> Response:
        """Give out credentials, or the token they are asked for with."""
        name, key = TEMPORARY
        end = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
        secrets = {"AccessKeyId": name, "SecretAccessKey": key.secret}
        match self.operation(request):
            case "AssumeRole" | "AssumeRoleWithWebIdentity" as operation:
                if operation == "AssumeRole":
                    sigv4.authenticate(request, "sts", self._keys, time.time())
                return _xml(operation, {**secrets, "SessionToken": str(key.token), "Expiration": end.isoformat()})
            case "CreateToken":
                return _json({"accessToken": "renewed", "tokenType": "Bearer", "expiresIn": 3600})
            case "GetRoleCredentials" if request.headers[_TOKEN_HEADER] == "renewed":
                found = {"accessKeyId": name, "secretAccessKey": key.secret, "sessionToken": key.token}
                return _json({"roleCredentials": {**found, "expiration": int(end.timestamp() * 1000)}})
            case "container":
                return _json({**secrets, "Token": key.token, "Expiration": end.isoformat()})
            case _:
                return Response(404)

    def failure(self, kind: FaultKind, request: Request) -> Response:
        """Answer any fault alike; nothing here sets one."""
        return Response(500, f"{kind}: {request.path}".encode())


def _json(document: Mapping[str, object]) -> Response:
    return Response(200, json.dumps(document).encode())


def _xml(operation: str, credentials: Mapping[str, str]) -> Response:
    members = "".join(f"<{name}>{value}</{name}>" for name, value in credentials.items())
    result = f"<{operation}Result><Credentials>{members}</Credentials></{operation}Result>"
    text = f'<{operation}Response xmlns="{_NAMESPACE}">{result}</{operation}Response>'
    return Response(200, text.encode(), "text/xml")


# How a login is set up: write files into a home, give the variables.


def assumed_role(home: Path, _: str, source: tuple[str, Key]) -> dict[str, str]:
    """Assume a role with the keys of another profile."""
    name, key = source
    _config(
        home,
        f"[profile sync]\nrole_arn = {ROLE}\nsource_profile = base\n"
        f"[profile base]\naws_access_key_id = {name}\naws_secret_access_key = {key.secret}\n",
    )
    return {"AWS_PROFILE": "sync"}


def web_identity(home: Path, _: str, __: object) -> dict[str, str]:
    """Assume a role with a service account's token (IRSA)."""
    token = home / "token"
    token.write_text("projected", encoding="utf-8")
    return {"AWS_ROLE_ARN": ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": str(token)}


def container(_: Path, url: str, __: object) -> dict[str, str]:
    """Ask the agent on the node (EKS Pod Identity)."""
    return {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{url}/container", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "projected"}


def single_sign_on(home: Path, url: str, source: object) -> dict[str, str]:
    """Use a sign-on whose token has expired and can be renewed."""
    variables = signed_out(home, url, source)
    token = {
        "startUrl": "https://example.awsapps.com/start",
        "region": "us-east-1",
        "accessToken": "expired",
        "expiresAt": "2020-01-01T00:00:00Z",
        "refreshToken": "refresh",
        "clientId": "client",
        "clientSecret": "not-a-secret",
        "registrationExpiresAt": "2100-01-01T00:00:00Z",
    }
    cache = home / ".aws/sso/cache"
    cache.mkdir(parents=True)
    name = hashlib.sha1(SSO_SESSION.encode(), usedforsecurity=False).hexdigest()
    (cache / f"{name}.json").write_text(json.dumps(token), encoding="utf-8")
    return variables


def signed_out(home: Path, _: str, __: object) -> dict[str, str]:
    """Use a sign-on of which there is no token."""
    _config(
        home,
        f"[profile sync]\nsso_session = {SSO_SESSION}\nsso_account_id = 123456789012\nsso_role_name = dns\n"
        f"[sso-session {SSO_SESSION}]\nsso_region = us-east-1\nsso_start_url = https://example.awsapps.com/start\n",
    )
    return {"AWS_PROFILE": "sync"}


def console(home: Path, _: str, __: object) -> dict[str, str]:
    """Use a login made with `aws login`."""
    _config(home, "[profile sync]\nlogin_session = arn:aws:iam::123456789012:user/me\n")
    return {"AWS_PROFILE": "sync"}


def _config(home: Path, text: str) -> None:
    (home / ".aws").mkdir()
    (home / ".aws/config").write_text(text, encoding="utf-8")


Login = Callable[[Path, str, tuple[str, Key]], dict[str, str]]
LOGINS: Mapping[str, tuple[Login, tuple[str, ...]]] = {
    "assumed role": (assumed_role, ("AssumeRole",)),
    "web identity": (web_identity, ("AssumeRoleWithWebIdentity",)),
    "container": (container, ("container",)),
    "single sign-on": (single_sign_on, ("CreateToken", "GetRoleCredentials")),
}
"""Logins that work, with the calls they make."""
NO_LOGINS: Mapping[str, tuple[Login, int, str]] = {
    "signed out": (signed_out, 1, "log in again"),
    "console": (console, 2, 'pip install "botocore[crt]"'),
}
"""Logins that do not, with the exit status and words that say so."""


def sync(image: Image, world: World, login: Login) -> tuple[Finished, tuple[str, ...]]:
    """Sync with a login, without any other credentials or a region; also name the calls made to log in."""
    account = world.route53
    source = (account.access_key, Key(account.secret_key))
    account.keys.clear()
    account.keys[TEMPORARY[0]] = TEMPORARY[1]
    account.zone("example.com")
    world.node("fra-1", "5.75.128.10")
    with Server(Services(dict([source]))) as services:
        variables = {name: value for name, value in world.environment.items() if name not in account.environment("")}
        endpoints = {f"AWS_ENDPOINT_URL_{name}": services.url for name in ("STS", "SSO", "SSO_OIDC", "SIGNIN")}
        finished = image.run(
            *SYNC,
            **variables,
            **endpoints,
            **login(world.home, services.url, source),
            AWS_ENDPOINT_URL_ROUTE_53=world.dns.url,
            HOME=str(world.home),
        )
        return finished, tuple(services.operations())


def proves(image: Image, world: World, name: str) -> None:
    """Assert what the tables say of a login."""
    if name in LOGINS:
        login, calls = LOGINS[name]
        finished, called = sync(image, world, login)
        assert (finished.returncode, called) == (0, calls), finished.stderr
    else:
        login, status, words = NO_LOGINS[name]
        finished, called = sync(image, world, login)
        assert (finished.returncode, called) == (status, ()), finished.stderr
        assert words in finished.stderr
