"""The folder `cron/` as kustomize renders it, by itself and from the overlays that the README shows."""

import copy
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from shutil import copytree
from textwrap import dedent
from typing import Any, TypeAlias

import yaml

Manifest: TypeAlias = dict[str, Any]

CRON = Path(__file__).parents[2] / "cron"
KUBECTL = str(Path(sys.executable).with_name("kubectl"))
NAMESPACE = "kube-node-dns"
ANNOTATE_NAMESPACE = "kube-node-dns-annotate"
IMAGE = "kube-node-dns.invalid/kube-node-dns"
"""What the manifests name, which is nobody's."""
_WATCH = "resources: [../cron]\ncomponents: [../cron/watch]\n"
_READY_SERVICE = "resources: [../cron]\ncomponents: [../cron/ready-service, ../cron/watch]\n"
_IMAGES = dedent("""
    images:
      - name: kube-node-dns.invalid/kube-node-dns
        newName: registry.example.com/me/kube-node-dns
        digest: sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
""")
_RENAMED = dedent("""
      - target: {kind: Namespace, name: kube-node-dns}
        patch: "- {op: replace, path: /metadata/name, value: elsewhere}"
      - target: {kind: Namespace, name: kube-node-dns-annotate}
        patch: "- {op: replace, path: /metadata/name, value: elsewhere-annotate}"
    transformers: [../cron/other-namespaces]
""")
_ELSEWHERE = f"patches:{_RENAMED}"
_EDITED = _WATCH + dedent("""
    configMapGenerator:
      - name: kube-node-dns
        namespace: kube-node-dns
        behavior: merge
        literals: [KUBE_NODE_DNS_TTL=300]
      - name: kube-node-dns-annotate
        namespace: kube-node-dns-annotate
        behavior: merge
        literals: [KUBE_NODE_DNS_EXCLUDE_INTERFACE=wg0]
""")
_TWO_DOMAINS = dedent("""
    resources: [../cron, eu]
    components: [../cron/watch]
    patches:
      - target: {kind: Deployment, name: watch}
        patch: |-
          - {op: replace, path: /spec/template/spec/containers/0/args,
             value: [watch, --cronjob, sync, --cronjob, sync-eu]}
      - target: {kind: Role, name: kube-node-dns-watch}
        patch: |-
          - {op: add, path: /rules/0/resourceNames/-, value: sync-eu}
""")
_EU = dedent("""
    resources: [../../cron/sync]
    nameSuffix: -eu
    patches:
      - target: {kind: CronJob}
        patch: |-
          - op: add
            path: /spec/jobTemplate/spec/template/spec/containers/0/env/-
            value: {name: KUBE_NODE_DNS_DOMAIN, value: eu.example.com}
          - op: add
            path: /spec/jobTemplate/spec/template/spec/containers/0/env/-
            value: {name: KUBE_NODE_DNS_NODE_LABEL_SELECTOR, value: "serve-public=true,region=eu"}
""")
OVERLAYS: Mapping[str, Mapping[str, str]] = {
    "base": {"overlay/kustomization.yaml": "resources: [../cron]\n"},
    "watch": {"overlay/kustomization.yaml": _WATCH},
    "alerts": {"overlay/kustomization.yaml": "resources: [../cron]\ncomponents: [../cron/alerts]\n"},
    "ready service": {"overlay/kustomization.yaml": _READY_SERVICE},
    "edited": {"overlay/kustomization.yaml": _EDITED},
    "older": {
        "overlay/kustomization.yaml": """
            resources: [../cron]
            patches:
              - target: {kind: ValidatingAdmissionPolicy.*}
                patch: |-
                  $patch: delete
                  kind: any
                  metadata: {name: any}
        """
    },
    "two domains": {"overlay/kustomization.yaml": _TWO_DOMAINS, "overlay/eu/kustomization.yaml": _EU},
    "elsewhere": {
        "overlay/kustomization.yaml": _ELSEWHERE
        + "resources: [../cron]\ncomponents: [../cron/watch, ../cron/ready-service, ../cron/alerts]\n"
    },
    "elsewhere, edited": {"overlay/kustomization.yaml": _ELSEWHERE + _EDITED},
    "elsewhere, two domains": {
        "overlay/kustomization.yaml": _TWO_DOMAINS + _RENAMED,
        "overlay/eu/kustomization.yaml": _EU,
    },
    "elsewhere, no watch": {
        "overlay/kustomization.yaml": _ELSEWHERE + "resources: [../cron]\ncomponents: [../cron/ready-service]\n"
    },
    "lxc": {"overlay/kustomization.yaml": "resources: [../cron]\ncomponents: [../cron/lxc]\n"},
    "kubelets": {"overlay/kustomization.yaml": "resources: [../cron]\ncomponents: [../cron/kubelets]\n"},
    "dnsendpoint": {
        "overlay/kustomization.yaml": "resources: [../cron]\ncomponents: [../cron/watch, ../cron/dnsendpoint]\n"
    },
    "dnsendpoint, two domains": {
        "overlay/kustomization.yaml": _TWO_DOMAINS.replace("/watch]", "/watch, ../cron/dnsendpoint]"),
        "overlay/eu/kustomization.yaml": _EU,
    },
    "elsewhere, dnsendpoint": {
        "overlay/kustomization.yaml": _ELSEWHERE
        + "resources: [../cron]\ncomponents: [../cron/watch, ../cron/dnsendpoint]\n"
    },
    "pinned": {"overlay/kustomization.yaml": _WATCH + _IMAGES},
}
"""Each way to install it, as files beside a copy of `cron/`."""

