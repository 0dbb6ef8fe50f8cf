"""Every option reads its value strictly, from the command line or from its environment twin."""

from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any

import pytest

from jobs.core.errors import ConfigurationError
from jobs.core.min_nodes import MinNodes
from jobs.core.place import Coordinates
from jobs.core.probe import Probe
from jobs.core.text import without_login
from jobs.shell.annotate_command import Settings as AnnotateSettings
from jobs.shell.options import options, settings, value
from jobs.shell.sync_command import Settings as SyncSettings
from jobs.shell.watch_command import Settings as WatchSettings

OPTIONS = {
    option.name: option for command in (SyncSettings, AnnotateSettings, WatchSettings) for option in options(command)
}


def given(name: str, text: object) -> Any:  # noqa: ANN401 - each option has its own
    """Read one option from the command line."""
    option = OPTIONS[name]
    return value(option, [text] if option.many else text, {})


def from_environment(name: str, environ: Mapping[str, str]) -> Any:  # noqa: ANN401 - each option has its own
    """Read one option from the environment."""
    option = OPTIONS[name]
    return value(option, None, environ)


GOOD = [
    pytest.param("--domain", "WWW.Example.com.", ("www.example.com",), id="domain"),
    pytest.param("--domain", "*.example.com", ("*.example.com",), id="wildcard domain"),
    pytest.param("--node-label-selector", "a in (b, c),!d", "a in (b, c),!d", id="selector"),
    pytest.param("--ttl", "0", 0, id="smallest ttl"),
    pytest.param("--ttl", "2147483647", 2147483647, id="largest ttl"),
    pytest.param("--min-nodes", "0", MinNodes(0), id="min-nodes, off"),
    pytest.param("--min-nodes", "50%", MinNodes(50, percent=True), id="min-nodes, percentage"),
    pytest.param("--lease-timeout", "15", 15, id="shortest lease-timeout"),
    pytest.param("--lease-timeout", "3600", 3600, id="longest lease-timeout"),
    pytest.param("--lease-timeout", "0", 0, id="lease-timeout, off"),
    pytest.param("--ready-service", "traefik/traefik", ("traefik/traefik",), id="ready-service"),
    pytest.param("--ready-service", f"{'a' * 63}/b-2", (f"{'a' * 63}/b-2",), id="ready-service, longest namespace"),
    pytest.param("--probe", "https://a.example/", (Probe("https", 443, "a.example", "/"),), id="https"),
    pytest.param(
        "--probe", "https://A.example:8443/b/c?d=e%20f", (Probe("https", 8443, "a.example", "/b/c?d=e%20f"),), id="url"
    ),
    pytest.param("--ip-family", "IPv4", (4,), id="IPv4 only"),
    pytest.param("--ip-family", "IPv6", (6,), id="IPv6 only"),
    pytest.param("--exclude-address", "5.75.128.0/24", (ip_network("5.75.128.0/24"),), id="network"),
    pytest.param("--exclude-address", "2a01:4f8::/32", (ip_network("2a01:4f8::/32"),), id="IPv6 network"),
    pytest.param("--exclude-address", "5.75.128.10", (ip_network("5.75.128.10/32"),), id="one address"),
    pytest.param("--exclude-taint", "example.com/draining", ("example.com/draining",), id="taint"),
    pytest.param("--exclude-taint", "example.com/*", ("example.com/*",), id="taints of a prefix"),
    pytest.param("--min-ready-seconds", "0", 0, id="min-ready-seconds, off"),
    pytest.param("--min-ready-seconds", "86400", 86400, id="longest min-ready-seconds"),
    pytest.param("--place", "fsn1=50.48,12.37", (("fsn1", Coordinates.parse("50.48,12.37")),), id="place"),
    pytest.param(
        "--place", "syd=-33.87,151.21", (("syd", Coordinates.parse("-33.87,151.21")),), id="place in the south"
    ),
    pytest.param("--routing", "auto", "auto", id="routing, auto"),
    pytest.param("--routing", "multivalue", "multivalue", id="routing, multivalue"),
    pytest.param("--default-coordinates", "0,0", Coordinates.parse("0.00,0.00"), id="default coordinates"),
    pytest.param("--zone-id", "Z2ABCDEFGHIJKL", "Z2ABCDEFGHIJKL", id="zone id"),
    pytest.param("--zone-id", "/hostedzone/Z2ABCDEFGHIJKL", "Z2ABCDEFGHIJKL", id="zone id as AWS writes it"),
    pytest.param("--publish-to", "dnsendpoint", "dnsendpoint", id="place to publish to"),
    pytest.param("--dnsendpoint-namespace", "edge-dns", "edge-dns", id="namespace of the DNSEndpoints"),
    pytest.param("--output", "json", "json", id="output"),
    pytest.param("--log-format", "json", "json", id="log format"),
    pytest.param("--timeout", "15", 15, id="shortest timeout"),
    pytest.param("--kubeconfig", "/a b/config", "/a b/config", id="kubeconfig"),
    pytest.param("--context", "home", "home", id="context"),
    pytest.param("--node-name", "node-1.example.com", "node-1.example.com", id="node name"),
    pytest.param("--node-name", "a" * 253, "a" * 253, id="longest node name"),
    pytest.param("--cronjob", "kube-node-dns", ("kube-node-dns",), id="cronjob"),
    pytest.param("--namespace", "dns", "dns", id="namespace"),
    pytest.param("--min-interval", "1", 1, id="min-interval"),
    pytest.param("--interface", "eth*", ("eth*",), id="interface"),
    pytest.param("--interface", "en[op]?", ("en[op]?",), id="interface, character class"),
    pytest.param("--interface", "en[!x]", ("en[!x]",), id="interface, negated class"),
    pytest.param("--exclude-interface", "wg0", ("wg0",), id="exclude-interface"),
    *(pytest.param("--public-ip-from", cloud, (cloud,), id=cloud) for cloud in ("aws", "gcp", "azure")),
    *(
        pytest.param("--public-ip-from", url, (url,), id=url)
        for url in ("https://ip.example.com", "https://1.1.1.1/ip", "https://a.example:8443/b/c?d=e%20f")
    ),
]


