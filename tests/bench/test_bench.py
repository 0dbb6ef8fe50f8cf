"""The benchmark: its tables and its plot show what was measured, and each of its commands runs."""

import os
import signal
import subprocess
import sys
from contextlib import nullcontext
from xml.etree import ElementTree as ET

import pytest

from tests.bench import tables
from tests.bench.against import NO_OP as NO_OP_IN_A_POD
from tests.bench.against import Revision, table
from tests.bench.clusters import they_serve
from tests.bench.costs import turns
from tests.bench.figures import CHANGE, NO_OP, START, Cost, Spread, growth, largest, spread, targets, written
from tests.bench.launcher import Launcher, Usage
from tests.bench.plot import svg
from tests.bench.programs import VARIABLES, Program
from tests.bench.reaction import cell
from tests.bench.readme import README, place
from tests.bench.scenes import EXTERNAL_DNS, ORIGINAL, OURS, Account, Scene, Size
from tests.sandbox.account import simple
from tests.support.processes import bare_environment, network

LOOK = {"ListHostedZonesByName": 1, "ListResourceRecordSets": 1}
PROBED = Size(options=("--probe", "tcp:443"))


def cost(job: str, size: Size, cpu: float, peak: float = 70.0, by: str = OURS) -> Cost:
    """Build the cost of three runs."""
    usages = tuple(Usage(cpu + more, 2 * (cpu + more), peak) for more in (-0.1, 0.0, 0.3))
    return Cost(job, by, size, usages, LOOK, {"list nodes": 1, "list leases": 1})


COSTS = (
    cost(START, Size(), 0.5, by=START),
    cost(NO_OP, Size(nodes=3), 0.55),
    cost(NO_OP, Size(), 0.6),
    cost(NO_OP, Size(), 0.1, peak=80.0, by=EXTERNAL_DNS),
    cost(NO_OP, Size(nodes=5_000), 1.15, peak=105.0),
    cost(NO_OP, Size(record_sets=10_000), 0.6),
    cost(NO_OP, PROBED, 0.7),
    cost(CHANGE, Size(), 0.7),
)


def rows(text: str) -> dict[str, list[str]]:
    """Give the rows of a table by their first cells."""
    split = [[cell.strip() for cell in line[1:-1].split("|")] for line in text.splitlines()]
    return {row[0]: row[1:] for row in split}


def test_figures_are_medians_and_quartiles_as_long_as_they_are_worth() -> None:
    """A single slow run does not pass for the rule."""
    assert spread([4.0, 1.0, 3.0, 2.0, 100.0]) == Spread(3.0, 2.0, 4.0)
    assert spread([7.0]) == Spread(7.0, 7.0, 7.0)
    assert [written(each) for each in (0.6, 70.04, 1234.5)] == ["0.60", "70.0", "1,234"]


def test_tables_show_each_cost_at_its_size_beside_those_of_others() -> None:
    """Each row names the size; an alternative that failed says so there."""
    failed = Cost(NO_OP, EXTERNAL_DNS, Size(nodes=3), (), {}, {}, "FAILED: exit status 1")
    shown = rows(tables.syncs((*COSTS, failed), [OURS, EXTERNAL_DNS]))
    assert shown["50 nodes"] == ["0.60", "0.10", "70", "80", "2", "2", "2"]
    assert shown["50 nodes, 10,000 record sets in the zone"] == ["0.60", "", "70", "", "2", "", "2"]
    assert shown["50 nodes, `--probe tcp:443`"][0] == "0.70"
    assert shown["3 nodes"][:2] == ["0.55", "FAILED: exit status 1"]
    assert rows(tables.others(COSTS)) == {
        "other runs": ["CPU, s", "peak MB", "requests to Route 53", "to Kubernetes"],
        "---": ["---"] * 4,
        START: ["0.50", "70", "2", "2"],
        f"{CHANGE}, 50 nodes": ["0.70", "70", "2", "2"],
    }


def test_promises_stand_beside_what_was_measured() -> None:
    """Each is shown as met, missed, or not measured."""
    shown = rows(tables.promises(targets(COSTS, OURS)))
    assert shown["CPU, s: 5,000 nodes above 3"] == ["0.50", "0.60 MISSED"]
    assert shown["peak MB: 5,000 nodes above 3"] == ["40.0", "35.0"]
    assert shown["requests to Route 53: 500 zones above one"] == ["0.00", "not measured"]


def test_requests_that_write_are_counted_apart() -> None:
    """Of several runs, the one that sent most is shown."""
    assert tables.requests({"list nodes": 2, "create events": 1, "patch nodes": 1}) == "4 (2 writes)"
    assert tables.requests(largest([LOOK, {**LOOK, "ChangeResourceRecordSets": 1}, {}])) == "3 (1 write)"


