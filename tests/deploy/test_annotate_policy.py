"""cron/annotate-policy.yaml: its CEL, evaluated as a table. The contract suite asks a real API server the same."""

import copy
from collections.abc import Callable
from typing import TypeAlias

import pytest

from tests.deploy.policies import Policy
from tests.support.manifests import Manifest, one, service_account

Change: TypeAlias = Callable[[Manifest], object]
PREFIX = "kube-node-dns.kyle.space/"
NODE_NAME = "authentication.kubernetes.io/node-name"
OLD: Manifest = {
    "metadata": {
        "name": "n1",
        "labels": {"serve-public": "true"},
        "annotations": {
            f"{PREFIX}node-ips": "5.75.128.10",
            f"{PREFIX}boot-id": "0a1b2c3d-0000-4000-8000-000000000000",
            f"{PREFIX}aws-geoproximity-coordinates": "50.11,8.68",
            "example.com/owner": "edge",
        },
    },
    "spec": {"podCIDR": "10.0.0.0/24"},
    "status": {"conditions": [{"type": "Ready", "status": "True"}]},
}


def policy(overlay: str = "base") -> Policy:
    """Give the policy."""
    return Policy(one(overlay, "ValidatingAdmissionPolicy", "kube-node-dns-annotate")["spec"])


def request(
    *,
    user: str = "system:serviceaccount:kube-node-dns-annotate:kube-node-dns-annotate",
    token_of: str | None = "n1",  # noqa: S107 - a node, not a secret
    operation: str = "UPDATE",
    subresource: str | None = None,
) -> Manifest:
    """Build a request about node n1, as the API server shows it to a policy."""
    extra = {} if token_of is None else {"extra": {NODE_NAME: [token_of]}}
    below = {} if subresource is None else {"subResource": subresource}
    return {"operation": operation, "name": "n1", "userInfo": {"username": user, **extra}, **below}


def refusals(asked: Manifest, new: Manifest | None, old: Manifest | None = None) -> list[str]:
    """Give the messages of the validations that do not hold."""
    return policy().refusals(asked, new, OLD if old is None else old)


def annotations(**values: str | None) -> Change:
    """Set annotations of kube-node-dns, None removes one; `_` stands for `-`."""

    def change(node: Manifest) -> None:
        for key, value in values.items():
            name = PREFIX + key.replace("_", "-")
            if value is None:
                del node["metadata"]["annotations"][name]
            else:
                node["metadata"]["annotations"][name] = value

    return change


def changed(change: Change) -> Manifest:
    """Give the node after a change."""
    new = copy.deepcopy(OLD)
    change(new)
    return new


ALLOWED = [
    pytest.param(lambda _: None, id="nothing"),
    pytest.param(annotations(node_ips="5.75.128.10,2a01:4f8:c17:1::10"), id="both families"),
    pytest.param(annotations(node_ips=""), id="none found"),
    pytest.param(annotations(node_ips=None, boot_id=None), id="both removed"),
    pytest.param(annotations(boot_id="ffffffff-1111-4111-8111-111111111111"), id="another boot"),
    pytest.param(lambda node: node["metadata"].update(resourceVersion="2", managedFields=[{}]), id="bookkeeping"),
]
ANNOTATIONS_ONLY = "may change nothing but annotations"
NO_OTHER = "may change no other annotation"
NO_LIST = "node-ips is no list of addresses"
REFUSED = [
    pytest.param(lambda n: n["metadata"]["labels"].update(a="b"), ANNOTATIONS_ONLY, id="a label more"),
    pytest.param(lambda n: n["metadata"]["labels"].clear(), ANNOTATIONS_ONLY, id="a label less"),
    pytest.param(lambda n: n["metadata"].update(finalizers=["a/b"]), ANNOTATIONS_ONLY, id="a finalizer"),
    pytest.param(lambda n: n["metadata"].update(ownerReferences=[{"name": "a"}]), ANNOTATIONS_ONLY, id="an owner"),
    pytest.param(lambda n: n["spec"].update(unschedulable=True), ANNOTATIONS_ONLY, id="cordoned"),
    pytest.param(lambda n: n["spec"].update(taints=[{"key": "a"}]), ANNOTATIONS_ONLY, id="tainted"),
    pytest.param(lambda n: n["status"]["conditions"].clear(), ANNOTATIONS_ONLY, id="status"),
    pytest.param(lambda n: n["metadata"]["annotations"].update(a="b"), NO_OTHER, id="a foreign annotation"),
    pytest.param(lambda n: n["metadata"]["annotations"].pop("example.com/owner"), NO_OTHER, id="one removed"),
    pytest.param(annotations(aws_geoproximity_coordinates="0.00,0.00"), NO_OTHER, id="the user's coordinates"),
    pytest.param(annotations(aws_geoproximity_coordinates=None), NO_OTHER, id="no coordinates"),
    pytest.param(annotations(public_ips="5.75.128.10"), NO_OTHER, id="the user's addresses"),
    pytest.param(annotations(node_ips="localhost"), NO_LIST, id="a name"),
    pytest.param(annotations(node_ips="5.75.128.10,"), NO_LIST, id="a comma too many"),
    pytest.param(annotations(node_ips="5.75.128.10\n5.75.128.11"), NO_LIST, id="lines"),
    pytest.param(annotations(node_ips=",".join(["5.75.128.10"] * 400)), NO_LIST, id="too long"),
    pytest.param(annotations(boot_id="<script>"), "boot-id is no boot id", id="no boot id"),
    pytest.param(annotations(boot_id="0" * 37), "boot-id is no boot id", id="a long boot id"),
]


