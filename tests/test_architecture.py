"""The modules and what they know of each other: read from the source, from running processes and from the wheel."""

import ast
import json
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.sandbox.server import wait_until
from tests.sandbox.world import World
from tests.support.dnsendpoints import DEFINITION, objects
from tests.support.pods import account_of, mounted, pod_variables
from tests.support.processes import ANNOTATE, NODE, bare_environment, environment_of, start

ROOT = Path(__file__).parents[1]
FLOORS = {
    "core": ("core",),
    "edges": ("core", "edges"),
    "publishers": ("core", "edges", "publishers"),
    "": ("core", "edges", "publishers", ""),
    "shell": ("core", "edges", "publishers", "", "shell"),
}
"""Each folder of `jobs` with those that it may import from; the commands themselves stand in none."""

PURE = {
    *(
        "collections",
        "contextlib",
        "csv",
        "dataclasses",
        "datetime",
        "decimal",
        "difflib",
        "fnmatch",
        "functools",
        "hashlib",
        "pkgutil",
    ),
    *("ipaddress", "itertools", "json", "math", "msgspec", "re", "typing"),
}
"""The modules that do nothing but calculate, and pkgutil for the shipped data.

Values are msgspec's: a dataclass takes forty times as long to define, thirty of them a twelfth of a run.
"""

CLOCKS = {"now", "today", "utcnow"}
"""What of datetime looks at the clock."""

KNOWN_TO = {
    "kubernetes": {"edges.kubeconfig"},
    "yaml": {"edges.kubeconfig"},
    "urllib3": {"edges.urllib3_names"},
    "boto3": {"edges.route53"},
    "botocore": {"edges.aws_errors", "edges.route53"},
    "tenacity": {"edges.clock"},
    "asyncio": {"edges.probe"},
    "socket": {"edges.fetch", "edges.interfaces", "edges.probe"},
    "argparse": {"shell.cli"},
    "signal": {"shell.process"},
}
"""The modules that know each library; no other imports it."""

TYPED = ("kubernetes.client.api.", "kubernetes.client.models.")
"""What the client's typed classes drag in."""

NOT_IN_A_POD = {"kubernetes", "requests", "oauthlib", "requests_oauthlib", "pydantic", "websocket", "yaml", "aiohttp"}
"""What the official Kubernetes client brings along, which takes longer to import than a run may take."""

FOR_HTTP2 = "importlib.metadata"
"""What urllib3 imports for the version of a package that is not there: a tenth of annotate-once."""

DUMP = """
import atexit, sys
from pathlib import Path
path = sys.argv.pop(1)
atexit.register(lambda: Path(path).write_text("\\n".join(sys.modules), "utf-8"))
from jobs.__main__ import main
main()
"""


MODULES = sorted(
    str(path.relative_to(ROOT / "jobs").with_suffix("")).replace("/", ".")
    for path in (ROOT / "jobs").rglob("*.py")
    if path.name != "__init__.py"
)
"""Every module of the program, without `jobs.` in front."""

CORE = [module for module in MODULES if module.startswith("core.")]
COMMANDS = ("annotate_once", "sync_once", "watch")


def folder_of(module: str) -> str:
    """Name the folder that a module stands in; "" for `jobs` itself. The entry point belongs to the shell."""
    return "shell" if module == "__main__" else module.rpartition(".")[0]


def tree(module: str) -> ast.Module:
    """Parse a module's source."""
    return ast.parse((ROOT / "jobs" / f"{module.replace('.', '/')}.py").read_text("utf-8"))


def imported(node: ast.AST) -> Iterator[str]:
    """Name what is imported anywhere below a node, in full; what only type checkers import does not count."""
    match node:
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return
        case ast.Import(names=names):
            yield from (alias.name for alias in names)
        case ast.ImportFrom(module=module, names=names, level=level):
            assert level == 0, "imports name the module in full"
            for alias in names:
                whole = f"{module}.{alias.name}"
                yield whole if whole.removeprefix("jobs.") in MODULES else str(module)
        case _:
            for child in ast.iter_child_nodes(node):
                yield from imported(child)


def own(module: str) -> set[str]:
    """Name the modules of the program that a module imports."""
    return {name.removeprefix("jobs.") for name in imported(tree(module)) if name.startswith("jobs.")}


def foreign(module: str) -> set[str]:
    """Name the packages, the standard library's included, that a module imports."""
    return {name.partition(".")[0] for name in imported(tree(module))} - {"jobs"}


def loaded(
    tmp_path: Path,
    environment: dict[str, str],
    *arguments: str,
    inside: Sequence[str] = (),
    until: Callable[[], bool] | None = None,
) -> set[str]:
    """Run the program to its end, or `until` something is true, and name the modules it has loaded then."""
    dump = tmp_path / "modules"
    process = start([*inside, sys.executable, "-c", DUMP, str(dump), *arguments], environment)
    if until is not None:
        assert wait_until(until, 30)
        process.terminate()
    _, words = process.communicate(timeout=60)
    assert process.returncode == (143 if until else 0), words
    return set(dump.read_text("utf-8").split())