@pytest.mark.parametrize(("name", "text", "value"), GOOD)
def test_good_values(name: str, text: str, value: object) -> None:
    """Each documented value is read, on the command line and from the option's variable."""
    assert given(name, text) == value
    assert from_environment(name, {OPTIONS[name].variable: text}) == value


PLACES = {"fsn1": "50.48,12.37", "nbg1": "49.45,11.08", "ash": "39.04,-77.49"}


BAD = [
    pytest.param("--domain", "192.0.2.1", "is not a domain name", id="domain"),
    pytest.param("--node-label-selector", "\udcff=a", "is not text in UTF-8", id="selector of bytes that are no text"),
    pytest.param("--ttl", "-1", "whole number of seconds from 0 to 2147483647", id="ttl below 0"),
    pytest.param("--ttl", "2147483648", "whole number of seconds from 0 to 2147483647", id="ttl too large"),
    pytest.param("--ttl", "1.5", "whole number of seconds", id="ttl with a fraction"),
    pytest.param("--ttl", "1m", "whole number of seconds", id="ttl with a unit"),
    pytest.param("--ttl", "\u0661", "whole number of seconds", id="ttl in Arabic digits"),
    pytest.param("--ttl", "9" * 5000, "whole number of seconds", id="ttl beyond what int() reads"),
    pytest.param("--min-nodes", "101%", "percentage from 0% to 100%", id="min-nodes above 100%"),
    pytest.param("--min-nodes", "-1", "number of nodes", id="min-nodes below 0"),
    pytest.param(
        "--lease-timeout", "14", "whole number of seconds from 15 to 3600, nor 0", id="lease-timeout below 15"
    ),
    pytest.param("--lease-timeout", "3601", "from 15 to 3600", id="lease-timeout too long"),
    pytest.param("--lease-timeout", "-1", "from 15 to 3600", id="lease-timeout below 0"),
    pytest.param("--lease-timeout", "off", "nor 0 for off", id="lease-timeout, off in words"),
    pytest.param("--lease-timeout", "\u0660", "nor 0 for off", id="lease-timeout, off in Arabic digits"),
    pytest.param("--ready-service", "traefik", "is not NAMESPACE/NAME", id="ready-service without a namespace"),
    pytest.param("--ready-service", "a/b/c", "is not NAMESPACE/NAME", id="ready-service of three parts"),
    pytest.param("--ready-service", "a/", "is not NAMESPACE/NAME", id="ready-service without a name"),
    pytest.param("--ready-service", "/b", "is not NAMESPACE/NAME", id="ready-service of no namespace"),
    pytest.param("--ready-service", "Traefik/traefik", "is not NAMESPACE/NAME", id="ready-service in capitals"),
    pytest.param("--ready-service", f"a/{'b' * 64}", "is not NAMESPACE/NAME", id="ready-service too long"),
    pytest.param("--ready-service", "a/b,c!=d", "is not NAMESPACE/NAME", id="a selector for a ready-service"),
    pytest.param("--probe", "443", "is neither tcp:PORT nor a URL", id="probe without a protocol"),
    *(
        pytest.param("--public-ip-from", text, "is neither aws, gcp, azure nor https://HOST", id=f"source {text!r}")
        for text in (
            *("AWS", "oracle", "ip.example.com", "http://ip.example.com", "https://", "https:///ip", "https://a:0/"),
            *("https://a:65536/", "https://user@a.example/", "https://a.example/#b", "https://a.example/b c"),
            *("https://a.example/\r\nX:", "https://b\u00fccher.example/"),
        )
    ),
    pytest.param("--ip-family", "ipv4", "is not IPv4 or IPv6", id="family in small letters"),
    pytest.param("--ip-family", "4", "is not IPv4 or IPv6", id="family as a number"),
    pytest.param("--exclude-address", "5.75.128.1/24", "without host bits", id="network with host bits"),
    pytest.param("--exclude-address", "5.75.128", "is not an address or a network", id="part of an address"),
    pytest.param("--exclude-taint", "a/b/", "is not the key of a taint", id="taint that ends in a slash"),
    pytest.param("--exclude-taint", "*", "is not the key of a taint", id="any taint"),
    pytest.param("--exclude-taint", "a=b:NoSchedule", "is not the key of a taint", id="taint with value and effect"),
    pytest.param("--min-ready-seconds", "-1", "from 0 to 86400", id="min-ready-seconds below 0"),
    pytest.param("--min-ready-seconds", "86401", "from 0 to 86400", id="min-ready-seconds too long"),
    pytest.param("--place", "50.48,12.37", "is not VALUE=LAT,LON", id="place without a label"),
    pytest.param("--routing", "latency", "is not one of auto, simple, geoproximity, multivalue", id="routing"),
    pytest.param("--probe", "tcp:65536", "port from 1 to 65535", id="port too large"),
    pytest.param("--default-coordinates", "91,0", "is not between -90 and 90", id="coordinates out of range"),
    pytest.param("--zone-id", "example.com", "is not the id of a hosted zone", id="a name for a zone id"),
    pytest.param("--output", "yaml", "is not one of text, json", id="output"),
    pytest.param("--log-format", "JSON", "is not one of text, json", id="log format"),
    pytest.param("--timeout", "14", "whole number of seconds from 15", id="timeout below 15"),
    pytest.param("--node-name", "Node_1", "is not the name of a", id="node name"),
    pytest.param("--node-name", "a/b", "is not the name of a", id="node name with a slash"),
    pytest.param("--node-name", "a" * 254, "is not the name of a", id="node name too long"),
    pytest.param("--cronjob", "Sync!", "is not the name of a", id="cronjob"),
    pytest.param("--namespace", "a b", "is not the name of a", id="namespace"),
    pytest.param("--min-interval", "soon", "whole number of seconds", id="min-interval"),
    pytest.param("--min-interval", "0", "from 1 to 3600", id="min-interval of nothing"),
    pytest.param("--min-interval", "3601", "from 1 to 3600", id="min-interval too long"),
    pytest.param("--health-check", "443", "is neither tcp:PORT nor a URL", id="health check without a protocol"),
    pytest.param("--health-check-interval", "20", "is not one of 30, 10", id="health-check-interval"),
    pytest.param("--interface", "eth0:1", "without alias labels", id="interface with an alias label"),
    pytest.param("--interface", "e/th", "is not a glob", id="interface with a slash"),
    pytest.param("--exclude-interface", "eth[0", "is not a glob", id="interface with an open class"),
]