@pytest.mark.parametrize("change", ALLOWED)
def test_annotate_may_do_its_work(change: Change) -> None:
    """annotate-once may write, change and remove its two annotations."""
    assert refusals(request(), changed(change)) == []


@pytest.mark.parametrize(("change", "message"), REFUSED)
def test_annotate_may_do_nothing_else(change: Change, message: str) -> None:
    """Any other change of the node is refused with its reason.

    Whoever takes over one node can neither break it for others nor hide what it does.
    """
    assert refusals(request(), changed(change)) == [message]


@pytest.mark.parametrize("token_of", [None, "n2", "n11", ""])
def test_a_token_is_good_for_the_node_it_names(token_of: str | None) -> None:
    """A token may only annotate the node that it names.

    Whoever takes over one node cannot send every domain's clients to it.
    """
    new = changed(annotations(node_ips="203.0.113.66"))
    assert refusals(request(token_of=token_of), new) == ["may only annotate its own node"]


@pytest.mark.parametrize(
    "asked",
    [
        request(operation="CREATE"),
        request(operation="DELETE"),
        request(subresource="status"),
        request(subresource="proxy"),
    ],
    ids=lambda asked: f"{asked['operation']} {asked.get('subResource', '')}",
)
def test_annotate_may_only_update_nodes(asked: Manifest) -> None:
    """Creating and deleting nodes, and their subresources, are refused.

    A role that somebody widens by mistake opens no more than the two annotations.
    """
    new = None if asked["operation"] == "DELETE" else changed(lambda _: None)
    assert "may only update nodes" in refusals(asked, new)


def test_a_node_without_annotations_gets_its_first() -> None:
    """A node without annotations may get its first."""
    bare = {"metadata": {"name": "n1"}, "spec": {}}
    new = {"metadata": {"name": "n1", "annotations": {f"{PREFIX}node-ips": "5.75.128.10"}}, "spec": {}}
    assert refusals(request(), new, bare) == []


@pytest.mark.parametrize("overlay", ["base", "elsewhere"])
def test_it_is_about_the_daemon_sets_service_account(overlay: str) -> None:
    """The policy applies to the DaemonSet's service account, in another namespace too."""
    namespace, name = service_account("annotate", overlay)
    assert policy(overlay).applies(request(user=f"system:serviceaccount:{namespace}:{name}"))


@pytest.mark.parametrize(
    "user",
    [
        "system:node:n1",
        "admin",
        "system:serviceaccount:kube-node-dns:kube-node-dns-sync",
        "system:serviceaccount:kube-node-dns:annotate",
        "oidc:kube-node-dns-annotate",
    ],
)
def test_it_is_about_nobody_else(user: str) -> None:
    """It applies to no other user, kubelets and operators among them."""
    assert not policy().applies(request(user=user))


def test_it_looks_at_every_way_to_change_a_node() -> None:
    """It covers every verb that changes a node, and every subresource."""
    (rule,) = policy().spec["matchConstraints"]["resourceRules"]
    assert rule["resources"] == ["nodes", "nodes/*"]
    assert {*rule["operations"]} == {"CREATE", "UPDATE", "DELETE"}
    binding = one("base", "ValidatingAdmissionPolicyBinding")["spec"]
    assert binding == {"policyName": "kube-node-dns-annotate", "validationActions": ["Deny"]}
