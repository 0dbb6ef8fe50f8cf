"""cron/alerts: the Prometheus rules, on series that kube-state-metrics has."""

import re
from collections.abc import Iterator

import promql_parser
import pytest

from tests.support.manifests import ANNOTATE_NAMESPACE, NAMESPACE, Manifest, one

HERE = (NAMESPACE, ANNOTATE_NAMESPACE)
ELSEWHERE = ("elsewhere", "elsewhere-annotate")
ALERTS = ("KubeNodeDnsSyncStale", "KubeNodeDnsSyncFailing", "KubeNodeDnsAnnotateUnavailable")
LABELS = {
    "kube_cronjob_created": {"namespace", "cronjob"},
    "kube_cronjob_next_schedule_time": {"namespace", "cronjob"},
    "kube_cronjob_status_last_schedule_time": {"namespace", "cronjob"},
    "kube_cronjob_status_last_successful_time": {"namespace", "cronjob"},
    "kube_daemonset_created": {"namespace", "daemonset"},
    "kube_daemonset_status_number_unavailable": {"namespace", "daemonset"},
    "kube_job_created": {"namespace", "job_name"},
    "kube_job_failed": {"namespace", "job_name", "condition"},
    "kube_namespace_created": {"namespace"},
    "kube_job_owner": {"namespace", "job_name", "owner_kind", "owner_name", "owner_is_controller"},
}
"""The series of kube-state-metrics 2 that are used, with their labels."""


def _rules(overlay: str = "alerts") -> list[Manifest]:
    (group,) = one(overlay, "PrometheusRule")["spec"]["groups"]
    return list(group["rules"])


def _rule(alert: str) -> Manifest:
    (found,) = (rule for rule in _rules() if rule["alert"] == alert)
    return dict(found)


def _selectors(expression: str) -> Iterator[tuple[str, set[str]]]:
    for name, labels in re.findall(r"\b(kube_\w+)(?:\{([^}]*)\})?", expression):
        yield name, set(re.findall(r"(\w+)=", labels))


def test_there_is_an_alert_for_each_way_to_fail() -> None:
    """There is an alert for syncs that stop, syncs that fail and nodes that are not annotated."""
    assert tuple(rule["alert"] for rule in _rules()) == ALERTS


@pytest.mark.parametrize("alert", ALERTS)
def test_its_expression_is_promql_on_series_that_exist(alert: str) -> None:
    """Each expression is PromQL on series and labels that kube-state-metrics has.

    Otherwise the operator would refuse the rule, or it would never fire.
    """
    expression = _rule(alert)["expr"]
    assert promql_parser.parse(expression).prettify()
    found = list(_selectors(expression))
    assert found
    for name, labels in found:
        assert labels <= LABELS[name]


@pytest.mark.parametrize(("overlay", "sync", "annotate"), [("alerts", *HERE), ("elsewhere", *ELSEWHERE)])
def test_it_is_about_the_namespace_of_its_workload(overlay: str, sync: str, annotate: str) -> None:
    """An alert is about the CronJob's namespace or the DaemonSet's, wherever they are, and about no other."""
    named = [re.findall('namespace="([^"]*)"', rule["expr"]) for rule in _rules(overlay)]
    assert named == [[sync], [sync], [annotate]]


@pytest.mark.parametrize("alert", ALERTS)
def test_it_says_what_it_means(alert: str) -> None:
    """An alert has a severity, a summary and the namespace where to look."""
    rule = _rule(alert)
    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert "{{ $labels.namespace }}" in rule["annotations"]["description"]
    assert rule["annotations"]["summary"]
