"""annotate-once on a machine that does not run Linux."""

from pathlib import Path

import pytest

from tests.sandbox.world import World
from tests.support.processes import bare_environment, complaint, environment_of, run

ELSEWHERE = """
import shutil, sys  # shutil, for one, imports what only Windows has
sys.platform = {platform!r}
sys.modules["fcntl"] = None  # what Windows does not have
"""


@pytest.fixture(params=["darwin", "freebsd14", "win32"])
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """Give the variables that let Python believe it runs on another system."""
    (tmp_path / "sitecustomize.py").write_text(ELSEWHERE.format(platform=request.param), "utf-8")
    return {"PYTHONPATH": str(tmp_path)}


def test_it_runs_on_linux_only(world: World, elsewhere: dict[str, str]) -> None:
    """Says so in one line before anything else, and asks neither a cluster nor for a node's name."""
    line = complaint(run(("annotate-once",), environment_of(world, **elsewhere)), 2)
    assert line.startswith("error: annotate-once runs on Linux only")
    assert world.cluster.operations() == []


def test_its_help_is_shown_everywhere(elsewhere: dict[str, str]) -> None:
    """Shows the options on the laptop on which somebody writes a manifest."""
    finished = run(("annotate-once", "--help"), bare_environment(**elsewhere))
    assert (finished.returncode, "--exclude-interface" in finished.stdout) == (0, True), finished.stderr
