"""The benchmark: tables, JSON and plot show what was measured; and it runs."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.bench.against import NO_OP as NO_OP_IN_A_POD
from tests.bench.against import Revision, table
from tests.bench.costs import turns
from tests.bench.figures import (
    CHANGE,
    FAILED,
    NO_OP,
    START,
    Cost,
    Measure,
    Report,
    Spread,
    failures,
    growth,
    largest,
    spread,
    targets,
)
from tests.bench.launcher import Launcher, Usage
from tests.bench.plot import svg
from tests.bench.programs import BARE, EXTERNAL_DNS, ORIGINAL, OURS, VARIABLES, Program
from tests.bench.scenes import Account, Scene, Size
from tests.bench.tables import json_text, markdown, requests
from tests.sandbox.account import simple
from tests.support.packages import needed, owners
from tests.support.processes import bare_environment

LOOK = {"ListHostedZonesByName": 1, "ListResourceRecordSets": 1}
LARGE = Size(nodes=5_000)


def cost(job: str, size: Size, cpu: float, peak: float = 70.0, by: str = OURS) -> Cost:
    """Build the cost of three runs."""
    usages = tuple(Usage(cpu + more, 2 * (cpu + more), peak) for more in (-0.1, 0.0, 0.3))
    return Cost(job, by, size, usages, LOOK, {"list nodes": 1, "list leases": 1})


COSTS = (
    cost(START, Size(), 0.5, by=START),
    cost(NO_OP, Size(nodes=3), 0.55),
    cost(NO_OP, Size(), 0.6),
    cost(NO_OP, LARGE, 1.15, peak=105.0),
    cost(NO_OP, Size(record_sets=10_000), 0.6),
    cost(CHANGE, Size(), 0.7),
    Cost(NO_OP, EXTERNAL_DNS, Size(), (), {}, {}, "not given (EXTERNAL_DNS names no binary)"),
)
MEASURES = (
    Measure("Lease stops", "sandbox", "s", (31.0, 29.0, 30.0)),
    Measure("Lease stops", "kube-apiserver", "s", (), "not measured"),
)


def report(costs: tuple[Cost, ...] = COSTS) -> Report:
    """Build the report of a run."""
    return Report("2026-01-31", {"CPU": "2 cores of it"}, 3, costs, MEASURES, targets(costs, OURS), ("A note.",))


def rows(text: str) -> dict[str, list[str]]:
    """Give the rows of all tables by their first cells."""
    split = [
        [cell.strip() for cell in line.strip("| ").split("|")] for line in text.splitlines() if line.startswith("|")
    ]
    return {" | ".join(row[:3]): row[3:] for row in split}


def test_spread_is_median_and_quartiles() -> None:
    """A figure is the median with its quartiles. A single slow run does not pass for the rule."""
    assert spread([4.0, 1.0, 3.0, 2.0, 100.0]) == Spread(3.0, 2.0, 4.0, 5)
    assert spread([7.0]) == Spread(7.0, 7.0, 7.0, 1)


def test_figures_are_as_long_as_they_are_worth() -> None:
    """A figure has as many digits as are worth reading."""
    assert str(spread([0.6, 0.5, 0.9])) == "0.60 (0.55 to 0.75)"
    assert str(spread([1234.5])) == "1,234"
    assert str(spread([70.04])) == "70.0"


def test_table_shows_each_cost_at_its_size() -> None:
    """Each row names the job, the program and the size."""
    shown = rows(markdown(report()))
    assert shown["no-op sync | kube-node-dns | 5,000 nodes"][:2] == ["1.15 (1.10 to 1.30)", "2.30 (2.20 to 2.60)"]
    assert shown["no-op sync | kube-node-dns | 50 nodes, 10,000 record sets"][3:] == ["2", "2"]
    assert shown["no-op sync | ExternalDNS | 50 nodes"][0] == "not given (EXTERNAL_DNS names no binary)"
    assert shown["bare start-up |  | 50 nodes"][0] == "0.50 (0.45 to 0.65)"


def test_table_names_date_machine_and_what_was_not_measured() -> None:
    """The report names its date, its machine and what was not measured."""
    text = markdown(report())
    assert "2026-01-31" in text
    assert "CPU 2 cores of it" in text
    assert "A note." in text
    assert "| Lease stops | sandbox | 30.0 (29.5 to 30.5) s |  |" in text
    assert "| Lease stops | kube-apiserver |  | not measured |" in text


def test_targets_stand_beside_what_was_measured() -> None:
    """Each target is shown with what was measured: met, missed or not measured."""
    shown = markdown(report())
    assert "| CPU of a no-op at 50 nodes ÷ bare start-up | 1.20 | 1.20 | met |" in shown
    assert "| memory at 5,000 nodes above 3 | 40.0 MB | 35.0 MB | met |" in shown
    assert "| requests to Route 53 in a zone of 10,000 record sets ÷ in a small one | 1.00 | 1.00 | met |" in shown
    assert "| CPU at 5,000 nodes above 3 | 0.50 s | 0.60 s | MISSED |" in shown
    assert "| CPU in 500 zones ÷ in a small one | 1.10 |  | not measured |" in shown


def test_own_failures_are_errors_and_those_of_others_findings() -> None:
    """A run of ours that fails is an error; one of an alternative is a finding."""
    broken = Cost(NO_OP, OURS, LARGE, (), {}, {}, f"{FAILED}: exit status 1: no time left")
    theirs = Cost(NO_OP, EXTERNAL_DNS, LARGE, (), {}, {}, f"{FAILED}: exit status 1: refused")
    assert failures(report()) == []
    assert failures(report((*COSTS, theirs))) == []
    (named,) = failures(report((*COSTS, theirs, broken)))
    assert "no time left" in named
    assert rows(markdown(report((broken,))))["no-op sync | kube-node-dns | 5,000 nodes"][0] == broken.remark


def test_requests_that_write_are_told_apart() -> None:
    """Requests that write are counted apart."""
    assert requests(LOOK) == "2"
    assert requests({"list nodes": 2, "create events": 1, "patch nodes": 1}) == "4 (2 writes)"
    assert requests(largest([LOOK, {**LOOK, "ChangeResourceRecordSets": 1}, {}])) == "3 (1 write)"


def test_growth_is_along_one_dimension() -> None:
    """A line of the plot grows in one dimension, the others being as usual."""
    assert [size for size, _ in growth(COSTS, NO_OP, OURS, "nodes")] == [3, 50, 5_000]
    assert [size for size, _ in growth(COSTS, NO_OP, OURS, "record_sets")] == [10, 10_000]
    assert growth(COSTS, NO_OP, EXTERNAL_DNS, "nodes") == []


def test_json_holds_every_run_beside_its_summary() -> None:
    """The JSON has every run's figures beside their summary."""
    document = json.loads(json_text(report()))
    (large,) = [row for row in document["costs"] if (row["job"], row["size"]["nodes"]) == (NO_OP, 5_000)]
    assert [usage["cpu_seconds"] for usage in large["usages"]] == pytest.approx([1.05, 1.15, 1.45])
    assert large["cpu_seconds"] == {"median": 1.15, "low": pytest.approx(1.1), "high": pytest.approx(1.3), "count": 3}
    assert large["route53"] == LOOK
    assert {row["verdict"] for row in document["targets"]} == {"met", "MISSED", "not measured"}
    assert [row.get("spread", {}).get("median") for row in document["measures"]] == [30.0, None]


