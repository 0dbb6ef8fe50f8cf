"""Every way a run of sync-once fails: its exit status, and a text that says what to do about it."""

import json
import time
from dataclasses import replace
from typing import Any

import pytest

from tests.sandbox.account import simple
from tests.sandbox.kubernetes import ADMIN_TOKEN, User
from tests.sandbox.server import Fault
from tests.sandbox.sigv4 import Key
from tests.sandbox.world import World
from tests.support.sync_runs import (
    DOMAIN,
    WRITE,
    all_in_one,
    answers,
    forget,
    no_place,
    sync,
    synced,
)


def last_words(text: str) -> str:
    """Give the one line of error that ends a run."""
    (line,) = [line for line in text.splitlines() if line.startswith("error")]
    return line


def test_two_public_zones_of_the_same_name(world: World) -> None:
    """Two public zones of one name are an error of status 2, which names both and `--zone-id`; nothing is written."""
    zones = [no_place(world), world.route53.zone("example.com")]
    finished = sync(world)
    assert finished.returncode == 2
    assert all(zone in last_words(finished.stderr) for zone in zones)
    assert "--zone-id" in finished.stderr
    assert world.route53.history == []


def test_no_zone_names_those_that_come_near(world: World) -> None:
    """Without a zone for the domain the error names those of a similar name."""
    for name in ("exampel.com", "unrelated.net"):
        world.route53.zone(name)
    finished = sync(world)
    assert finished.returncode == 2
    assert "exampel.com" in last_words(finished.stderr)
    assert DOMAIN in finished.stderr
    assert "unrelated.net" not in finished.stderr


@pytest.mark.parametrize(
    ("record", "words"),
    [
        pytest.param(simple(DOMAIN, "CNAME", "d1.cloudfront.net."), "CNAME", id="cname"),
        pytest.param(simple(DOMAIN, "NS", "ns1.example.net."), "delegate", id="delegation"),
    ],
)
def test_record_that_leaves_no_room_for_addresses(world: World, record: dict[str, Any], words: str) -> None:
    """A CNAME or a delegation at the domain is an error of that domain alone; the other domain is synced."""
    zone = no_place(world)
    world.route53.put(zone, record)
    forget(world)
    finished = sync(world, "--domain", "www.example.com")
    assert finished.returncode == 2
    assert words in last_words(finished.stderr)
    assert DOMAIN in last_words(finished.stderr)
    assert "www.example.com" not in last_words(finished.stderr)
    assert (answers(world, zone), answers(world, zone, "www.example.com")) == ({}, all_in_one())


def test_bad_selector_is_explained_by_the_api_server(world: World) -> None:
    """A selector that cannot be read is an error of status 2, in the API server's words; nothing is written."""
    no_place(world)
    finished = sync(world, "--node-label-selector", "serve-public=true=yes")
    assert finished.returncode == 2
    assert "--node-label-selector" in last_words(finished.stderr)
    assert "found '='" in last_words(finished.stderr)
    assert world.route53.history == []


@pytest.mark.parametrize("action", ["ListHostedZonesByName", "ListResourceRecordSets", "ChangeResourceRecordSets"])
def test_access_denied_says_which_action_on_which_resource(world: World, action: str) -> None:
    """A missing AWS permission is an error of status 2, which names the action, and the zone where one is known."""
    zone = no_place(world)
    every = {"ListHostedZonesByName", "ListResourceRecordSets", "ChangeResourceRecordSets", "GetChange"}
    world.route53.keys[world.route53.access_key] = Key(world.route53.secret_key, actions=frozenset(every - {action}))
    finished = sync(world)
    assert finished.returncode == 2
    assert f"route53:{action}" in last_words(finished.stderr)
    assert (f"arn:aws:route53:::hostedzone/{zone}" in finished.stderr) == (action != "ListHostedZonesByName")
    assert world.route53.history == []


def test_no_aws_credentials(world: World) -> None:
    """Missing AWS credentials are an error of status 2."""
    no_place(world)
    finished = sync(world, AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
    assert finished.returncode == 2
    assert "credentials" in last_words(finished.stderr)


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        pytest.param({"AWS_SECRET_ACCESS_KEY": "wrong"}, "SignatureDoesNotMatch", id="secret"),
        pytest.param({"AWS_ACCESS_KEY_ID": "AKIDNOBODY"}, "InvalidClientTokenId", id="key-id"),
        pytest.param({"AWS_PROFILE": "missing"}, "missing", id="profile"),
        pytest.param({"AWS_ENDPOINT_URL_ROUTE_53": "http://localhost:1x"}, "AWS settings", id="port of the endpoint"),
    ],
)
def test_wrong_aws_credentials(world: World, variables: dict[str, str], words: str) -> None:
    """Wrong AWS credentials or settings are an error of status 2, which says what is wrong."""
    no_place(world)
    finished = sync(world, **variables)
    assert finished.returncode == 2
    assert words in last_words(finished.stderr)


