"""What others write in the zone: to the record sets of kube-node-dns, and to their own."""

import json

from jobs.core.health_checks import Checking, View, owner_of
from jobs.core.route53_form import check_of_address, from_api
from tests.proofs.interleavings.runs import NOON, Call
from tests.proofs.interleavings.store import Dns, Raw, Store, create, delete, upsert
from tests.support.builders import DOMAIN, ZONE

OTHER_ZONE = "example.net"


def _txt(text: str) -> Raw:
    return {"Name": f"{DOMAIN}.", "Type": "TXT", "TTL": 60, "ResourceRecords": [{"Value": f'"{text}"'}]}


def _a(name: str, address: str) -> Raw:
    return {"Name": f"{name}.", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": address}]}


THEIR_CHECK = {"Type": "TCP", "IPAddress": "5.0.0.1", "Port": 443}
OLD_SECONDS = 7200


def surrounded(store: Store, shown: tuple[Raw, ...], checking: Checking | None) -> Dns:
    """Put the domain's record sets in place, with those of others at the name, around it and in another zone.

    With `checking` each set has a check, two hours old, and others have one of their own.
    """
    neighbours = [_a(name, "192.0.2.1") for name in (f"a.{DOMAIN}", f"a-{DOMAIN}", "\\052.example.com", ZONE)]
    dns = store.empty
    if checking:
        dns, _ = store.change_checks(dns, Call("make", name="theirs", settings=json.dumps(THEIR_CHECK)))
        before = View(checking, owner_of(store.zone, DOMAIN), {}, NOON - OLD_SECONDS)
        sets = []
        for raw in shown:
            (address,) = from_api(raw).addresses
            settings = json.dumps(check_of_address(checking, address))
            dns, made = store.change_checks(dns, Call("make", name=before.reference([address]), settings=settings))
            sets.append(raw | {"HealthCheckId": made.value.id})
        shown = tuple(sets)
    dns = store.applied(dns, *map(create, [*shown, _txt("one"), *neighbours]))
    return store.applied(dns, create(_a(OTHER_ZONE, "192.0.2.1")), zone_id=store.other_zone_id)


FOREIGN_WRITE = (
    "a third party changes records of its own",
    [upsert(_txt("two")), upsert(_a(f"a.{DOMAIN}", "192.0.2.2"))],
)


def own_protection(dns: Dns) -> tuple[str, frozenset[str]]:
    """Protect the domain's A record sets, or let them be changed again where anything is protected."""
    if dns.protected:
        return "a third party takes the protection away", frozenset()
    return "a third party protects the A records", frozenset({"A"})


def own_write(dns: Dns) -> tuple[str, list[Raw]]:
    """Interfere with the domain's first set: make its type weighted, give it one more address, or delete it."""
    if not dns.own:
        return "a third party creates an A record", [create(_a(DOMAIN, "192.0.2.9"))]
    first = next(iter(dns.own.values()))
    type_, records = first["Type"], first["ResourceRecords"]
    stranger = {"Value": "192.0.2.9" if type_ == "A" else "2001:db8::9"}
    if "GeoProximityLocation" in first:
        peers = [raw for raw in dns.own.values() if raw["Type"] == type_]
        plain = {member: first[member] for member in ("Name", "Type", "TTL", "ResourceRecords")}
        weighted = plain | {"SetIdentifier": "theirs", "Weight": 1}
        return f"a third party makes {type_} weighted", [*map(delete, peers), create(weighted)]
    if len(records) > 1 and stranger not in records:
        return f"a third party adds {stranger['Value']}", [upsert(first | {"ResourceRecords": [*records, stranger]})]
    return f"a third party deletes an {type_} record", [delete(first)]
