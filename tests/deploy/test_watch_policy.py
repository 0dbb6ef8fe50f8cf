"""cron/watch/policy.yaml: its CEL as a table. The contract suite asks a real API server the same."""

import copy
import re

import pytest

from tests.deploy.policies import Policy
from tests.support.attacks import ATTACKS, METADATA, WITHDRAWN, Change, changed, made_by_watch
from tests.support.manifests import NAMESPACE, Manifest, all_of, one, service_account

FILLED_IN: Manifest = {
    "parallelism": 1,
    "completions": 1,
    "backoffLimit": 6,
    "completionMode": "NonIndexed",
    "suspend": False,
    "manualSelector": False,
    "podReplacementPolicy": "TerminatingOrFailed",
}
GENERATED = ("controller-uid", "job-name", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name")
_ROLE = re.compile(r"authorizer\.group\(.*?\.allowed\(\)")


def policy(overlay: str = "watch") -> Policy:
    """Give the policy; what it asks the API server's authorizer is answered by the names in the request's `role`."""
    manifest = copy.deepcopy(one(overlay, "ValidatingAdmissionPolicy", "kube-node-dns-watch"))
    for rule in manifest["spec"]["validations"]:
        rule["expression"] = _ROLE.sub("variables.owner in request.role", rule["expression"])
    return Policy(manifest["spec"])


def cronjob(name: str = "sync", overlay: str = "watch") -> Manifest:
    """Give a CronJob as the API server has it."""
    found = copy.deepcopy(one(overlay, "CronJob", name))
    found["metadata"]["uid"] = f"uid-of-{name}"
    return found


def request(operation: str = "CREATE", role: tuple[str, ...] = ("sync",), **more: str) -> Manifest:
    """Build a request by watch."""
    user = {"username": f"system:serviceaccount:{NAMESPACE}:kube-node-dns-watch"}
    return {"operation": operation, "namespace": NAMESPACE, "userInfo": user, "role": list(role), **more}


def filled_in(job: Manifest) -> Manifest:
    """Give a Job as admission sees it: with what the API server adds."""
    new = copy.deepcopy(job)
    new["spec"] = {**FILLED_IN, **new["spec"], "selector": {"matchLabels": {GENERATED[0]: "x"}}}
    metadata = new["spec"]["template"].setdefault("metadata", {})
    metadata["labels"] = {**metadata.get("labels", {}), **dict.fromkeys(GENERATED, "x")}
    return new


@pytest.mark.parametrize("withdrawn", WITHDRAWN)
def test_watch_may_make_its_jobs(withdrawn: tuple[str, ...]) -> None:
    """Every Job that watch makes passes, with and without nodes to stay off."""
    job = filled_in(made_by_watch(cronjob(), withdrawn))
    assert policy().refusals(request(), job, params=cronjob()) == []


def test_a_template_without_labels_makes_jobs_too() -> None:
    """A Job without labels passes with those that the API server gives it, its pods', and with no other."""
    template = cronjob()
    del template["spec"]["jobTemplate"]["metadata"]["labels"]
    job = filled_in(made_by_watch(template))
    job["metadata"]["labels"] = dict(job["spec"]["template"]["metadata"]["labels"])
    assert policy().refusals(request(), job, params=template) == []
    job["metadata"]["labels"]["app"] = "bank"
    assert policy().refusals(request(), job, params=template) == [METADATA]


def test_a_later_kubernetes_may_fill_in_more() -> None:
    """A field that the API server adds by itself, and nobody knows yet, does not stop watch."""
    job = filled_in(made_by_watch(cronjob()))
    job["spec"]["somethingNew"] = "Default"
    assert policy().refusals(request(), job, params=cronjob()) == []


@pytest.mark.parametrize(("change", "message"), ATTACKS)
def test_watch_may_make_no_other_job(change: Change, message: str) -> None:
    """A Job that differs from the template's is refused with its reason.

    Whoever has watch's token gets sync Jobs, and neither the host nor the credentials.
    """
    job = filled_in(changed(made_by_watch(cronjob()), change))
    refusals = policy().refusals(request(), job, params=cronjob())
    assert refusals == [message]


def test_several_cronjobs_need_no_other_policy() -> None:
    """With two CronJobs, a Job must be that of its owner's template; the other CronJob has no objection."""
    overlay, role = "two domains", ("sync", "sync-eu")
    first, second = (cronjob(name, overlay) for name in role)
    job = filled_in(made_by_watch(second))
    rules = policy(overlay)
    assert [rules.refusals(request(role=role), job, params=each) for each in (first, second)] == [[], []]
    mixed = filled_in(changed(made_by_watch(first), lambda new: new.update(spec=second["spec"]["jobTemplate"]["spec"])))
    refusals = [rules.refusals(request(role=role), mixed, params=each) for each in (first, second)]
    assert [bool(each) for each in refusals] == [True, False]


def test_every_name_in_the_role_is_a_cronjob() -> None:
    """The Role of watch names CronJobs that there are: one that is missing could object to nothing."""
    for overlay in ("watch", "two domains", "elsewhere, two domains"):
        role = one(overlay, "Role", "kube-node-dns-watch")["rules"][0]["resourceNames"]
        assert set(role) == {each["metadata"]["name"] for each in all_of(overlay, "CronJob")}


@pytest.mark.parametrize("more", [{"operation": "UPDATE"}, {"subResource": "status"}], ids=str)
def test_watch_may_only_create(more: dict[str, str]) -> None:
    """Jobs that there are, and their status, are not watch's to change, whatever Role it is given."""
    job = filled_in(made_by_watch(cronjob()))
    assert policy().refusals(request(**more), job, params=cronjob()) == ["may only create Jobs"]  # type: ignore[arg-type]


@pytest.mark.parametrize("overlay", ["watch", "elsewhere"])
def test_it_is_about_watch_and_nobody_else(overlay: str) -> None:
    """It applies to watch's service account, in another namespace too, and not to those who create Jobs by hand."""
    namespace, name = service_account("watch", overlay)
    rules = policy(overlay)
    assert rules.applies({"userInfo": {"username": f"system:serviceaccount:{namespace}:{name}"}})
    for other in ("admin", "system:serviceaccount:kube-system:cronjob-controller", f"oidc:{name}"):
        assert not rules.applies({"userInfo": {"username": other}})


def test_it_asks_every_cronjob_of_the_namespace() -> None:
    """Its parameters are all CronJobs of the Job's namespace, and where there is none nobody's Job is refused."""
    binding = one("watch", "ValidatingAdmissionPolicyBinding", "kube-node-dns-watch")["spec"]
    assert binding == {
        "policyName": "kube-node-dns-watch",
        "paramRef": {"selector": {}, "parameterNotFoundAction": "Allow"},
        "validationActions": ["Deny"],
    }