@pytest.mark.parametrize(("name", "text", "words"), BAD)
def test_bad_values(name: str, text: str, words: str) -> None:
    """A wrong value is refused; the message names option or variable, value and what is expected."""
    variable = OPTIONS[name].variable
    with pytest.raises(ConfigurationError, match=f"^{name}: ") as on_the_command_line:
        given(name, text)
    with pytest.raises(ConfigurationError, match=f"^{variable}: ") as in_the_environment:
        from_environment(name, {variable: text})
    assert repr(without_login(text))[:40] in str(on_the_command_line.value)
    assert words in str(on_the_command_line.value)
    assert words in str(in_the_environment.value)


@pytest.mark.parametrize("name", ["--domain", "--ttl", "--min-nodes", "--zone-id", "--kubeconfig", "--node-name"])
def test_an_empty_value_on_the_command_line(name: str) -> None:
    """An empty value on the command line is refused. It may be a shell variable that is not set."""
    with pytest.raises(ConfigurationError, match=f"{name}: "):
        given(name, "")


def test_an_empty_selector_is_all_nodes() -> None:
    """An empty `--node-label-selector` is accepted, and means all nodes."""
    assert given("--node-label-selector", "") == ""


@pytest.mark.parametrize("name", OPTIONS)
def test_each_option_has_its_twin(name: str) -> None:
    """Each option has a variable of its own name."""
    assert OPTIONS[name].variable == "KUBE_NODE_DNS_" + name.removeprefix("--").replace("-", "_").upper()