def test_session_token_is_not_repeated(world: World) -> None:
    """A session token that the service repeats in its error is not shown."""
    no_place(world)
    key = world.route53.keys[world.route53.access_key]
    world.route53.keys[world.route53.access_key] = replace(key, token="session-of-mine")  # noqa: S106 - of nothing real
    finished = sync(world, "-v", AWS_SECRET_ACCESS_KEY="wrong", AWS_SESSION_TOKEN="session-of-mine")  # noqa: S106
    assert finished.returncode == 2
    assert "SignatureDoesNotMatch" in last_words(finished.stderr)
    assert "session-of-mine" not in finished.stderr + finished.stdout


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"])
def test_credentials_of_bytes_that_are_no_text(world: World, name: str) -> None:
    """Credentials that are not text in UTF-8 are an error of status 2, which names the variable and not its value."""
    no_place(world)
    finished = sync(world, **{name: "never\udcffshown"})
    assert finished.returncode == 2
    assert (
        last_words(finished.stderr) == f"error: {DOMAIN}: {name} holds bytes that are not text in UTF-8; set it again"
    )


def test_expired_token(world: World) -> None:
    """Expired AWS credentials are an error of status 1, which a later run can pass, and which says to renew them."""
    no_place(world)
    world.dns.fail(Fault("expired token"))
    finished = sync(world)
    assert finished.returncode == 1
    assert "ExpiredToken" in last_words(finished.stderr)
    assert "renew" in last_words(finished.stderr)


@pytest.mark.parametrize("hours", [-1, 1])
def test_clock_skew(world: World, hours: int) -> None:
    """A clock an hour off is an error of status 1, which a later run can pass, and which names the clock."""
    no_place(world)
    world.route53.clock = lambda: time.time() + hours * 3600
    finished = sync(world)
    assert finished.returncode == 1
    assert "clock" in last_words(finished.stderr)


def other_login(world: World, token: str) -> None:
    """Put another token into the kubeconfig."""
    config = json.loads(world.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": token}
    world.kubeconfig.write_text(json.dumps(config), encoding="utf-8")


def test_token_that_is_not_accepted(world: World) -> None:
    """A token that the cluster does not accept is an error of status 1, which a later run can pass."""
    no_place(world)
    other_login(world, "expired-long-ago")
    finished = sync(world)
    assert finished.returncode == 1
    assert "Unauthorized" in last_words(finished.stderr)
    assert world.route53.history == []


def test_forbidden_to_list_nodes(world: World) -> None:
    """A missing right to list nodes is an error of status 2, in the API server's words; nothing is written."""
    no_place(world)
    world.kubernetes.tokens["weak"] = User("system:serviceaccount:default:weak", frozenset())
    other_login(world, "weak")
    finished = sync(world)
    assert finished.returncode == 2
    assert 'nodes is forbidden: User "system:serviceaccount:default:weak" cannot list' in last_words(finished.stderr)
    assert world.route53.history == []


def test_verbose_shows_each_call(world: World) -> None:
    """With `-v` the log has each call to Route 53 and the cluster once, and without it none."""
    no_place(world)
    quiet = synced(world, "--dry-run").stderr
    forget(world)
    lines = synced(world, "-v").stderr.splitlines()
    for operation in set(world.dns.operations()):
        told = [line for line in lines if line.startswith("debug") and operation in line]
        assert len(told) == world.dns.operations().count(operation)
        assert operation not in quiet
    asked = [f"debug: {call.request.method} {call.request.path}?" for call in world.cluster.calls]
    for begin in set(asked):
        assert sum(line.startswith(begin) for line in lines) == asked.count(begin)
    assert not any(begin in quiet for begin in asked)


@pytest.mark.parametrize("failure", ["none", "secret", "token", "denied", "expired", "malformed"])
def test_secrets_are_never_shown(world: World, failure: str) -> None:
    """With `-v` neither keys, tokens nor signatures are shown, whatever fails."""
    no_place(world)
    world.route53.keys["AKIDTEMPORARY"] = Key("a-temporary-secret", token="a-session-token")  # noqa: S106 - a sandbox's
    login = {
        "AWS_ACCESS_KEY_ID": "AKIDTEMPORARY",
        "AWS_SECRET_ACCESS_KEY": "a-wrong-secret" if failure == "secret" else "a-temporary-secret",
        "AWS_SESSION_TOKEN": "a-session-token",
    }
    other_login(world, "a-wrong-token" if failure == "token" else ADMIN_TOKEN)
    match failure:
        case "denied":
            world.dns.fail(Fault("access denied", WRITE))
        case "expired":
            world.dns.fail(Fault("expired token"))
        case "malformed":
            world.dns.fail(Fault("malformed", "List*", last=1))
            world.cluster.fail(Fault("malformed", last=1))
    finished = sync(world, "-v", **login)
    assert (finished.returncode == 0) == (failure in {"none", "malformed"})
    text = (finished.stdout + finished.stderr).lower()
    for secret in ("-secret", "-token", ADMIN_TOKEN, "authorization", "bearer", "signature="):
        assert secret not in text