@pytest.mark.parametrize("module", MODULES)
def test_imports_lead_downwards(module: str) -> None:
    """Each folder imports from itself and those below it: a rule can be read and tested without the network."""
    assert {folder_of(other) for other in own(module)} <= set(FLOORS[folder_of(module)])


@pytest.mark.parametrize("module", COMMANDS)
def test_no_command_knows_another(module: str) -> None:
    """A command imports no other: a change of one cannot break another."""
    assert not own(module) & set(COMMANDS) - {module}


@pytest.mark.parametrize("module", CORE)
def test_the_core_only_calculates(module: str) -> None:
    """The core imports nothing that does I/O: what it decides depends on its arguments alone."""
    assert foreign(module) <= PURE


@pytest.mark.parametrize("module", CORE)
def test_the_core_is_given_the_time(module: str) -> None:
    """The core never asks a clock of this machine, which may be wrong."""
    assert not {node.attr for node in ast.walk(tree(module)) if isinstance(node, ast.Attribute)} & CLOCKS


@pytest.mark.parametrize(("library", "modules"), KNOWN_TO.items())
def test_each_library_stays_in_its_modules(library: str, modules: set[str]) -> None:
    """A new release of a library is felt in the modules that import it, and nowhere else."""
    assert {module for module in MODULES if library in foreign(module)} == modules


def test_no_imports_form_a_circle() -> None:
    """Any module can be imported first."""
    below = {module: own(module) for module in MODULES}
    while free := {module for module, others in below.items() if not others & below.keys()}:
        below = {module: others for module, others in below.items() if module not in free}
    assert not below


def test_a_dry_run_of_annotate_once_loads_no_client(tmp_path: Path) -> None:
    """A dry run of annotate-once loads no client of an API, so that it is quick on a small machine."""
    modules = loaded(tmp_path, bare_environment(), "annotate-once", "--dry-run")
    assert not modules & {"kubernetes", "urllib3", "boto3", "botocore"}


def in_a_pod(world: World, tmp_path: Path, *arguments: str, until: Callable[[], bool] | None = None) -> set[str]:
    """Name the modules that a command has loaded in a pod."""
    inside = mounted(account_of(world, tmp_path / "account"))
    environment = environment_of(world, **pod_variables(world.cluster.port))
    return loaded(tmp_path, environment, *arguments, inside=inside, until=until)


def packages(modules: set[str]) -> set[str]:
    """Name the packages of modules."""
    return {module.partition(".")[0] for module in modules}


@pytest.mark.parametrize(
    "arguments", [("sync-once", "--domain", "cdn.example.com"), ANNOTATE], ids=lambda each: each[0]
)
def test_no_command_loads_the_kubernetes_client_in_a_pod(
    world: World, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    """A run in a pod logs in by itself: the official client would double its CPU, each minute, on each node."""
    world.node(NODE, "5.75.128.10")
    world.route53.zone("example.com")
    modules = in_a_pod(world, tmp_path, *arguments)
    assert "urllib3" in modules
    assert not packages(modules) & NOT_IN_A_POD
    assert FOR_HTTP2 not in modules


def test_watch_loads_the_kubernetes_client_in_no_pod(world: World, tmp_path: Path) -> None:
    """The watcher in a pod does not hold the official client in memory, day and night."""
    command = ("watch", "--cronjob", "sync", "--namespace", "default")
    modules = in_a_pod(world, tmp_path, *command, until=lambda: "watch nodes" in world.cluster.operations())
    assert not packages(modules) & NOT_IN_A_POD


def test_annotate_once_loads_no_aws(world: World, tmp_path: Path) -> None:
    """annotate-once loads nothing of AWS, nor of the other commands."""
    world.node(NODE)
    modules = loaded(tmp_path, environment_of(world), *ANNOTATE)
    assert "kubernetes.config" in modules
    assert not modules & {"boto3", "botocore", "jobs.edges.route53", "jobs.sync_once", "jobs.watch"}
    assert not modules & {
        "jobs.core.evidence",
        "jobs.observe",
        "jobs.core.sync_trigger",
        "jobs.core.reported_addresses",
        "jobs.edges.reported_addresses",
        "jobs.edges.fetch",
        "jobs.edges.pinned",
        "jobs.edges.cloud_metadata",
        "jobs.edges.probe",
    }


def test_watch_loads_neither_aws_nor_the_typed_client(world: World, tmp_path: Path) -> None:
    """The watcher loads nothing of AWS, of interfaces, or of the client's typed classes."""
    command = ("watch", "--cronjob", "sync", "--namespace", "default")
    modules = loaded(
        tmp_path, environment_of(world), *command, until=lambda: "watch nodes" in world.cluster.operations()
    )
    assert not {module for module in modules if module.startswith((*TYPED, "boto"))}
    assert not modules & {
        "jobs.edges.route53",
        "jobs.sync_once",
        "jobs.edges.interfaces",
        "jobs.edges.probe",
        "asyncio",
    }


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param((), set(), id="without"),
        pytest.param(("--probe", "tcp:443"), {"asyncio", "jobs.edges.probe"}, id="with"),
    ],
)
def test_a_sync_that_probes_nothing_loads_no_prober(
    world: World, tmp_path: Path, options: tuple[str, ...], expected: set[str]
) -> None:
    """A sync loads the prober and its event loop only when it probes."""
    world.node(NODE)
    world.route53.zone("example.com")
    command = ("sync-once", "--domain", "cdn.example.com", "--min-nodes", "0", *options)
    assert loaded(tmp_path, environment_of(world), *command) & {"asyncio", "jobs.edges.probe"} == expected


