"""The container image: its files, made by the Dockerfile's own commands, and the program run from them."""

import ast
import fcntl
import importlib.util
import os
import re
import shutil
import stat
import struct
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.image.commands import COMMANDS, SYNC
from tests.deploy.image.dockerfile import DOCKERFILE, ROOT
from tests.deploy.image.files import BUILD, FINAL, GLOBAL, Image, NotBuiltError, build
from tests.deploy.image.logins import LOGINS, NO_LOGINS, proves
from tests.deploy.image.pod import can_shut_in, pod
from tests.sandbox.world import World

LIMIT = 90_000_000
LEFT_OUT = re.compile(
    r"(aiohttp|aiohttp_retry|aiohappyeyeballs|aiosignal|attrs?|frozenlist|multidict|propcache|yarl"
    r"|kubernetes\.aio|kubernetes\.client\.apis?|kubernetes\.client\.models\.\w+)(\..*)?"
)
"""Modules that the Dockerfile takes away."""
NEVER_RUN = {
    "kubernetes/client/__init__.py": "a table of names, each imported when it is first used",
    "kubernetes/client/models/__init__.py": "the same",
    "kubernetes/utils/metrics.py": "in functions that ask the metrics server",
    "msgspec/_utils.py": "only for classes made with attrs",
}
"""Files that import something that was taken away, and why nobody misses it."""


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """Build the files once for all worker processes, and let nobody write to them."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "image"
    with shared.with_suffix(".lock").open("w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not shared.exists():
            _build(shared)
    return Image(shared)


def _build(directory: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="kube-node-dns-") as scratch:
        probe = [sys.executable, "-m", "pip", "download", "-q", "--retries=0", "--no-deps", "-d", scratch, "tenacity"]
        try:
            image = build(directory)
        except NotBuiltError as error:
            shutil.rmtree(directory)
            if subprocess.run(probe, capture_output=True, check=False).returncode:
                pytest.skip("no package registry can be reached, so the image's files cannot be made")
            pytest.fail(str(error))
    for path in (image.prefix, *image.prefix.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~0o222)


def _project() -> dict[str, object]:
    document = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return dict(document["project"])


# The Dockerfile


def test_the_linter_finds_nothing() -> None:
    """The linter hadolint has no finding in the Dockerfile."""
    linter = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([linter, "--no-color", DOCKERFILE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_it_runs_as_a_user_without_rights() -> None:
    """The user is a number other than 0, as runAsNonRoot demands."""
    assert FINAL.text("USER") == "65532:65532"


def test_the_final_stage_only_copies_from_the_first() -> None:
    """The final stage copies one folder and runs nothing.

    What it added itself would be in no measurement and in no test.
    """
    assert FINAL.texts("RUN") == ()
    assert FINAL.texts("COPY") == ("--from=build /opt/kube-node-dns /opt/kube-node-dns",)


def test_any_python_can_be_the_base() -> None:
    """A build argument chooses the base of both stages; without one it is a full version, by its digest."""
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+@sha256:[0-9a-f]{64}", GLOBAL.pairs("ARG")["PYTHON_IMAGE"])
    assert [BUILD.text("FROM"), FINAL.text("FROM")] == ["${PYTHON_IMAGE} AS build", "${PYTHON_IMAGE}"]


def test_the_labels_say_what_the_project_says() -> None:
    """Title, licence and version of the image are those of the project."""
    project = _project()
    version = FINAL.pairs("ARG")["VERSION"]
    known = {"PYTHON_IMAGE": "python", "VERSION": version, "REVISION": "abc", "SOURCE": "https://example.com"}
    assert FINAL.pairs("LABEL", **known) == {
        "org.opencontainers.image.title": project["name"],
        "org.opencontainers.image.description": project["description"],
        "org.opencontainers.image.licenses": project["license"],
        "org.opencontainers.image.version": project["version"],
        "org.opencontainers.image.revision": "abc",
        "org.opencontainers.image.source": "https://example.com",
        "org.opencontainers.image.base.name": "python",
    }


def test_the_context_holds_what_is_copied_and_nothing_else() -> None:
    """The build context is what the Dockerfile copies, no more and no less."""
    nothing, *exceptions = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    copied = {name for text in BUILD.texts("COPY") for name in text.split()[:-1]}
    assert nothing == "*"
    assert {line.removeprefix("!") for line in exceptions if line.startswith("!")} == copied


# The files


def test_it_is_small(image: Image) -> None:
    """The files take less than 90 MB. Every node pulls them, some over a home's connection."""
    assert sum(image.sizes().values()) < LIMIT, image.sizes()


def test_all_modules_are_compiled_whatever_their_times(image: Image) -> None:
    """Every module has bytecode that is used whatever its time, as long as it is that of its source.

    Otherwise it would be compiled at every start, since the file system is read-only; or a source that an image on top
    of this one mends would not count.
    """
    checked = struct.pack("<I", 3)  # PEP 552
    cold = [
        path
        for path in image.packages.rglob("*.py")
        if not (compiled := _bytecode(image, path)).exists() or compiled.read_bytes()[4:8] != checked
    ]
    assert cold == []
    assert list(image.packages.rglob("__pycache__")) == []


def _bytecode(image: Image, source: Path) -> Path:
    name = Path(importlib.util.cache_from_source(source.name)).name
    return Path(image.environment["PYTHONPYCACHEPREFIX"], *source.parent.parts[1:], name)


