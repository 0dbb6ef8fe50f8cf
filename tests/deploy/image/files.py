"""The directory that the image adds to its base: made by the Dockerfile's own commands, measured, and run from."""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.deploy.image.dockerfile import DOCKERFILE, ROOT, Stage, stages
from tests.sandbox.world import Finished

INSTALLED = "/opt/kube-node-dns"
"""Where the directory is in the image."""
GLOBAL, BUILD, FINAL = stages(DOCKERFILE.read_text(encoding="utf-8"))
_NOT_OURS = ("AWS_", "COVERAGE_", "KUBE", "PYTHON", "VIRTUAL_ENV")
"""Variables of this process that a container engine would not hand on."""


class NotBuiltError(Exception):
    """A command of the Dockerfile failed; its output."""


@dataclass(frozen=True)
class Image:
    """The program's directory, at another place than in the image."""

    prefix: Path

    @property
    def command(self) -> tuple[str, ...]:
        """The image's entry point, found as the image's PATH finds it."""
        program, *arguments = FINAL.entry_point
        return (str(shutil.which(program, path=self.environment["PATH"])), *arguments)

    @property
    def environment(self) -> dict[str, str]:
        """The image's environment: no HOME, and nothing of this process."""
        found = FINAL.pairs("ENV", PATH="/usr/local/bin:/usr/bin:/bin")
        return {name: value.replace(INSTALLED, str(self.prefix)) for name, value in found.items()}

    @property
    def packages(self) -> Path:
        """Where the packages are."""
        (found,) = self.prefix.glob("lib/python3.*/site-packages")
        return found

    def files(self) -> Iterator[Path]:
        """Go through all files; links do not count, they weigh nothing."""
        return (path for path in self.prefix.rglob("*") if path.is_file() and not path.is_symlink())

    def sizes(self) -> Mapping[str, int]:
        """Add up the bytes by package, sources and bytecode together."""
        sizes: Counter[str] = Counter()
        for path in self.files():
            sizes[_owner(path.relative_to(self.prefix).parts)] += path.stat().st_size
        return sizes

    def run(self, *arguments: str, inside: Sequence[str] = (), **variables: str) -> Finished:
        """Run the program to its end with the image's environment and these variables; `inside` runs a command."""
        return subprocess.run(
            [*inside, *self.command, *arguments],
            env=self.environment | variables,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )


def _owner(parts: Sequence[str]) -> str:
    if "site-packages" in parts:
        return parts[parts.index("site-packages") + 1].partition(".cpython-")[0].removesuffix(".py")
    return "Python's own library (bytecode)" if parts[0] == "bytecode" else "virtual environment"


def build(prefix: Path, stage: Stage = BUILD) -> Image:
    """Follow the build stage's instructions; raises NotBuiltError with the output of the command that failed."""
    handed_on = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_OURS)}
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    environment = {**handed_on, "PATH": path}
    with tempfile.TemporaryDirectory(prefix="kube-node-dns-") as source:
        for each in stage.instructions:
            match each.keyword:
                case "FROM" | "WORKDIR":
                    pass
                case "ENV":
                    words = (word.partition("=") for word in shlex.split(each.text))
                    environment |= {name: value.replace(INSTALLED, str(prefix)) for name, _, value in words}
                case "COPY":
                    _copy(shlex.split(each.text), Path(source))
                case "RUN":
                    _run(each.text, environment, source)
                case other:
                    raise NotBuiltError(f"{other} is not understood here")
    return Image(prefix)


def _copy(words: Sequence[str], source: Path) -> None:
    """Copy files of the repository as COPY does, without what .dockerignore keeps out."""
    *origins, target = words
    for origin in origins:
        if (ROOT / origin).is_dir():
            shutil.copytree(ROOT / origin, source / target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / origin, source / target)


def _run(script: str, environment: Mapping[str, str], directory: str) -> None:
    done = subprocess.run(
        ["sh", "-c", script],
        env=environment,
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        umask=0o022,  # as an engine does, whatever this user prefers
        text=True,
        check=False,
    )
    if done.returncode:
        raise NotBuiltError(f"{script}\n{done.stdout}")