NAMES = tuple(OVERLAYS)
CONTAINERS = {"annotate": "DaemonSet", "sync": "CronJob", "watch": "Deployment"}
"""Each component and the kind of its workload."""


def write(overlay: str, home: Path) -> Path:
    """Write an overlay, and a copy of `cron/` beside it; give the folder to render."""
    return beside(OVERLAYS[overlay], home) / "overlay"


def beside(files: Mapping[str, str], home: Path) -> Path:
    """Write files into a folder, and a copy of `cron/` beside them."""
    copytree(CRON, home / "cron", dirs_exist_ok=True)
    for path, text in files.items():
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_text(text, encoding="utf-8")
    return home


def kustomize(folder: Path) -> tuple[Manifest, ...]:
    """Render a folder."""
    ended = subprocess.run([KUBECTL, "kustomize", str(folder)], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert not ended.stderr, "kustomize has something to warn of"
    return tuple(yaml.safe_load_all(ended.stdout))


@cache
def rendered(overlay: str) -> tuple[Manifest, ...]:
    """Render an overlay, once a session."""
    with tempfile.TemporaryDirectory(prefix="manifests-") as home:
        return kustomize(write(overlay, Path(home)))


def all_of(overlay: str, kind: str) -> list[Manifest]:
    """Give all objects of a kind."""
    return [copy.deepcopy(each) for each in rendered(overlay) if each["kind"] == kind]


def one(overlay: str, kind: str, name: str | None = None) -> Manifest:
    """Give the only object of a kind, or of a kind and name."""
    (found,) = (each for each in all_of(overlay, kind) if name in {None, each["metadata"]["name"]})
    return found


def job_spec(cronjob: Manifest) -> Manifest:
    """Give the spec of a CronJob's Jobs."""
    spec: Manifest = cronjob["spec"]["jobTemplate"]["spec"]
    return spec


def pod_of(workload: Manifest) -> Manifest:
    """Give the pod template of a workload."""
    spec = job_spec(workload) if workload["kind"] == "CronJob" else workload["spec"]
    template: Manifest = spec["template"]
    return template


def pod_spec(component: str, overlay: str = "watch") -> Manifest:
    """Give the pod spec of a component."""
    spec: Manifest = pod_of(one(overlay, CONTAINERS[component], component))["spec"]
    return spec


def container(component: str, overlay: str = "watch") -> Manifest:
    """Give the only container of a component."""
    (only,) = pod_spec(component, overlay)["containers"]
    return dict(only)


def config_map(component: str, overlay: str = "watch") -> Manifest:
    """Give the ConfigMap that a component takes its options from."""
    namespace, _ = service_account(component, overlay)
    (found,) = (each for each in all_of(overlay, "ConfigMap") if each["metadata"]["namespace"] == namespace)
    return found


def service_account(component: str, overlay: str = "watch") -> tuple[str, str]:
    """Give the namespace and name of the service account that a component runs with."""
    workload = one(overlay, CONTAINERS[component], component)
    return workload["metadata"]["namespace"], pod_of(workload)["spec"]["serviceAccountName"]


def granted(component: str, overlay: str = "watch") -> Iterator[tuple[str, Manifest]]:
    """Give each rule that a component's service account has, with the namespace it holds in ("" for all)."""
    namespace, name = service_account(component, overlay)
    subject = {"kind": "ServiceAccount", "name": name, "namespace": namespace}
    for kind in ("ClusterRole", "Role"):
        for binding in all_of(overlay, f"{kind}Binding"):
            if subject in binding["subjects"]:
                for rule in _role_of(binding, overlay)["rules"]:
                    yield binding["metadata"].get("namespace", ""), rule


def _role_of(binding: Manifest, overlay: str) -> Manifest:
    """Give what a binding refers to; a Role is looked for in the binding's own namespace, as the API server does."""
    kind, name = binding["roleRef"]["kind"], binding["roleRef"]["name"]
    role = one(overlay, kind, name)
    if kind == "Role":
        assert role["metadata"]["namespace"] == binding["metadata"]["namespace"], f"{name} is not where it is bound"
    return role


def rights(component: str, overlay: str = "watch") -> set[tuple[str, str, str]]:
    """Give what a component's service account may do: verb, plural, and namespace ("" for the whole cluster)."""
    return {
        (verb, resource, namespace)
        for namespace, rule in granted(component, overlay)
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def verbs(component: str, overlay: str = "watch") -> set[str]:
    """Give what a component's service account may do in any namespace, as `list nodes`."""
    return {f"{verb} {resource}" for verb, resource, _ in rights(component, overlay)}