def test_plot_is_the_same_for_the_same_numbers() -> None:
    """The same numbers make the same plot, readable on a dark page too."""
    drawn = svg(report())
    assert ET.fromstring(drawn).tag.endswith("svg")  # noqa: S314 - our own
    assert svg(report()) == drawn
    assert "fill: #ffffff" in drawn
    assert "<dc:date>" not in drawn
    assert all(words in drawn for words in ("CPU, s", "peak memory, MB", f"{OURS}: {NO_OP}", START))
    assert len(drawn) < 60_000


def test_plot_of_nothing_is_a_plot() -> None:
    """A report without figures makes a plot too.

    The figures of a long run are not lost because one of them is missing.
    """
    assert ET.fromstring(svg(report(()))).tag.endswith("svg")  # noqa: S314 - our own


def test_two_revisions_stand_beside_each_other() -> None:
    """The medians of both are shown with their ratio and what is promised of it."""
    runs = {"old": (0.8, 0.9, 1.0), "new": (0.4, 0.45, 0.9)}
    old, new = (
        Revision(name, name, {NO_OP_IN_A_POD: [Usage(cpu, 1.0, 50.0) for cpu in cpus]}, [40.0])
        for name, cpus in runs.items()
    )
    lines = table(old, new).splitlines()
    assert lines[0] == "|  | old | new | ratio | promised |"
    assert f"| {NO_OP_IN_A_POD} CPU s | 0.90 | 0.45 | 0.50 | 0.65 of a5bf974 |" in lines
    assert "| watch resident MB | 40.0 | 40.0 | 1.00 | 38 MB |" in lines


