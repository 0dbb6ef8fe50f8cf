"""The options of the commands: each has an environment twin, and is declared as a member of the command's settings."""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from msgspec import Struct

from jobs.core.errors import ConfigurationError
from jobs.core.text import quoted, without_login, without_logins
from jobs.shell import values

PREFIX = "KUBE_NODE_DNS_"
NODE_NAME = "KUBE_NODE_NAME"

Chosen = TypeVar("Chosen", bound="Command")


def splits_before(*beginnings: str) -> str:
    """Give the pattern that splits a list of URLs, which may hold commas: on white space, and on a comma before these.

    Each beginning is a pattern of what an entry begins with.
    """
    return rf",*\s+,*|,+(?={'|'.join(beginnings)}|$)"


class Option(Struct):
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


def option(*arguments: Any, **more: Any) -> Any:  # noqa: ANN401 - each option has its own type
    """Declare a member of a command's settings as an option of the same name."""
    return Option(*arguments, **more)


class Command:
    """The values of a command's options, as members. What every command takes.

    No dataclass: making four of them would be a tenth of what annotate-once costs.
    """

    def __init__(self, **values: Any) -> None:  # noqa: ANN401 - each option has its own type
        """Take the values in the place of the declarations."""
        vars(self).update(values)

    kubeconfig: str | None = option(
        values.text, "kubeconfig file to log in with (KUBECONFIG, the pod's own, ~/.kube/config)", "FILE"
    )
    context: str | None = option(values.text, "context of the kubeconfig (its current one)", "NAME")
    log_format: str = option(
        values.choice("text", "json"), "form of the log on standard error (text)", "text|json", "text"
    )
    verbose: bool = option(values.truth, "log each API call with its duration", default=False, flag=True, short="-v")


class RunOptions(Command):
    """What a command takes that runs to its end."""

    dry_run: bool = option(values.truth, "show what would be done and change nothing", default=False, flag=True)
    output: str = option(
        values.choice("text", "json"), "form of the result on standard output (text)", "text|json", "text"
    )
    timeout: int | None = option(values.seconds(15, 86400), "limit of the whole run, at least 15 (45)", "SECONDS")


def options(command: type[Command]) -> tuple[Option, ...]:
    """List the options of a command, its own first."""
    return tuple(member for each in command.__mro__ for member in vars(each).values() if isinstance(member, Option))


def settings(command: type[Chosen], given: Mapping[str, Any], environ: Mapping[str, str]) -> Chosen:
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
        words, shown = without_logins(str(error)), quoted(without_login(raw))
        raise ConfigurationError(f"{source}: {shown}{' ' if words.startswith('is ') else ': '}{words}") from error
