"""The options of every command, each with its environment twin, and how their values are read."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, TypeVar

from jobs.core.coordinates import Coordinates
from jobs.core.errors import ConfigurationError
from jobs.core.min_nodes import MinNodes
from jobs.core.place import parse_place
from jobs.core.probe import Probe
from jobs.core.text import quoted
from jobs.core.zones import parse_domain

PREFIX = "KUBE_NODE_DNS_"
NODE_NAME = "KUBE_NODE_NAME"

Settings = TypeVar("Settings", bound="_Command")


@dataclass
class Option:
    """One option. `parse` reads a single value and raises ValueError; `many` makes a tuple, `flag` takes no value.

    `key` is where argparse keeps its value, and the name of the member of the settings that declares it.
    """

    parse: Callable[[str], Any]
    help: str
    metavar: str = ""
    default: Any = None
    many: bool = False
    flag: bool = False
    short: str = ""
    also: str = ""
    splits_on: str = r"[,\s]+"
    key: str = ""

    def __set_name__(self, _: type, name: str) -> None:
        """Learn the name of the member that declares it."""
        self.key = name

    @property
    def name(self) -> str:
        """What it is called on the command line."""
        return f"--{self.key.replace('_', '-')}"

    @property
    def variable(self) -> str:
        """Its environment twin."""
        return PREFIX + self.key.upper()


def _text(value: str) -> str:
    if not value:
        raise ValueError("is empty")
    return value


def _selector(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("is no text in UTF-8") from None
    return value


def _seconds(lowest: int, highest: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not re.fullmatch("[0-9]{1,10}", value) or not lowest <= int(value) <= highest:
            raise ValueError(f"is not a whole number of seconds from {lowest} to {highest}")
        return int(value)

    return parse


def _seconds_or_off(lowest: int, highest: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if value.strip("0") == "" and value:
            return 0
        try:
            return _seconds(lowest, highest)(value)
        except ValueError as error:
            raise ValueError(f"{error}, nor 0 for off") from None

    return parse


def _choice(*words: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in words:
            raise ValueError(f"is not one of {', '.join(words)}")
        return value

    return parse


def _glob(value: str) -> str:
    if not re.fullmatch(r"([^\s/:\[\]]|\[!?\]?[^\s/:\[\]]*\])+", value, re.ASCII):
        raise ValueError("is not a glob over interface names (without alias labels), such as eth* or en[op]*")
    return value


def _zone_id(value: str) -> str:
    zone_id = value.removeprefix("/hostedzone/")
    if not re.fullmatch("[A-Z0-9]{1,32}", zone_id):
        raise ValueError("is not the id of a hosted zone, such as Z2ABCDEFGHIJKL")
    return zone_id


def _truth(value: str) -> bool:
    if value.lower() not in {"true", "false"}:
        raise ValueError("is neither true nor false")
    return value.lower() == "true"


def _object_name(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", value):
        raise ValueError("is not the name of a Kubernetes object: lower-case letters, digits, - and . only")
    return value


def _service(value: str) -> str:
    label = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
    if not re.fullmatch(f"{label}/{label}", value):
        raise ValueError("is not NAMESPACE/NAME of a Service, such as traefik/traefik")
    return value


def _family(value: str) -> int:
    families = {"IPv4": 4, "IPv6": 6}
    if value not in families:
        raise ValueError("is not IPv4 or IPv6")
    return families[value]


def _network(value: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(value)
    except ValueError:
        raise ValueError("is not an address or a network (CIDR) without host bits, such as 5.75.128.0/24") from None


def _taint(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?|[A-Za-z0-9][A-Za-z0-9._/-]*\*", value):
        raise ValueError("is not the key of a taint, such as example.com/maintenance; a trailing * is a prefix")
    return value


def _option(*arguments: Any, **more: Any) -> Any:  # noqa: ANN401 - each option has its own type
    """Declare a member of a command's settings as an option of the same name."""
    return Option(*arguments, **more)


class _Command:
    """The values of a command's options, as members. What every command takes.

    No dataclass: making four of them would be a tenth of what annotate-once costs.
    """

    def __init__(self, **values: Any) -> None:  # noqa: ANN401 - each option has its own type
        """Take the values in the place of the declarations."""
        vars(self).update(values)

    kubeconfig: str | None = _option(
        _text, "kubeconfig file to log in with (KUBECONFIG, the pod's own, ~/.kube/config)", "FILE"
    )
    context: str | None = _option(_text, "context of the kubeconfig (its current one)", "NAME")
    log_format: str = _option(_choice("text", "json"), "form of the log on standard error (text)", "text|json", "text")
    verbose: bool = _option(_truth, "log each API call with its duration", default=False, flag=True, short="-v")


class _Job(_Command):
    """What a command takes that runs to its end."""

    dry_run: bool = _option(_truth, "show what would be done and change nothing", default=False, flag=True)
    output: str = _option(_choice("text", "json"), "form of the result on standard output (text)", "text|json", "text")
    timeout: int | None = _option(
        _seconds(15, 86400), "limit of the whole run, at least 15 (45; with --wait 120)", "SECONDS"
    )


