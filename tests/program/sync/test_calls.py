"""Where sync-once looks for a domain, and how few calls it makes."""

import pytest

from tests.sandbox.account import simple
from tests.sandbox.world import World
from tests.support import forks
from tests.support.large_clusters import add_fat_nodes
from tests.support.sync_runs import (
    DOMAIN,
    FRA_4,
    LOOK,
    NO_OP,
    NYC_4,
    WRITE,
    addresses,
    all_in_one,
    answers,
    document,
    forget,
    no_place,
    settled,
    shows,
    sync,
    synced,
)


def crowd(world: World, zone: str, *prefixes: str, count: int = 600) -> None:
    """Fill a zone with the records of others, names beginning as told."""
    for prefix in prefixes:
        names = [f"{prefix}{number}.example.com" for number in range(count)]
        world.route53.put(zone, *(simple(name, "A", "192.0.2.1") for name in names))


def both(world: World, *names: str) -> list[str]:
    """Sync several domains until nothing is left to do, and give the calls of the last run."""
    arguments = [argument for name in names for argument in ("--domain", name)]
    for _ in range(2):
        forget(world)
        finished = forks.run(world, "sync-once", *arguments)
        assert finished.returncode == 0, finished.stderr
    return world.dns.operations()


def test_nothing_to_do_costs_four_calls(world: World) -> None:
    """A run with nothing to do makes two calls to Route 53 and two to the cluster, and writes and logs nothing.

    The account's rate of calls is shared with the user's other tools.
    """
    settled(world, no_place(world))
    finished = synced(world)
    assert ("unchanged" in finished.stdout, finished.stderr) == (True, "")
    assert (world.dns.operations(), world.cluster.operations()) == (NO_OP, LOOK)
    assert world.route53.history == []


def test_write_costs_one_look_before_and_one_after(world: World) -> None:
    """A change costs one read of zone and cluster before it, one write, one read after it, and an Event a node."""
    no_place(world)
    synced(world)
    assert world.dns.operations() == [*NO_OP, WRITE, "ListResourceRecordSets"]
    assert world.cluster.operations() == [*LOOK, *LOOK, "create events", "create events"], "an Event a node"


def test_leases_are_not_read_when_they_do_not_count(world: World) -> None:
    """With `--lease-timeout 0` the Leases are not listed, and nothing is logged of them."""
    settled(world, no_place(world))
    assert synced(world, "--lease-timeout", "0").stderr == ""
    assert world.cluster.operations() == ["list nodes"]