@pytest.mark.parametrize("empty", [pytest.param("", id="empty"), pytest.param(" \n", id="blank")])
@pytest.mark.parametrize("name", OPTIONS)
def test_an_empty_variable_is_unset(name: str, empty: str) -> None:
    """An empty or blank variable gives the option's default."""
    option = OPTIONS[name]
    assert from_environment(name, {option.variable: empty}) == option.default


def test_the_option_wins() -> None:
    """An option on the command line wins over its variable."""
    assert value(OPTIONS["--ttl"], "5", {"KUBE_NODE_DNS_TTL": "6"}) == 5


def test_the_option_wins_over_a_broken_variable() -> None:
    """An option on the command line wins over a variable whose value is wrong."""
    assert value(OPTIONS["--ttl"], "5", {"KUBE_NODE_DNS_TTL": "soon"}) == 5


def test_a_list_on_the_command_line_replaces_the_variables() -> None:
    """A list on the command line replaces that of the variable."""
    found = value(OPTIONS["--domain"], ["a.example"], {"KUBE_NODE_DNS_DOMAIN": "b.example"})
    assert found == ("a.example",)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a.example,b.example", id="commas"),
        pytest.param("a.example b.example", id="spaces"),
        pytest.param("a.example\nb.example\n", id="lines"),
        pytest.param("\ta.example ,\n b.example, ", id="both"),
        pytest.param(",a.example,,b.example,", id="empty parts"),
        pytest.param("a.example, b.example,\t,", id="separators at the end"),
        pytest.param("a.example b.example A.Example.", id="each once"),
    ],
)
def test_lists_in_a_variable(text: str) -> None:
    """A list in a variable is separated by commas or white space, and has each domain once."""
    assert from_environment("--domain", {"KUBE_NODE_DNS_DOMAIN": text}) == ("a.example", "b.example")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        pytest.param("--ready-service", "a/b, c/d a/b", ("a/b", "c/d"), id="services"),
        pytest.param("--probe", "tcp:443,tcp:80\ntcp:443", (Probe("tcp", 443), Probe("tcp", 80)), id="ports"),
        pytest.param("--ip-family", "IPv6,IPv4", (6, 4), id="families"),
        pytest.param("--exclude-taint", "a/*, b", ("a/*", "b"), id="taints"),
        pytest.param(
            "--exclude-address",
            "5.75.0.0/16,2a01::/16",
            (ip_network("5.75.0.0/16"), ip_network("2a01::/16")),
            id="nets",
        ),
        pytest.param(
            "--place",
            "fsn1=50.48,12.37\n  nbg1=49.45,11.08\tash=39.04,-77.49 ",
            tuple((name, Coordinates.parse(place)) for name, place in PLACES.items()),
            id="places: commas belong to coordinates",
        ),
    ],
)
def test_lists_of_checks_in_a_variable(name: str, text: str, value: object) -> None:
    """Lists of services, probes, families, taints, networks and places are read from their variables, each once."""
    assert from_environment(name, {OPTIONS[name].variable: text}) == value


