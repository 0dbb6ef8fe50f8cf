"""The folder .github: what tests and releases the project, as those who know its traps see it."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.image.dockerfile import ROOT

GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
EACH = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)


def workflow(path: Path) -> dict[Any, Any]:
    """Read a workflow; YAML takes its key `on` for a boolean."""
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


def test_zizmor_finds_nothing() -> None:
    """The auditor zizmor has no finding: no permission, credential or input of a workflow can be abused."""
    auditor = Path(sys.executable).with_name("zizmor")
    ended = subprocess.run([auditor, "--offline", "-q", GITHUB], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_actionlint_finds_nothing() -> None:
    """The linter actionlint has no finding: expressions, contexts and shell scripts are right."""
    linter = shutil.which("actionlint")
    if linter is None:
        pytest.skip("actionlint is not on PATH: go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12")
    ended = subprocess.run([linter, *WORKFLOWS], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@EACH
def test_actions_are_pinned(path: Path) -> None:
    """Every action of somebody else is named by its commit, with its version behind it."""
    used = re.findall(r"uses: (\S+)(.*)", path.read_text(encoding="utf-8"))
    others = [(name, comment) for name, comment in used if not name.startswith("./")]
    assert others
    for name, comment in others:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", name), name
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), name


@EACH
def test_a_job_may_only_what_it_says(path: Path) -> None:
    """Nothing is permitted by default; what a job may write stands in it."""
    document = workflow(path)
    assert document["permissions"] == {}
    writing = {
        (name, right)
        for name, job in document["jobs"].items()
        for right, level in job["permissions"].items()
        if level != "read"
    }
    assert writing == ({("build", "packages"), ("release", "contents")} if path.name == "release.yml" else set())


def test_every_python_is_tested() -> None:
    """The tests run on each Python that the project says it runs on."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    said = [each.rpartition(" ")[2] for each in project["classifiers"] if "Python :: 3." in each]
    matrix = workflow(GITHUB / "workflows" / "test.yml")["jobs"]["test"]["strategy"]["matrix"]
    assert matrix["python"] == said


def test_a_release_is_for_both_architectures_with_its_origin() -> None:
    """The image is built for amd64 and arm64 with an SBOM and provenance, after the tests."""
    jobs = workflow(GITHUB / "workflows" / "release.yml")["jobs"]
    (built,) = (step["with"] for step in jobs["build"]["steps"] if step.get("id") == "image")
    assert built["platforms"] == "linux/amd64,linux/arm64"
    assert (built["sbom"], built["provenance"], built["push"]) == (True, "mode=max", True)
    assert (jobs["build"]["needs"], jobs["release"]["needs"]) == ("test", "build")


def test_the_forms_ask_for_what_helps() -> None:
    """The issue form asks for a log with -v and for the JSON document."""
    form = yaml.safe_load((GITHUB / "ISSUE_TEMPLATE" / "bug.yml").read_text(encoding="utf-8"))
    text = str(form["body"])
    assert "-v" in text
    assert "--output json" in text
