"""`python -m tests.sandbox`: the whole story on this machine, without a cluster and without AWS."""

import argparse
import contextlib
import json
import os
import shlex
import shutil
import threading
import time
from collections.abc import Collection
from pathlib import Path

from tests.sandbox.world import PROGRAM, World

DOMAIN = "cdn.example.com"
SYNC = ("sync-once", "--domain", DOMAIN, "--node-label-selector", "serve-public=true")
NODES = ("fra-1", "fra-2", "nyc-1", "sgp-1")
TO_DNSENDPOINT = ("--publish-to", "dnsendpoint", "--dnsendpoint-namespace", "default")
SILENCE = "Kubelet stopped posting node status."
RENEWAL_SECONDS = 10
WITH_CLIENTS = "uv run -q --no-dev --group sandbox --group clients python -m tests.sandbox --serve"


def main() -> None:
    """Tell the story, or serve both doubles until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m tests.sandbox", description=__doc__)
    parser.add_argument("--serve", action="store_true", help="keep both servers up for a shell of your own")
    places = ("route53", "dnsendpoint")
    parser.add_argument("--publish-to", choices=places, default=places[0], help="what the story publishes to")
    arguments = parser.parse_args()
    with World() as world:
        world.kubernetes.define("dnsendpoints.externaldns.k8s.io")
        zone = world.route53.zone("example.com")
        populate(world)
        silent: set[str] = set()
        threading.Thread(target=renew_leases, args=(world, silent), daemon=True).start()
        if arguments.serve:
            serve(world, zone)
        else:
            tell(world, silent, None if arguments.publish_to == "dnsendpoint" else zone)


def populate(world: World) -> None:
    """Make three labelled nodes at two places and one that has no place yet."""
    world.node("fra-1", "5.75.128.10,2a01:4f8:c17:1::10", "50.11,8.68")
    world.node("fra-2", "5.75.128.11", "50.11,8.68")
    world.node("nyc-1", "5.161.40.7,2a01:4ff:f0:7::7", "40.71,-74.01")
    world.node("sgp-1", "5.223.50.3")


def renew_leases(world: World, silent: Collection[str]) -> None:
    """Renew the nodes' Leases as their kubelets do, but for the silent ones; does not return."""
    while True:
        for name in NODES:
            if name not in silent:
                world.kubernetes.renew_lease(name)
        time.sleep(RENEWAL_SECONDS)


def tell(world: World, silent: set[str], zone: str | None) -> None:
    """Run the program step by step and show what it says and what the zone, or else the DNSEndpoint, then holds."""
    sync = SYNC if zone else (*SYNC, *TO_DNSENDPOINT)
    say("What of this machine would be published")
    run(world, "annotate-once", "--dry-run")
    say("Four nodes at two places; sgp-1 has no coordinates yet, so routing stays simple")
    run(world, *sync)
    show(world, zone)
    say("sgp-1 gets coordinates (kubectl annotate node sgp-1 ...): geoproximity for all, in one write")
    world.kubernetes.edit(
        "Node",
        "sgp-1",
        lambda node: node["metadata"]["annotations"].update(
            {"kube-node-dns.kyle.space/aws-geoproximity-coordinates": "1.35,103.82"}
        ),
    )
    if not zone:  # it must be named there, since few providers know it
        sync = (*sync, "--routing", "geoproximity")
    run(world, *sync)
    show(world, zone)
    say("fra-2 has lost power: Kubernetes calls it Ready still, but its kubelet no longer renews its Lease")
    silent.add("fra-2")
    world.kubernetes.renew_lease("fra-2", age_seconds=30)
    run(world, *sync)
    show(world, zone)
    say("Kubernetes has noticed too: nothing to do, so nothing is written")
    world.kubernetes.set_ready("fra-2", "Unknown", SILENCE)
    run(world, *sync)
    if zone:
        tell_of_health_checks(world, zone)
    say("The API server was away for a minute, so all Leases are old: more than a third, so nothing is withdrawn")
    silent.update(NODES)
    for name in NODES:
        world.kubernetes.renew_lease(name, age_seconds=60)
    run(world, *sync)
    say("All nodes fail at once, as they say themselves: the last addresses stay in DNS, exit status 3")
    world.kubernetes.set_ready("fra-2", "Unknown", SILENCE, age_seconds=60)
    for name in ("fra-1", "nyc-1", "sgp-1"):
        world.kubernetes.set_ready(name, "False", "container runtime is down")
    run(world, *sync)
    show(world, zone)


def tell_of_health_checks(world: World, zone: str) -> None:
    """Let a place die while nobody here can do anything about it."""
    say("Route 53's own checkers are to ask each address: a check each, then the record sets name them")
    run(world, *SYNC, "--health-check", "tcp:443")
    show_who_is_served(world, zone)
    say("The API server is away, so no run gets anywhere, and nyc-1 dies: Route 53 answers with the next nearest place")
    world.cluster.refuse()
    world.route53.health_checks.down = {"5.161.40.7", "2a01:4ff:f0:7::7"}
    show_who_is_served(world, zone)
    say("Both are back; --health-check none takes the checks off and deletes them")
    world.route53.health_checks.down = set()
    world.cluster.listen()
    run(world, *SYNC, "--health-check", "none")


def show_who_is_served(world: World, zone: str) -> None:
    """Print what somebody in New York is answered with."""
    served = [world.route53.served(zone, DOMAIN, type_, "40.71,-74.01") for type_ in ("A", "AAAA")]
    print("\nNew York is answered with:", *(address for each in served for address in each), sep="\n  ", flush=True)


def say(text: str) -> None:
    """Print a heading."""
    print(f"\n=== {text}", flush=True)


def run(world: World, *arguments: str) -> None:
    """Run the program and show its output as a terminal would."""
    print(f"\n$ {shlex.join(['kube-node-dns', *arguments])}")
    finished = world.run(*arguments)
    print(f"{finished.stderr}{finished.stdout}(exit status {finished.returncode})", flush=True)


def show(world: World, zone: str | None) -> None:
    """Print what Route 53, or else the DNSEndpoint, holds now."""
    if zone:
        print("\nRoute 53 holds:", *world.shown(zone), sep="\n  ", flush=True)
        return
    found = world.kubernetes.get("DNSEndpoint", DOMAIN, "default", api_version="externaldns.k8s.io/v1alpha1")
    print("\nThe DNSEndpoint holds:", *map(json.dumps, found["spec"]["endpoints"]), sep="\n  ", flush=True)


def serve(world: World, zone: str) -> None:
    """Print the environment for a shell and wait."""
    programs = Path(PROGRAM[0]).parent
    variables = {**world.environment, "PATH": f"{programs}:$PATH"}
    print("# Paste this into a shell; Ctrl-C here ends the sandbox.")
    for name, value in variables.items():
        print(f'export {name}="{value}"')
    path = f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    if missing := [name for name in ("kubectl", "aws") if not shutil.which(name, path=path)]:
        print(f"# {' and '.join(missing)} not found. This serves again with both beside the sandbox, 200 MB more:")
        print(f"#   {WITH_CLIENTS}")
    sync = f"kube-node-dns {shlex.join(SYNC)}"
    listing = f"aws route53 list-resource-record-sets --hosted-zone-id {zone}"
    steps = (
        "kubectl get nodes",
        f"{sync} --dry-run",
        sync,
        "kubectl cordon fra-1",
        sync,
        "kubectl get events",
        listing,
    )
    with contextlib.suppress(KeyboardInterrupt):
        print("# Then try, for example:", *(f"#   {step}" for step in steps), sep="\n", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