def test_a_sync_to_a_dnsendpoint_loads_no_aws(world: World, tmp_path: Path) -> None:
    """With --publish-to dnsendpoint nothing of AWS is loaded; in a pod the object is in the pod's own namespace."""
    world.node(NODE, "5.75.128.10")
    world.kubernetes.define(DEFINITION)
    command = ("sync-once", "--domain", "cdn.example.com", "--publish-to", "dnsendpoint")
    modules = in_a_pod(world, tmp_path, *command)
    assert objects(world)["cdn.example.com"]["metadata"]["namespace"] == "default"
    assert not packages(modules) & {"boto3", "botocore", *NOT_IN_A_POD}
    assert not modules & {"jobs.edges.route53", "jobs.publishers.hosted_zones"}


def test_sync_once_looks_at_no_interface(world: World, tmp_path: Path) -> None:
    """sync-once loads nothing that looks at interfaces, nor of the other commands."""
    world.node(NODE, "5.75.128.10")
    world.route53.zone("example.com")
    modules = loaded(tmp_path, environment_of(world), "sync-once", "--domain", "cdn.example.com", "--dry-run")
    assert {"boto3", "kubernetes.config"} <= modules
    assert not modules & {
        "jobs.edges.interfaces",
        "jobs.annotate_once",
        "jobs.watch",
        "jobs.core.sync_trigger",
    }


@pytest.mark.parametrize(
    "arguments", [("sync-once", "--domain", "cdn.example.com"), ANNOTATE], ids=lambda each: each[0]
)
def test_nobody_loads_the_typed_client(world: World, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """No command loads the client's typed classes, which cost three times the CPU."""
    world.node(NODE, "5.75.128.10")
    world.route53.zone("example.com")
    modules = loaded(tmp_path, environment_of(world), *arguments)
    assert not {module for module in modules if module.startswith(TYPED)}


def test_help_loads_neither_client(tmp_path: Path) -> None:
    """--help loads no client, so that a typing error is reported at once."""
    modules = loaded(tmp_path, bare_environment(), "--help")
    assert not modules & {"kubernetes", "boto3", "botocore"}


def test_every_dependency_has_a_floor() -> None:
    """Every dependency has a lower bound. Without it resolvers walk back to releases that do not work together."""
    document = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    groups = [document["project"]["dependencies"], *document["dependency-groups"].values()]
    assert [each for group in groups for each in group if isinstance(each, str) and ">=" not in each] == []


def uv(*arguments: str | Path) -> str:
    """Run uv from outside the repository; skip where there is none or no registry answers."""
    if shutil.which("uv") is None:
        pytest.skip("there is no uv to build the wheel with")
    finished = subprocess.run(["uv", *arguments], cwd="/", capture_output=True, text=True, check=False)
    words = finished.stderr.lower()
    if any(sign in words for sign in ("error sending request", "failed to fetch", "dns error", "timed out")):
        pytest.skip("no package registry is reachable")
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel."""
    directory = tmp_path_factory.mktemp("dist")
    uv("build", "--wheel", "--out-dir", directory, ROOT)
    (built,) = directory.glob("*.whl")
    return built


def test_the_wheel_holds_the_program_and_its_data(wheel: Path) -> None:
    """The wheel holds every module and the shipped data, and no test."""
    inside = set(zipfile.ZipFile(wheel).namelist())
    shipped = {f"jobs/core/iana/ipv{version}-special-registry.csv" for version in (4, 6)}
    assert shipped | {f"jobs/{module.replace('.', '/')}.py" for module in MODULES} <= inside
    assert {name.partition("/")[0] for name in inside if ".dist-info/" not in name} == {"jobs"}


def test_the_wheel_works_in_a_fresh_environment(wheel: Path, tmp_path: Path) -> None:
    """Installed into a fresh environment, the wheel has its dependencies, its data and its console script."""
    fresh = tmp_path / "fresh"
    uv("venv", "--python", sys.executable, fresh)
    uv("pip", "install", "--python", fresh / "bin" / "python", wheel)
    command = [str(fresh / "bin" / "kube-node-dns"), "annotate-once", "--dry-run", "--output", "json"]
    environment = {"PATH": "/nonexistent"}
    finished = subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    left_out = json.loads(finished.stdout)["left_out"]
    assert "not globally reachable: Loopback" in {each["reason"] for each in left_out}