class _Observer(_Command):
    """What a command takes that judges nodes."""

    node_label_selector: str = _option(
        _selector, "which nodes serve: a Kubernetes label selector (all)", "SEL", default=""
    )
    lease_timeout: int = _option(
        _seconds_or_off(15, 3600),
        "skip a node whose kubelet has not renewed its Lease for so long, at least 15, 0 for never (25)",
        "SECONDS",
        25,
    )
    ready_service: tuple[str, ...] = _option(
        _service,
        "skip a node on which no endpoint of this Service is ready, repeatable (none)",
        "NAMESPACE/NAME",
        (),
        many=True,
    )
    probe: tuple[Probe, ...] = _option(
        Probe.parse,
        "leave out addresses that do not answer: a TCP port, or an http:// or https:// URL, repeatable (none)",
        "tcp:PORT|URL",
        (),
        many=True,
    )
    ip_family: tuple[int, ...] = _option(
        _family, "publish the addresses of this family only, repeatable (both)", "IPv4|IPv6", (), many=True
    )
    exclude_address: tuple[IPv4Network | IPv6Network, ...] = _option(
        _network, "never publish addresses in this network, repeatable (none)", "CIDR", (), many=True
    )
    exclude_taint: tuple[str, ...] = _option(
        _taint, "skip nodes with a taint of this key, a trailing * is a prefix, repeatable (none)", "KEY", (), many=True
    )
    publish_cordoned: bool = _option(_truth, "let cordoned nodes serve on", default=False, flag=True)
    min_ready_seconds: int = _option(
        _seconds(0, 86400), "leave a node as it is in DNS until it has been Ready for so long (0)", "SECONDS", 0
    )
    place: tuple[tuple[str, Coordinates], ...] = _option(
        parse_place,
        "the place of nodes with this zone or region label that name none, repeatable; its variable splits on white "
        "space only (none)",
        "VALUE=LAT,LON",
        (),
        many=True,
        splits_on=r"\s+",
    )
    default_coordinates: Coordinates | None = _option(
        Coordinates.parse, "the place of all other nodes that name none (none)", "LAT,LON"
    )


class SyncSettings(_Job, _Observer):
    """What sync-once takes."""

    domain: tuple[str, ...] = _option(
        parse_domain, "domain to keep, repeatable, at least one; *.example.com too", "NAME", (), many=True
    )
    ttl: int = _option(_seconds(0, 2147483647), "time to live of the records (60)", "SECONDS", 60)
    min_nodes: MinNodes = _option(
        MinNodes.parse, "with fewer nodes, withdraw nothing and exit 3 (1)", "N|N%", MinNodes(1)
    )
    routing: str = _option(
        _choice("auto", "simple", "geoproximity", "multivalue"),
        "routing policy; auto is geoproximity once every selected node has a place (auto)",
        "POLICY",
        "auto",
    )
    zone_id: str | None = _option(_zone_id, "use this hosted zone instead of looking for it", "ID")
    wait: bool = _option(_truth, "return when Route 53 reports INSYNC", default=False, flag=True)


class AnnotateSettings(_Job):
    """What annotate-once takes."""

    node_name: str | None = _option(_object_name, "the node this runs on", "NAME", also=NODE_NAME)
    interface: tuple[str, ...] = _option(
        _glob, "look at these instead of all but container networking, repeatable", "GLOB", (), many=True
    )
    exclude_interface: tuple[str, ...] = _option(_glob, "never look at these, repeatable", "GLOB", (), many=True)


class WatchSettings(_Observer):
    """What watch takes."""

    cronjob: tuple[str, ...] = _option(
        _object_name, "CronJob whose template makes the sync Jobs, repeatable", "NAME", (), many=True
    )
    namespace: str | None = _option(_object_name, "where the CronJobs are (the pod's own namespace)", "NS")
    min_interval: int = _option(_seconds(1, 3600), "at most one Job in this time after the first (5)", "SECONDS", 5)


def options(command: type[_Command]) -> tuple[Option, ...]:
    """List the options of a command, its own first."""
    return tuple(member for each in command.__mro__ for member in vars(each).values() if isinstance(member, Option))


def settings(command: type[Settings], given: Mapping[str, Any], environ: Mapping[str, str]) -> Settings:
    """Give each option of a command its value: from the command line, else from its variable, else its default.

    Raises ConfigurationError that names the option or variable, the value and what it should be.
    """
    return command(**{option.key: value(option, given.get(option.key), environ) for option in options(command)})


def value(option: Option, given: Any, environ: Mapping[str, str]) -> Any:  # noqa: ANN401 - each option has its own
    """Give one option its value."""
    if option.flag and given:
        return True
    if given is not None and not option.flag:
        return _parsed(option, option.name, given)
    for variable in filter(None, (option.variable, option.also)):
        text = environ.get(variable, "").strip()
        found = [part for part in re.split(option.splits_on, text) if part] if option.many else text
        if found:
            return _parsed(option, variable, found)
    return option.default


def _parsed(option: Option, source: str, raw: str | list[str]) -> Any:  # noqa: ANN401 - each option has its own
    if isinstance(raw, list):
        return tuple(dict.fromkeys(_parsed(option, source, each) for each in raw))
    try:
        return option.parse(raw)
    except ValueError as error:
        words = str(error)
        raise ConfigurationError(f"{source}: {quoted(raw)}{' ' if words.startswith('is ') else ': '}{words}") from error


def misspelt(environ: Mapping[str, str]) -> list[str]:
    """Warn of variables that are no option's but look like one's: a slip would quietly leave a default in force.

    Each command knows the variables of all, for they share a file; others of the prefix may be Kubernetes' own, such
    as those that it sets for a Service.
    """
    ours = [name for name in environ if name.startswith(PREFIX)]
    if not ours:
        return []
    commands = (SyncSettings, AnnotateSettings, WatchSettings)
    known = {option.variable for command in commands for option in options(command)}
    strange = [name for name in ours if name not in known]
    if not strange:
        return []
    from difflib import get_close_matches  # noqa: PLC0415 - hardly a run needs it

    meant = {name: get_close_matches(name, sorted(known), n=1, cutoff=0.9) for name in strange}
    return [f"{name} is no option's variable: ignored; is {close[0]} meant?" for name, close in meant.items() if close]