def test_growth_is_along_one_dimension() -> None:
    """A line of the plot grows in one dimension, the others being as usual."""
    assert [size for size, _ in growth(COSTS, NO_OP, OURS, "nodes")] == [3, 50, 5_000]
    assert [size for size, _ in growth(COSTS, NO_OP, OURS, "record_sets")] == [10, 10_000]


@pytest.mark.parametrize("costs", [COSTS, ()], ids=["some", "none"])
def test_plot_is_the_same_for_the_same_numbers(costs: tuple[Cost, ...]) -> None:
    """The plot is readable on a dark page too, and there is one even when every run has failed."""
    drawn = svg(costs)
    assert ET.fromstring(drawn).tag.endswith("svg")  # noqa: S314 - our own
    assert svg(costs) == drawn
    assert "fill: #ffffff" in drawn
    assert "<dc:date>" not in drawn
    assert "peak memory, MB" in drawn
    assert len(drawn) < 60_000


def test_results_have_their_places_in_the_readme() -> None:
    """`--write` replaces what was there, and nothing else."""
    text = README.read_text(encoding="utf-8")
    for name in ("bench", "against", "reaction"):
        once = place(text, name, "| figures |\n")
        assert "| figures |" in once
        assert place(once, name, "| figures |\n") == once
    assert place("a\n<!-- x -->\nold\n<!-- end of x -->\nb", "x", "new\n").split() == (
        ["a", "<!--", "x", "-->", "new", "<!--", "end", "of", "x", "-->", "b"]
    )


def test_reaction_is_least_median_and_most() -> None:
    """Some that stayed are not hidden behind those that left."""
    assert cell([9.0, 8.0, 12.04], "stays") == "8.0 / 9.0 / 12.0"
    assert cell([None, None], "stays") == "stays"
    assert cell([9.0, None], "stays") == "9.0 / 9.0 / 9.0 (1 of 2 stay)"


@pytest.mark.parametrize(
    ("shown", "wrong"),
    [
        pytest.param([(0, "a"), (1, "ab"), (3, "b")], None, id="a node that failed has left"),
        pytest.param([(1, "ab"), (3, "a")], "left DNS, but serves", id="another one has left"),
        pytest.param([(1, "ab"), (2, "b")], "left DNS, but serves", id="it left before it had failed"),
        pytest.param([(1, "ab"), (3, "b"), (4, "ab")], "came back", id="it came back"),
    ],
)
def test_nobody_may_leave_who_serves(shown: list[tuple[float, str]], wrong: str | None) -> None:
    """The bench fails when DNS lacked an address that served, or showed one again that does not."""
    moments = [(moment, frozenset(values)) for moment, values in shown]
    with pytest.raises(AssertionError, match=wrong) if wrong else nullcontext():
        they_serve("ab", {"a": 2.0}, moments)


def test_two_revisions_stand_beside_each_other() -> None:
    """The medians of both are shown with their ratio and what is promised of it."""
    runs = {"old": (0.8, 0.9, 1.0), "new": (0.4, 0.45, 0.9)}
    old, new = (
        Revision(name, name, {NO_OP_IN_A_POD: [Usage(cpu, 1.0, 50.0) for cpu in cpus]}, [40.0])
        for name, cpus in runs.items()
    )
    lines = table(old, new).splitlines()
    assert lines[0] == "| in a pod | old | new | ratio | promised |"
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


def measures(module: str) -> str:
    """Try a command of the bench out."""
    network("")  # skips where there can be none
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES.values()}
    command = [sys.executable, "-m", module, "--quick"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_costs_are_measured() -> None:
    """`python -m tests.bench --quick` runs each command, with each way to publish, probe and check."""
    shown = rows(measures("tests.bench").strip())
    assert shown["3 nodes"][2:] == ["2", "2"]
    assert shown["3 nodes, `--publish-to dnsendpoint`"][2:] == ["0", "3"]
    assert shown["3 nodes, `--health-check tcp:443`"][2:] == ["3", "2"]
    assert shown["one-node change, 3 nodes"][2].endswith("(1 write)")
    assert float(shown["`watch`, 3 nodes"][0]) > 10


def test_reaction_is_measured() -> None:
    """`python -m tests.bench.reaction --quick` sees a node whose ingress has ended leave DNS."""
    (line,) = [line for line in measures("tests.bench.reaction").splitlines() if line.startswith("| dead ingress")]
    least, median, most = map(float, line.split("|")[2].split("/"))
    assert 0 < least == median == most
