"""The Dockerfile as data: stages of instructions, read as an engine reads them."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

ROOT = Path(__file__).parents[3]
DOCKERFILE = ROOT / "Dockerfile"


@dataclass(frozen=True)
class Instruction:
    """A keyword and the rest of its logical line."""

    keyword: str
    text: str


@dataclass(frozen=True)
class Stage:
    """What is between two FROM."""

    instructions: tuple[Instruction, ...]

    def texts(self, keyword: str) -> tuple[str, ...]:
        """Give what every instruction of a kind says."""
        return tuple(each.text for each in self.instructions if each.keyword == keyword)

    def text(self, keyword: str) -> str:
        """Give what the last instruction of a kind says: it alone counts."""
        return self.texts(keyword)[-1]

    def pairs(self, keyword: str, **known: str) -> Mapping[str, str]:
        """Read every `NAME=value` of ENV, LABEL or ARG; `$NAME` stands for what is known, or was set before."""
        found: dict[str, str] = {}
        for text in self.texts(keyword):
            for word in shlex.split(text):
                name, _, value = word.partition("=")
                found[name] = Template(value).substitute({**known, **found})
        return found

    @property
    def entry_point(self) -> tuple[str, ...]:
        """The command that a container runs, in front of its arguments."""
        return tuple(json.loads(self.text("ENTRYPOINT")))


def stages(text: str) -> tuple[Stage, ...]:
    """Read a Dockerfile; what comes before the first FROM is a stage too."""
    read: list[list[Instruction]] = [[]]
    for line in _logical_lines(text):
        keyword, _, rest = line.partition(" ")
        if keyword == "FROM":
            read.append([])
        read[-1].append(Instruction(keyword, rest.strip()))
    return tuple(Stage(tuple(each)) for each in read)


def _logical_lines(text: str) -> Iterator[str]:
    """Leave out comments, also between continued lines, and join what a backslash continues."""
    written = "\n".join(line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))
    yield from re.sub(r"\\\n", "", written).splitlines()
