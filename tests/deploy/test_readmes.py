"""README.md, cron/README.md and what they show of cron/: overlays that render, anchors that exist, rights that do."""

import json
import re
from pathlib import Path

import kubernetes_validate
import pytest

from tests.sandbox.world import World
from tests.support.manifests import ANNOTATE_NAMESPACE, CONTAINERS, CRON, NAMESPACE, Manifest, pod_of
from tests.support.readme_overlays import MANUAL, README, of_the_manual, of_the_readme, rendered

ROOT = README.parent
TEXTS = (
    README,
    MANUAL,
    *(ROOT / name for name in ("tests/README.md", "jobs/README.md", ".github/CONTRIBUTING.md", ".github/SECURITY.md")),
)
LONGEST = 300


def images(manifests: tuple[Manifest, ...]) -> set[str]:
    """Name the images of all containers."""
    pods = (pod_of(each)["spec"] for each in manifests if each["kind"] in CONTAINERS.values())
    return {container["image"] for pod in pods for container in pod["containers"]}


def test_the_readme_is_short() -> None:
    """Whoever wants to know whether this is for them reads at most 300 lines."""
    assert len(README.read_text("utf-8").splitlines()) <= LONGEST


def test_the_steps_of_the_readme_make_an_overlay(tmp_path: Path) -> None:
    """The overlay that the README writes names the user's image in every container, and the user's domain."""
    manifests = rendered({"my-cluster/kustomization.yaml": of_the_readme()}, tmp_path)
    (image,) = images(manifests)
    assert re.fullmatch("ghcr.io/OWNER/kube-node-dns@sha256:[0-9a-f]{64}", image)
    chosen = {each["metadata"]["namespace"]: each["data"] for each in manifests if each["kind"] == "ConfigMap"}
    assert chosen[NAMESPACE]["KUBE_NODE_DNS_DOMAIN"] == "cdn.example.com"
    assert chosen[ANNOTATE_NAMESPACE] == {"KUBE_NODE_DNS_PUBLIC_IP_FROM": "aws,gcp,azure"}
    assert {each["kind"] for each in manifests} >= {"Deployment", "DaemonSet", "CronJob"}


@pytest.mark.parametrize("number", range(len(of_the_manual())))
def test_every_overlay_of_the_manual_is_valid(number: int, tmp_path: Path) -> None:
    """Every overlay that cron/README.md shows renders to valid objects."""
    for manifest in rendered(of_the_manual()[number], tmp_path):
        if manifest["kind"] in {"CronJob", "Deployment", "ServiceAccount", "ValidatingAdmissionPolicy", "Role"}:
            kubernetes_validate.validate(manifest, "1.37", strict=True)


def manual(word: str, home: Path) -> tuple[Manifest, ...]:
    """Render the only overlay of the manual that has a word."""
    (files,) = (files for files in of_the_manual() if word in "".join(files.values()))
    return rendered(files, home)


def test_a_role_can_be_given_to_sync(tmp_path: Path) -> None:
    """The overlay for IRSA gives the service account of sync, and no other, a role."""
    annotated = {
        each["metadata"]["name"]: each["metadata"]["annotations"]
        for each in manual("eks.amazonaws.com", tmp_path)
        if "annotations" in each["metadata"]
    }
    assert annotated == {
        "kube-node-dns-sync": {"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/kube-node-dns"}
    }


def test_every_component_can_pull_from_a_private_registry(tmp_path: Path) -> None:
    """The overlay with a pull secret gives it to each service account, and so changes no Job that watch compares."""
    accounts = [each for each in manual("imagePullSecrets", tmp_path) if each["kind"] == "ServiceAccount"]
    assert [each["imagePullSecrets"] for each in accounts] == [[{"name": "registry"}]] * len(CONTAINERS)


def test_sync_can_be_kept_on_machines_with_a_profile(tmp_path: Path) -> None:
    """The overlay for instance profiles keeps sync on nodes that have one."""
    (cronjob,) = (each for each in manual("example.com/ec2", tmp_path) if each["kind"] == "CronJob")
    assert pod_of(cronjob)["spec"]["nodeSelector"] == {"example.com/ec2": "true"}


def test_another_label_can_be_kept_from_kubelets(tmp_path: Path) -> None:
    """The overlay for another selecting label replaces the label in the policy."""
    named = (
        each for each in manual("example.com/edge", tmp_path) if each["metadata"]["name"] == "kube-node-dns-kubelets"
    )
    (policy,) = (each for each in named if each["kind"] == "ValidatingAdmissionPolicy")
    assert policy["spec"]["variables"][0] == {"name": "selecting", "expression": '["example.com/edge"]'}


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    """Every link to a file or heading of the repository leads to one."""
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text("utf-8")):
        file, _, anchor = target.partition("#")
        if "://" in target:
            continue
        there = (path.parent / file).resolve() if file else path
        assert there.exists(), target
        assert not anchor or anchor in _anchors(there), target


def _anchors(path: Path) -> set[str]:
    """Give the anchors that GitHub makes of a text's headings."""
    headings = re.findall(r"^#+ (.*)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_a_run_does_with_the_policy_that_is_shown(world: World) -> None:
    """With the IAM policy of cron/, put in zone and domain, a run reads and writes, and asks for nothing else."""
    policy = json.loads((CRON / "iam-policy.json").read_text("utf-8"))
    zone = world.route53.zone("example.com")
    world.node("fra-1", "5.75.128.10")
    finished = world.run("sync-once", "--domain", "cdn.example.com")
    assert finished.returncode == 0, finished.stderr
    allowed = {each["Action"].removeprefix("route53:") for each in policy["Statement"]}
    assert set(world.dns.operations()) == allowed
    assert zone
    write = policy["Statement"][-1]["Condition"]["ForAllValues:StringEquals"]
    assert write["route53:ChangeResourceRecordSetsRecordTypes"] == ["A", "AAAA"]


def test_the_namespaces_of_the_readmes_commands_are_those_of_the_manifests() -> None:
    """Commands look into the two namespaces that there are, and for Events into that of the nodes' Events."""
    named = set(re.findall(r"-n (\S+)", README.read_text("utf-8") + MANUAL.read_text("utf-8")))
    assert named <= {NAMESPACE, f"{NAMESPACE}-annotate", "default"}