LONG, SHORT = "https://h/q?a=1,2", "https://i.example/"


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        pytest.param(LONG, (LONG,), id="one"),
        pytest.param(f"{LONG},{SHORT}", (LONG, SHORT), id="two"),
        pytest.param(f" ,{SHORT}, , {LONG} ,\t{SHORT},", (SHORT, LONG), id="separators everywhere"),
    ],
)
@pytest.mark.parametrize(("name", "other"), [("--probe", "tcp:443"), ("--public-ip-from", "aws")])
def test_a_comma_in_a_url_does_not_split_it(name: str, other: str, text: str, entries: tuple[str, ...]) -> None:
    """A list of URLs is split on white space, and on a comma only where another entry begins."""
    found = from_environment(name, {OPTIONS[name].variable: f"{other},{text},{other}"})
    assert found == tuple(map(OPTIONS[name].parse, (other, *entries)))


@pytest.mark.parametrize("name", ["--probe", "--public-ip-from", "--health-check"])
def test_the_login_in_a_url_is_not_shown(name: str) -> None:
    """A refused URL is shown without the user and the password in it."""
    text = "https://me:SEC@RET@h.example/x"
    with pytest.raises(ConfigurationError, match=r"'https://\.\.\.@h\.example/x'") as on_the_command_line:
        given(name, text)
    with pytest.raises(ConfigurationError, match=r"'https://\.\.\.@h\.example/x'") as in_the_environment:
        from_environment(name, {OPTIONS[name].variable: text})
    assert "SEC" not in f"{on_the_command_line.value} {in_the_environment.value}"
    assert "RET" not in f"{on_the_command_line.value} {in_the_environment.value}"


@pytest.mark.parametrize("text", [pytest.param(",", id="a comma"), pytest.param(" , ,\n", id="separators")])
def test_a_list_of_nothing_is_unset(text: str) -> None:
    """A list of separators alone is empty. A template may join an empty list."""
    assert from_environment("--interface", {"KUBE_NODE_DNS_INTERFACE": text}) == ()


@pytest.mark.parametrize("name", [option.name for option in OPTIONS.values() if option.flag])
@pytest.mark.parametrize(
    ("text", "value"), [pytest.param("true", True, id="true"), pytest.param("false", False, id="false")]
)
def test_booleans_in_a_variable(name: str, text: str, *, value: bool) -> None:
    """A switch's variable takes `true` and `false`."""
    assert from_environment(name, {OPTIONS[name].variable: text}) is value