def test_turns_are_as_many_as_asked_for_or_as_fit() -> None:
    """There are as many turns as asked for, or as fit into the time, but three at least."""
    assert list(turns(2, seconds=0)) == [1, 2]
    assert list(turns(None, seconds=0)) == [1, 2, 3]
    assert next(number for number in turns(None, seconds=3600) if number > 100) == 101


def test_memory_of_a_child_is_its_own() -> None:
    """A process's peak memory does not include what the benchmark itself holds."""
    ballast = bytearray(60_000_000)
    with Launcher() as launcher:
        small = launcher.run([sys.executable, "-c", ""], bare_environment())
        large = launcher.run([sys.executable, "-c", "len(bytearray(50_000_000))"], bare_environment())
        failed = launcher.run([sys.executable, "-c", "import sys; sys.exit('no')"], bare_environment())
    assert small.usage.peak_megabytes < 20
    assert 50 < large.usage.peak_megabytes < len(ballast) / 1e6 + 10
    assert (small.status, small.said) == (0, "")
    assert (failed.status, failed.said) == (1, "no\n")


def test_program_that_stays_is_ended_once_it_has_written() -> None:
    """A program that stays is ended once it has written, not before."""
    seen = []
    with Scene(Size(nodes=0)) as scene, Launcher() as launcher:
        account = scene.account(ORIGINAL)
        scene.forget(ORIGINAL)
        end = Program(ORIGINAL, None, lambda _: []).during(account)

        def write(pid: int) -> None:
            seen.append(len(account.service.history))
            account.service.put(account.zone, simple("cdn.example.com", "A", "5.75.0.1"))
            end(pid)

        ended = launcher.run([sys.executable, "-c", "import time; time.sleep(100)"], bare_environment(), write)
    assert seen == [0]
    assert ended.status == -signal.SIGTERM


def test_measured_processes_see_what_an_installation_has() -> None:
    """Measured processes load only packages that an installation has.

    The development tools would make every start look slower than a user's.
    """
    asked = f"import runpy, sys; runpy.run_path({BARE!r}); print(*sys.modules)"
    with Scene(Size(nodes=0)) as scene:
        command, environment = [sys.executable, "-c", asked], scene.environment(OURS)
        loaded = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    packages = owners(loaded.split())
    assert {"boto3", "kubernetes"} <= packages
    assert packages - needed(["kube-node-dns"]) == set()


def test_account_is_put_back_after_a_change() -> None:
    """After a change the account is put back as it was.

    Otherwise the next run would find nothing to change, and look fast.
    """
    account = Account(Size(record_sets=12))
    account.service.put(account.zone, simple("cdn.example.com", "A", "5.75.0.1"))
    account.keep()
    before = account.service.records(account.zone)
    old, new = simple("cdn.example.com", "A", "5.75.0.1"), simple("cdn.example.com", "A", "5.75.0.2")
    changes = (("DELETE", old), ("CREATE", new), ("CREATE", simple("new.example.com", "TXT", '"x"')))
    account.service.change(account.zone, *({"Action": action, "ResourceRecordSet": each} for action, each in changes))
    assert account.shown() == [{"5.75.0.2"}]
    account.restore()
    assert account.service.records(account.zone) == before
    assert account.shown() == [{"5.75.0.1"}]


def test_it_runs(tmp_path: Path) -> None:
    """`python -m tests.bench --quick` measures, and writes its tables, its JSON and its plot."""
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES.values()}
    files = {name: tmp_path / f"bench.{name}" for name in ("json", "svg")}
    options = ["--quick", "--json", str(files["json"]), "--svg", str(files["svg"])]
    command = [sys.executable, "-m", "tests.bench", *options]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    shown = rows(ended.stdout)
    assert shown["no-op sync | kube-node-dns | 3 nodes"][3:] == ["2", "2"]
    assert shown["one-node change | kube-node-dns | 3 nodes"][3].endswith("(1 write)")
    assert shown[f"{NO_OP} | {ORIGINAL} | 50 nodes"][0].startswith("not given")
    assert json.loads(files["json"].read_text("utf-8"))["repetitions"] == 1
    assert ET.parse(files["svg"]).getroot().tag.endswith("svg")  # noqa: S314 - our own
