"""`python -m tests.bench.against REVISION`: what the jobs cost in a pod, beside those of an older revision.

Both are installed with uv, each into an environment of its own, and run in turn against the same small cluster where
a pod's service account is mounted. Prints a Markdown table: medians of whole processes, and the ratio of the two.
"""

import argparse
import io
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.costs import turns
from tests.bench.figures import written
from tests.bench.launcher import Launcher, Usage
from tests.bench.readme import publish, rows
from tests.bench.scenes import OURS, SELECTOR, SELF, Scene, Size, pod
from tests.support.large_clusters import kilobytes
from tests.support.watching import follows, job_number, started

ROOT = Path(__file__).parents[2]
SECONDS = 60.0
"""How long runs are repeated."""
SETTLING_SECONDS = 12.0  # a watcher has looked at the Leases twice by then

ANNOTATE, NO_OP, WATCH = "annotate-once", "no-op sync-once", "watch"
TARGETS = {
    (ANNOTATE, "CPU s"): "0.40 of a5bf974",
    (ANNOTATE, "peak MB"): "34 MB",
    (NO_OP, "CPU s"): "0.65 of a5bf974",
    (WATCH, "resident MB"): "38 MB",
}
"""What the design promises of a cluster of 50 nodes."""


@dataclass
class Revision:
    """A revision as installed, and what its runs took."""

    name: str
    program: str
    usages: dict[str, list[Usage]] = field(default_factory=dict)
    resident: list[float] = field(default_factory=list)

    def figures(self) -> dict[tuple[str, str], list[float]]:
        """Give every figure of each job."""
        found: dict[tuple[str, str], list[float]] = {}
        for job, usages in self.usages.items():
            found[job, "CPU s"] = [usage.cpu_seconds for usage in usages]
            found[job, "peak MB"] = [usage.peak_megabytes for usage in usages]
        return {**found, (WATCH, "resident MB"): self.resident}


def main() -> None:
    """Install both, measure, and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.against", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("revision", help="a commit, as git names it")
    parser.add_argument("--repetitions", type=int, metavar="N", help=f"runs of each (as many as {SECONDS:.0f} s allow)")
    parser.add_argument("--nodes", type=int, default=50, metavar="N", help="how large the cluster is (50)")
    parser.add_argument("--write", action="store_true", help="put the table into tests/README.md")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, Scene(Size(nodes=arguments.nodes)) as scene:
        home = Path(folder)
        revisions = [_older(arguments.revision, home / "old"), Revision("here", _installed(ROOT, home / "new"))]
        _measure(revisions, scene, pod([scene], home / "account"), arguments.repetitions)
    publish("against", table(*revisions), write=arguments.write)


def _older(revision: str, folder: Path) -> Revision:
    """Take an older revision's files out of git and install it."""
    archive = subprocess.run(["git", "archive", revision], cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder / "files", filter="data")
    return Revision(revision, _installed(folder / "files", folder / "environment"))


def _installed(files: Path, environment: Path) -> str:
    """Install the program as a user does; give the path of its command."""
    commands: tuple[list[str | Path], ...] = (
        ["uv", "venv", "--quiet", "--python", sys.executable, environment],
        ["uv", "pip", "install", "--quiet", "--compile-bytecode", "--python", environment / "bin" / "python", files],
    )
    for command in commands:
        subprocess.run(command, check=True)
    return str(environment / "bin" / "kube-node-dns")


def _measure(revisions: Sequence[Revision], scene: Scene, inside: Sequence[str], repetitions: int | None) -> None:
    environment = scene.environment(OURS)
    jobs = {
        ANNOTATE: ("annotate-once", "--node-name", SELF, "--interface", "lo"),
        NO_OP: ("sync-once", "--domain", *scene.size.domain_names, "--node-label-selector", SELECTOR),
    }
    with Launcher(inside) as launcher:

        def run(revision: Revision, job: str) -> Usage:
            ended = launcher.run([revision.program, *jobs[job]], environment)
            assert ended.status == 0, ended.said
            return ended.usage

        for revision in revisions:
            run(revision, NO_OP)  # the first of them publishes the nodes
        for number in turns(repetitions, SECONDS):
            for revision in revisions if number % 2 else revisions[::-1]:
                for job in jobs:
                    revision.usages.setdefault(job, []).append(run(revision, job))
    for revision in revisions:
        revision.resident.append(_resident([*inside, revision.program], scene, environment))


def _resident(command: Sequence[str], scene: Scene, environment: Mapping[str, str]) -> float:
    """Say how many megabytes a watcher holds once it has looked at everything."""
    scene.world.cluster.calls.clear()
    options = ("--cronjob", "sync", "--namespace", "default", "--node-label-selector", SELECTOR)
    with started(environment, *options, command=command) as watcher:
        job_number(scene.world, 1)
        follows(scene.world)
        time.sleep(SETTLING_SECONDS)
        return kilobytes(watcher.process.pid, "VmRSS") * 1024 / 1e6


def table(old: Revision, new: Revision) -> str:
    """Write the medians beside each other."""
    lines = [["in a pod", old.name, new.name, "ratio", "promised"]]
    before = old.figures()
    for what, figures in new.figures().items():
        was, is_now = statistics.median(before[what]), statistics.median(figures)
        lines.append([" ".join(what), written(was), written(is_now), written(is_now / was), TARGETS.get(what, "")])
    return rows(*lines)


if __name__ == "__main__":
    main()