@pytest.mark.parametrize("text", ["1", "yes", "on", "no", "tru"])
def test_other_words_are_no_booleans(text: str) -> None:
    """A switch's variable takes no other words, such as 1, yes or no, and the message says so."""
    with pytest.raises(ConfigurationError, match=f"KUBE_NODE_DNS_DRY_RUN: '{text}' is neither true nor false"):
        from_environment("--dry-run", {"KUBE_NODE_DNS_DRY_RUN": text})


@pytest.mark.parametrize(
    ("on_command_line", "variable", "expected"),
    [
        pytest.param(True, "false", True, id="the option wins"),
        pytest.param(False, "true", True, id="not given"),
        pytest.param(None, "", False, id="neither"),
    ],
)
def test_a_flag_and_its_variable(variable: str, *, on_command_line: bool | None, expected: bool) -> None:
    """A switch on the command line wins over its variable; without either it is off."""
    assert value(OPTIONS["--dry-run"], on_command_line, {"KUBE_NODE_DNS_DRY_RUN": variable}) is expected


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        pytest.param({"KUBE_NODE_NAME": "a"}, "a", id="the downward API's variable"),
        pytest.param({"KUBE_NODE_NAME": "a", "KUBE_NODE_DNS_NODE_NAME": "b"}, "b", id="the twin wins"),
        pytest.param({"KUBE_NODE_NAME": "a", "KUBE_NODE_DNS_NODE_NAME": ""}, "a", id="an empty twin is unset"),
        pytest.param({}, None, id="neither"),
    ],
)
def test_the_name_of_the_node(environ: dict[str, str], name: str | None) -> None:
    """The node's name comes from `KUBE_NODE_DNS_NODE_NAME`, or else from `KUBE_NODE_NAME`."""
    assert from_environment("--node-name", environ) == name


def test_a_bad_node_name_names_its_variable() -> None:
    """A wrong name in `KUBE_NODE_NAME` is reported under that variable."""
    with pytest.raises(ConfigurationError, match="KUBE_NODE_NAME: 'A' is not the name of a"):
        from_environment("--node-name", {"KUBE_NODE_NAME": "A"})


CLUSTER = {"kubeconfig": None, "context": None, "log_format": "text", "verbose": False}
JOB = {"dry_run": False, "output": "text", "timeout": None, **CLUSTER}
JUDGING = {
    "node_label_selector": "",
    "lease_timeout": 25,
    "ready_service": (),
    "probe": (),
    "ip_family": (),
    "exclude_address": (),
    "exclude_taint": (),
    "external_ip": False,
    "publish_cordoned": False,
    "min_ready_seconds": 0,
    "place": (),
    "default_coordinates": None,
}


@pytest.mark.parametrize(
    ("command", "defaults"),
    [
        pytest.param(
            SyncSettings,
            {
                "domain": (),
                "ttl": 60,
                "min_nodes": MinNodes(1),
                "routing": "auto",
                "publish_to": "route53",
                "dnsendpoint_namespace": None,
                "zone_id": None,
                "health_check": None,
                "health_check_interval": None,
                "wait": False,
                **JUDGING,
                **JOB,
            },
            id="sync-once",
        ),
        pytest.param(
            AnnotateSettings,
            {"node_name": None, "interface": (), "exclude_interface": (), "public_ip_from": (), **JOB},
            id="annotate-once",
        ),
        pytest.param(
            WatchSettings, {"cronjob": (), "namespace": None, "min_interval": 5, **JUDGING, **CLUSTER}, id="watch"
        ),
    ],
)
def test_defaults(command: type[Any], defaults: dict[str, object]) -> None:
    """Each command has the documented defaults."""
    assert vars(settings(command, {}, {})) == defaults