def test_each_service_costs_a_call(world: World) -> None:
    """Each `--ready-service` costs one list of EndpointSlices, limited to its namespace and name."""
    settled(world, no_place(world))
    synced(world, "--ready-service", "traefik/traefik", "--ready-service", "edge/caddy")
    assert world.cluster.operations() == [*LOOK, "list endpointslices", "list endpointslices"]
    asked = [(call.request.path, call.request.query.get("labelSelector")) for call in world.cluster.calls[2:]]
    assert asked == [
        (f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices", f"kubernetes.io/service-name={name}")
        for namespace, name in (("traefik", "traefik"), ("edge", "caddy"))
    ]


def test_size_of_the_zone_costs_nothing(world: World) -> None:
    """A run takes no more calls in a zone with 1200 other records."""
    zone = no_place(world)
    crowd(world, zone, "a", "z")
    settled(world, zone)
    synced(world)
    assert world.dns.operations() == NO_OP
    assert answers(world, zone) == all_in_one()


@pytest.mark.parametrize(
    "name", [pytest.param("n{:03d}.net", id="elsewhere"), pytest.param("n{:03d}.com", id="around-it")]
)
def test_size_of_the_account_costs_nothing(world: World, name: str) -> None:
    """A run takes no more calls in an account with 230 other zones."""
    for number in range(230):
        world.route53.zone(name.format(number))
    settled(world, no_place(world))
    synced(world)
    assert world.dns.operations() == NO_OP


def test_zone_behind_more_than_a_page_of_siblings_is_found(world: World) -> None:
    """The longest zone is found behind a page of 100 others below the same name, and the wider one is left alone."""
    wide = no_place(world)
    for number in range(120):
        world.route53.zone(f"b{number:03d}.example.com")
    right = world.route53.zone("cdn.example.com")
    synced(world)
    assert (answers(world, wide), answers(world, right)) == ({}, all_in_one())
    assert world.dns.operations().count("ListHostedZonesByName") == 2


def test_apex_of_a_zone_can_be_a_domain(world: World) -> None:
    """The apex `example.com` is served; its own NS records are no delegation."""
    zone = no_place(world)
    finished = forks.run(world, "sync-once", "--domain", "example.com")
    assert finished.returncode == 0, finished.stderr
    assert answers(world, zone, "example.com") == all_in_one()


def test_zone_id_takes_the_place_of_the_search(world: World) -> None:
    """With `--zone-id` the zone is read by its id, also with the prefix `/hostedzone/`, and no zones are listed.

    It serves users with two zones of one name, or without the right to list zones.
    """
    zone = no_place(world)
    world.route53.zone("example.com")
    settled(world, zone, "--zone-id", zone)
    synced(world, "--zone-id", f"/hostedzone/{zone}")
    assert world.dns.operations() == ["GetHostedZone", "ListResourceRecordSets"]
    assert answers(world, zone) == all_in_one()


def test_zone_id_must_contain_every_domain(world: World) -> None:
    """A `--zone-id` whose zone does not contain the domain is an error that names both; nothing is written."""
    no_place(world)
    wrong = world.route53.zone("example.org")
    finished = sync(world, "--zone-id", wrong)
    assert finished.returncode == 2
    assert DOMAIN in finished.stderr
    assert "example.org" in finished.stderr
    assert world.route53.history == []


@pytest.mark.parametrize("private", [True, False], ids=["private", "missing"])
def test_zone_id_must_be_a_public_zone(world: World, private: bool) -> None:  # noqa: FBT001 - a table
    """A `--zone-id` of a private or missing zone is an error that names it; nothing is written."""
    no_place(world)
    zone = world.route53.zone("example.com", private=True) if private else "Z0000000000000"
    finished = sync(world, "--zone-id", zone)
    assert finished.returncode == 2
    assert zone in finished.stderr
    assert world.route53.history == []


def test_domains_within_a_page_share_a_call(world: World) -> None:
    """Four domains that stand on one page of their zone share one call."""
    no_place(world)
    names = ["cdn.example.com", "www.example.com", "example.com", "img.example.com"]
    assert both(world, *names) == NO_OP


def test_domains_a_page_apart_have_a_call_each(world: World) -> None:
    """A domain behind a page of others' records is read with a call of its own, and is not written again."""
    zone = no_place(world)
    crowd(world, zone, "k", count=400)
    assert both(world, "cdn.example.com", "www.example.com") == [*NO_OP, "ListResourceRecordSets"]
    assert answers(world, zone, "www.example.com") == all_in_one()


def test_domain_at_the_end_of_a_page_is_read_to_its_end(world: World) -> None:
    """A domain whose record sets begin at the end of a page is read to its last one."""
    zone = no_place(world)
    crowd(world, zone, "k", count=298)
    names = ("cdn.example.com", "www.example.com")
    assert both(world, *names) == [*NO_OP, "ListResourceRecordSets"]
    assert answers(world, zone, "www.example.com") == all_in_one()


def test_domain_without_records_is_asked_for(world: World) -> None:
    """A domain that no page has shown is read with a call that names it."""
    zone = shows(world, no_place(world), all_in_one())
    arguments = ("--domain", DOMAIN, "--domain", "zzz.example.com", "--dry-run")
    assert forks.run(world, "sync-once", *arguments).returncode == 0
    asked = [call.request.query["name"] for call in world.dns.calls if call.operation == "ListResourceRecordSets"]
    assert asked == ["cdn.example.com.", "zzz.example.com."]
    assert answers(world, zone) == all_in_one()


def test_zones_of_equal_last_labels_share_a_call(world: World) -> None:
    """Domains whose last two labels are equal share one list of zones."""
    no_place(world)
    world.route53.zone("eu.example.com")
    calls = both(world, "cdn.example.com", "cdn.eu.example.com")
    assert sorted(calls) == [NO_OP[0], NO_OP[1], NO_OP[1]]


def test_each_pair_of_last_labels_has_a_call(world: World) -> None:
    """Domains with different last two labels have a list of zones each, and each is served in its own zone."""
    no_place(world)
    zone = world.route53.zone("example.org")
    calls = both(world, "cdn.example.com", "www.example.org")
    assert sorted(calls) == sorted(2 * NO_OP)
    assert answers(world, zone, "www.example.org") == all_in_one()


def test_many_nodes_are_read_in_pages(world: World) -> None:
    """Nodes are listed in pages of 500."""
    world.route53.zone("example.com")
    for number in range(501):
        world.node(f"node-{number:03d}", FRA_4 if not number else "")
    settled(world, "")
    synced(world)
    assert world.cluster.operations() == ["list nodes", *LOOK]
    assert {call.request.query["limit"] for call in world.cluster.calls} == {"500"}


def test_lists_come_compressed(world: World) -> None:
    """Lists are asked for in gzip, and read.

    Uncompressed, a run a minute reads 25 GB a month of a cluster of 50 nodes.
    """
    zone = world.route53.zone("example.com")
    add_fat_nodes(world, 20)
    synced(world)
    (shown,) = answers(world, zone).values()
    assert len(shown) == 20
    assert {call.request.headers["Accept-Encoding"] for call in world.cluster.calls} == {"gzip"}


def test_wildcard_domain(world: World) -> None:
    """`*.example.com` is served, is not written again, and leaves the record of `www.example.com` alone."""
    zone = no_place(world)
    world.route53.put(zone, simple("www.example.com", "A", "192.0.2.1"))
    assert both(world, "*.example.com") == NO_OP
    assert answers(world, zone, "*.example.com") == all_in_one()
    assert addresses(world, zone, "www.example.com") == {"192.0.2.1"}


def test_same_domain_twice_is_one(world: World) -> None:
    """A domain that is named twice, in another case and with a trailing dot, is reported and written once."""
    no_place(world)
    finished = forks.run(world, "sync-once", "--domain", DOMAIN, "--domain", "CDN.Example.com.", "--output", "json")
    assert [each["name"] for each in document(finished)["domains"]] == [DOMAIN]
    assert len(world.route53.history) == 1


def test_environment_can_set_everything(world: World) -> None:
    """Variables set domains and options, an option on the command line wins, an empty variable counts as unset."""
    zone = no_place(world)
    variables = {
        "KUBE_NODE_DNS_DOMAIN": "cdn.example.com, www.example.com",
        "KUBE_NODE_DNS_TTL": "300",
        "KUBE_NODE_DNS_DRY_RUN": "false",
        "KUBE_NODE_DNS_OUTPUT": "",
    }
    finished = forks.run(world, "sync-once", "--ttl", "120", **variables)
    assert finished.returncode == 0, finished.stderr
    assert {line.split()[1] for line in world.shown(zone)} == {"120"}
    assert answers(world, zone, "www.example.com") == answers(world, zone) == all_in_one()


def test_no_region_is_needed(world: World) -> None:
    """A run without an AWS region succeeds."""
    zone = world.route53.zone("example.com")
    world.node("nyc-1", NYC_4)
    synced(world, AWS_DEFAULT_REGION="")
    assert addresses(world, zone) == {NYC_4}
