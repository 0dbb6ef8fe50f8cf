"""annotate-once as a command: its options, and how they become a run."""

import logging
import sys
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from jobs.core.errors import DONE, ConfigurationError
from jobs.edges.clock import Clock
from jobs.shell import values
from jobs.shell.options import NODE_NAME, RunOptions, option, splits_before
from jobs.shell.process import collect_garbage, print_result, run_until_deadline
from jobs.shell.report import as_json

if TYPE_CHECKING:
    from jobs.edges.node_annotations import NodeAnnotations

log = logging.getLogger("jobs")


class Settings(RunOptions):
    """What annotate-once takes."""

    node_name: str | None = option(values.object_name, "the node this runs on", "NAME", also=NODE_NAME)
    interface: tuple[str, ...] = option(
        values.glob,
        "look at these instead of all but those of pods, virtual machines and client VPNs, repeatable",
        "GLOB",
        (),
        many=True,
    )
    exclude_interface: tuple[str, ...] = option(values.glob, "never look at these, repeatable", "GLOB", (), many=True)
    public_ip_from: tuple[str, ...] = option(
        values.address_source,
        "ask for addresses that no interface shows: a cloud's metadata service, on its machines only, or an https:// "
        "URL that answers with the caller's address, repeatable (none)",
        "aws|gcp|azure|URL",
        (),
        many=True,
        splits_on=splits_before(r"(?:aws|gcp|azure)(?:[,\s]|$)", "https?:"),
    )


def run(chosen: Settings, _: Mapping[str, str]) -> int:
    """Do what was asked, report it and give the exit status.

    Raises ConfigurationError for options that do not go together.
    """
    if sys.platform != "linux":
        words = "it asks the kernel for the addresses of the node that it runs on"
        raise ConfigurationError(f"annotate-once runs on Linux only ({words}); this is {sys.platform}")
    from jobs.annotate_once import AnnotateRequest, AnnotateResult, annotate_once  # noqa: PLC0415
    from jobs.shell.annotate_report import annotate_document, annotate_text  # noqa: PLC0415

    node, dry_run = chosen.node_name, chosen.dry_run
    if node is None and not dry_run:
        raise ConfigurationError("no node name given; name this node with --node-name or KUBE_NODE_NAME")
    request = AnnotateRequest(node, chosen.interface, chosen.exclude_interface, chosen.public_ip_from)
    clock = Clock(chosen.timeout or 45)
    log_in = None if dry_run or node is None else partial(_annotations, node, chosen, clock)
    results: list[AnnotateResult] = []

    def work() -> None:
        for result in annotate_once(request, log_in):
            results.append(result)  # noqa: PERF402 - one by one: what came before a failure counts

    failure = run_until_deadline(work, clock)
    if failure and not results:
        raise failure
    if failure:
        log.error("%s", failure)
    status = failure.exit_status if failure else DONE
    if chosen.output == "json":
        print_result(as_json(annotate_document(results[-1], dry_run=dry_run, status=status)))
    else:
        print_result(annotate_text(results[-1], dry_run=dry_run, status=status))
    return status


def _annotations(node: str, chosen: Settings, clock: Clock) -> "NodeAnnotations":
    """Log in to the API server; a dry run needs none."""
    from jobs.edges.api_server import ApiServer  # noqa: PLC0415
    from jobs.edges.node_annotations import NodeAnnotations  # noqa: PLC0415

    annotations = NodeAnnotations(ApiServer(clock, chosen.kubeconfig, chosen.context), node)
    collect_garbage()
    return annotations
