"""cron/kubelets: its CEL as a table. The contract suite asks a real API server the same."""

import pytest

from tests.deploy.policies import Policy
from tests.support.manifests import Manifest, one

PREFIX = "kube-node-dns.kyle.space/"
KUBELET: Manifest = {"userInfo": {"username": "system:node:n1", "groups": ["system:nodes", "system:authenticated"]}}
LABEL = "a kubelet may not change the label that makes its node public"
ANNOTATION = "a kubelet may not change annotations of kube-node-dns"


def policy() -> Policy:
    """Give the policy."""
    return Policy(one("kubelets", "ValidatingAdmissionPolicy", "kube-node-dns-kubelets")["spec"])


def node(labels: dict[str, str] | None = None, annotations: dict[str, str] | None = None) -> Manifest:
    """Give a node; without labels or annotations it has no such field."""
    fields = {"labels": labels, "annotations": annotations}
    return {"metadata": {"name": "n1", **{key: value for key, value in fields.items() if value is not None}}}


PUBLIC = node({"serve-public": "true", "zone": "a"}, {f"{PREFIX}node-ips": "5.75.128.10", "example.com/a": "b"})
ALLOWED = [
    pytest.param(PUBLIC, PUBLIC, id="a heartbeat"),
    pytest.param(PUBLIC, node({"serve-public": "true"}, {f"{PREFIX}node-ips": "5.75.128.10"}), id="what is not ours"),
    pytest.param(node(), node({"zone": "a"}, {"example.com/a": "b"}), id="its first label and annotation"),
    pytest.param(None, node({"zone": "a"}), id="registering"),
    pytest.param(None, node(), id="registering with nothing"),
]
REFUSED = [
    pytest.param(node(), node({"serve-public": "true"}), LABEL, id="making itself public"),
    pytest.param(PUBLIC, node({}, PUBLIC["metadata"]["annotations"]), LABEL, id="making itself private"),
    pytest.param(node({"serve-public": "no"}), node({"serve-public": "true"}), LABEL, id="another value"),
    pytest.param(None, node({"serve-public": "true"}), LABEL, id="registering as public"),
    pytest.param(node(), node(None, {f"{PREFIX}public-ips": "192.0.2.1"}), ANNOTATION, id="an annotation"),
    pytest.param(PUBLIC, node(PUBLIC["metadata"]["labels"], {}), ANNOTATION, id="removing one"),
    pytest.param(
        PUBLIC,
        node(PUBLIC["metadata"]["labels"], {f"{PREFIX}node-ips": "192.0.2.1"}),
        ANNOTATION,
        id="changing one",
    ),
    pytest.param(None, node(None, {f"{PREFIX}node-ips": "192.0.2.1"}), ANNOTATION, id="registering with one"),
]


@pytest.mark.parametrize(("old", "new"), ALLOWED)
def test_a_kubelet_may_do_its_work(old: Manifest | None, new: Manifest) -> None:
    """Whatever else a kubelet changes of its node passes."""
    assert policy().refusals(KUBELET, new, old) == []


@pytest.mark.parametrize(("old", "new", "message"), REFUSED)
def test_a_kubelet_does_not_decide_what_is_published(old: Manifest | None, new: Manifest, message: str) -> None:
    """The label that selects public nodes and this program's annotations stay as they are.

    Whoever takes over a node that is not public cannot make it one, nor send clients to an address of theirs.
    """
    assert policy().refusals(KUBELET, new, old) == [message]


def test_it_is_about_kubelets_and_nobody_else() -> None:
    """It applies to kubelets, not to operators and annotate, and to every way to change a Node."""
    assert policy().applies(KUBELET)
    assert not policy().applies({"userInfo": {"username": "admin", "groups": ["system:masters"]}})
    (rule,) = policy().spec["matchConstraints"]["resourceRules"]
    assert rule["resources"] == ["nodes", "nodes/*"]


def test_the_label_is_that_of_the_selector() -> None:
    """The label is the one that config.env selects by; an overlay replaces the first variable."""
    first = policy().spec["variables"][0]
    assert first == {"name": "selecting", "expression": '["serve-public"]'}