def test_everybody_may_read_it_all(image: Image) -> None:
    """Any user may read every file and enter every folder. A pod may have another runAsUser."""
    paths = [path for path in image.prefix.rglob("*") if not path.is_symlink()]
    closed = [path for path in paths if not path.stat().st_mode & stat.S_IROTH]
    assert closed + [path for path in paths if path.is_dir() and not path.stat().st_mode & stat.S_IXOTH] == []


def test_it_holds_no_installer_and_no_tests(image: Image) -> None:
    """There is no installer, no package of the development tools, no test and no other program."""
    distributions = [path.name.partition("-")[0] for path in image.packages.glob("*.dist-info")]
    assert [name for name in distributions if LEFT_OUT.fullmatch(name)] == []
    assert not {"pip", "setuptools", "wheel"} & set(distributions)
    assert [path for path in image.packages.rglob("*") if path.name == "tests" or path.match("*_test.py")] == []
    assert sorted(path.name for path in (image.prefix / "bin").iterdir() if not path.is_symlink()) == ["kube-node-dns"]


def test_nothing_that_is_left_needs_what_was_taken_away(image: Image) -> None:
    """No module that is left imports what was taken away, but for those listed with the reason.

    An import that is due only when something goes wrong would hide what went wrong.
    """
    files = {path.relative_to(image.packages): path.read_bytes() for path in image.packages.rglob("*.py")}
    needy = {str(name) for name, text in files.items() if any(map(LEFT_OUT.fullmatch, _imports(name, text)))}
    assert needy == set(NEVER_RUN)


def _imports(path: Path, text: bytes) -> Iterator[str]:
    """Name what a module imports anywhere in it, also inside functions."""
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Import(names=names):
                yield from (each.name for each in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                package = path.parts[:-level] if level else ()
                base = ".".join((*package, *filter(None, [module])))
                yield from (f"{base}.{each.name}" for each in names)


def test_its_packages_have_the_versions_that_are_written_down(image: Image) -> None:
    """Every package is in .github/constraints.txt with the version that is installed.

    A release built again next year has the same in it.
    """
    text = (ROOT / ".github" / "constraints.txt").read_text(encoding="utf-8")
    written = dict(re.findall(r"^([a-z0-9-]+)==(\S+)$", text, re.MULTILINE))
    names = (path.name.removesuffix(".dist-info").rpartition("-") for path in image.packages.glob("*.dist-info"))
    installed = {name.replace("_", "-").lower(): version for name, _, version in names}
    del installed["kube-node-dns"]
    assert installed.items() <= written.items()


# The program


def test_every_command_is_tried(image: Image) -> None:
    """Every command of the program is in the table of the next test."""
    offered = re.findall(r"^    ([a-z-]+)", image.run("--help").stdout, re.MULTILINE)
    assert set(offered) == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_works(image: Image, world: World, command: str) -> None:
    """Each command does its work in a pod that is shut in as the manifests shut it in."""
    with pod(image, world) as place:
        COMMANDS[command](place)


@pytest.mark.skipif(not can_shut_in(), reason="this machine lets nobody make a read-only file system")
def test_a_pod_is_as_shut_in_as_the_manifests_make_it(image: Image, world: World) -> None:
    """That pod has no home, is user 65532 and can write to its TMPDIR alone."""
    script = (
        'id -u; env | grep ^HOME=; for each in / /tmp "$HERE" "$TMPDIR"; do touch "$each/new" && echo "$each"; done'
    )
    with pod(image, world) as place:
        written = subprocess.run(
            [*place.inside, "sh", "-c", script],
            env=place.environment | {"HERE": str(image.packages)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert written.stdout.split() == ["65532", place.variables["TMPDIR"]], written.stderr


def test_a_kubeconfig_with_embedded_certificates_can_be_used(image: Image, world: World) -> None:
    """A kubeconfig with its certificates in it works: the official client writes them to the pod's only writable place.

    So sync can look after another cluster than the one it runs in.
    """
    assert "certificate-authority-data" in world.kubeconfig.read_text(encoding="utf-8")
    world.route53.zone("example.com")
    world.node("fra-1", "5.75.128.10")
    with pod(image, world) as place:
        finished = place.run(*SYNC, KUBECONFIG=str(world.kubeconfig))
    assert finished.returncode == 0, finished.stderr


@pytest.mark.parametrize("command", [("annotate-once", "--dry-run"), SYNC], ids=["annotate-once", "sync-once"])
def test_nothing_is_compiled_at_run_time(image: Image, world: World, command: tuple[str, ...]) -> None:
    """A run loads bytecode only. Compiling would take three times as long, every minute, on every node."""
    world.route53.zone("example.com")
    world.node("fra-1", "5.75.128.10")
    finished = image.run(*command, **world.environment, PYTHONVERBOSE="1")
    loaded = re.findall(r"^# code object from '?(.*?)'?$", finished.stderr, re.MULTILINE)
    assert finished.returncode == 0, finished.stderr
    assert [path for path in loaded if not path.endswith(".pyc")] == []
    assert len(loaded) > 50


def test_a_shell_finds_the_program(image: Image) -> None:
    """A shell in the image finds the program by its name, as the DaemonSet's loop does."""
    done = subprocess.run(
        ["/bin/sh", "-c", "kube-node-dns --version"], env=image.environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"kube-node-dns {_project()['version']}\n"


@pytest.mark.parametrize("login", [*LOGINS, *NO_LOGINS])
def test_an_aws_login_does_what_it_should(image: Image, world: World, login: str) -> None:
    """Each way to log in to AWS works, or fails with its reason, with what the image has of botocore's data."""
    proves(image, world, login)
