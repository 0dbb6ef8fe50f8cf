"""Which health check each record set has, which have to be made first, and which may be deleted."""

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any

import pytest
from msgspec.structs import replace

from jobs.core.check_assignment import NEW, ORPHAN_SECONDS, YOUNG_SECONDS, CheckChanges, unused, with_checks
from jobs.core.health_checks import Checking, HealthCheck, View, owner_of, parse_probe
from jobs.core.probe import Probe
from jobs.core.record_set import RecordSet
from jobs.core.records import Wanted
from jobs.core.route53_form import check_of_address, check_of_any, with_health_check
from jobs.core.zones import Zone
from tests.support.builders import DOMAIN, LIMA, PARIS, TOKYO, ZONE, alias, multivalue, near, plain, routed
from tests.support.checking import NOW, OFF, OWNER, TCP, check, theirs, view

A1, A2, A3 = "5.0.0.1", "5.0.0.2", "5.0.0.3"
OLD = YOUNG_SECONDS
PLACES = [near("A", PARIS, A1), near("A", TOKYO, A2)]
BOTH = near("A", PARIS, A1, A2)


def having(each: RecordSet, check_id: str | None) -> RecordSet:
    """Give a record set a check."""
    return with_health_check(each, check_id)


def given(about: View | None, wanted: Sequence[RecordSet], current: Sequence[RecordSet] = ()) -> tuple[Wanted, Any]:
    """Give the wanted sets their checks."""
    return with_checks(about, Wanted(tuple(wanted), ()), current)


def ids(about: View, wanted: Sequence[RecordSet], current: Sequence[RecordSet] = ()) -> list[str | None]:
    """Name the check of each set, in their order."""
    found, _ = given(about, wanted, current)
    return [each.health_check_id for each in found.record_sets]


def missing(about: View, wanted: Sequence[RecordSet], current: Sequence[RecordSet] = ()) -> list[dict[str, str | None]]:
    """Say what is missing, by address."""
    _, check_changes = given(about, wanted, current)
    return [{str(address): known for address, known in each.items()} for each in check_changes.missing]


def test_without_the_option_all_is_as_wanted() -> None:
    """Without the option there is nothing to do, and a warning only where a set had a check."""
    assert given(None, PLACES, PLACES) == (Wanted(tuple(PLACES), ()), None)
    (warning,) = given(None, PLACES, [having(PLACES[0], "c")])[0].warnings
    assert "--health-check none" in warning


def test_without_the_option_a_rejected_check_is_named_no_more() -> None:
    """A refused run keeps sets with their checks; when Route 53 says that one is gone, the next batch names none."""
    kept = Wanted((having(PLACES[0], "gone"), PLACES[1]), ())
    assert [each.health_check_id for each in with_checks(None, kept, ())[0].record_sets] == ["gone", None]
    assert with_checks(None, kept, (), rejected=True)[0].record_sets == tuple(PLACES)


def test_a_set_gets_the_check_of_its_address() -> None:
    """Each set has the check of its address; nothing is missing."""
    about = view(check("p", A1), check("t", A2))
    assert (ids(about, PLACES), missing(about, PLACES)) == (["t", "p"], [])


def test_a_set_of_several_gets_the_check_of_all() -> None:
    """A set of several addresses has the check that wants one of theirs healthy, whatever their order."""
    about = view(check("a", A1), check("b", A2), check("c", f"{A2} {A1}", children="b a"))
    assert ids(about, [BOTH]) == ["c"]


@pytest.mark.parametrize(
    "group",
    [
        pytest.param(check("c", f"{A1} {A2}", children="a gone"), id="a child is gone"),
        pytest.param(check("c", f"{A1} {A2}", children="a x"), id="a child is somebody else's"),
        pytest.param(check("c", f"{A1} {A2}", children="a"), id="a child too few"),
        pytest.param(check("c", f"{A1} {A2}", children="a b d"), id="a child too many"),
    ],
)
def test_a_check_of_other_children_is_made_again(group: HealthCheck) -> None:
    """A check of several whose children are not those that it should have is not taken, but made again of theirs."""
    about = view(check("a", A1), check("b", A2), check("d", A3), theirs("x"), group)
    assert missing(about, [BOTH]) == [{A1: "a", A2: "b"}]


def test_what_is_missing_is_made_first() -> None:
    """A set without its check waits for it, and what is there already is not made again."""
    about = view(check("p", A1))
    assert missing(about, PLACES) == [{A2: None}]
    assert missing(view(), [BOTH]) == [{A1: None, A2: None}]
    assert ids(about, PLACES) == [None, None], "until then none of the type has one"


def test_each_type_stands_for_itself() -> None:
    """A type whose checks are there has them, while another's are still to be made."""
    assert ids(view(check("p", A1)), [PLACES[0], near("AAAA", PARIS, "2600::1")]) == ["p", None]


@pytest.mark.parametrize(
    "known",
    [
        pytest.param(check("p", A1, checking=Checking(Probe.parse("tcp:80"), 30)), id="another port"),
        pytest.param(check("p", A1, checking=Checking(Probe.parse("https://a/"), 30)), id="a URL"),
        pytest.param(check("p", A1, checking=Checking(Probe.parse("tcp:443"), 10)), id="another interval"),
        pytest.param(check("p", A2), id="another address"),
        pytest.param(theirs("p", address=A1), id="somebody else's"),
        pytest.param(
            replace(check("p", A1), caller_reference=check("p", A1).caller_reference.replace(OWNER, f"{OWNER[:-1]}_")),
            id="almost ours",
        ),
        pytest.param(check("p", A1, age=OLD), id="too old to be taken up"),
    ],
)
def test_checks_that_are_not_taken(known: HealthCheck) -> None:
    """A check with another address, other settings or of somebody else is not taken, nor an old one without a set."""
    assert missing(view(known), PLACES[:1]) == [{A1: None}]


def test_checks_of_another_domain_are_not_taken() -> None:
    """A check belongs to one domain of one zone."""
    zone = Zone("Z1", ZONE, private=False)
    owners = {owner_of(zone, DOMAIN), owner_of(zone, ZONE), owner_of(replace(zone, id="Z2"), DOMAIN)}
    assert len(owners) == 3
    for owner in owners - {OWNER}:
        assert missing(replace(view(check("p", A1)), owner=owner), PLACES[:1]) == [{A1: None}]


def test_references_are_short_and_tell_their_age() -> None:
    """A caller reference has at most 64 characters and says what is asked and when it was made."""
    reference = view().reference([ip_address(A1)])
    made = HealthCheck("c", reference)
    assert (len(reference) <= 64, made.created) == (True, NOW)
    assert made.content == view().content([ip_address(A1)])
    assert (theirs("x").content, theirs("x").created) == ("", 0)


def test_references_stay_what_they_are() -> None:
    """A check's caller reference is the same in each version: an update of this program makes no check again."""
    owner = owner_of(Zone("Z1", ZONE, private=False), DOMAIN)
    reference = replace(view(), owner=owner).reference([ip_address(A2), ip_address(A1)])
    assert reference == "kube-node-dns:f2419894d52d:c54b61c76815d964:1800000000000"


def test_a_set_keeps_its_own_check_whatever_its_age() -> None:
    """A set keeps the check that it has; of several young ones the oldest is taken, by all runs the same."""
    old, young, younger = check("z", A1, age=9 * OLD), check("y", A1, age=20), check("x", A1, age=10)
    assert ids(view(old, young, younger), PLACES[:1], [having(PLACES[0], "z")]) == ["z"]
    assert ids(view(old, young, younger), PLACES[:1], [PLACES[0]]) == ["y"]
    assert ids(view(old, young, replace(young, id="w")), PLACES[:1]) == ["w"]


def test_the_last_of_several_has_its_check_already() -> None:
    """A set that is left with one address has its check at once: that was a child."""
    known = [check("a", A1, age=OLD), check("b", A2, age=OLD), check("c", f"{A1} {A2}", age=OLD, children="a b")]
    assert ids(view(*known), PLACES[:1], [having(BOTH, "c")]) == ["a"]


def test_a_withdrawal_does_not_wait() -> None:
    """A batch that withdraws has the checks that its sets have: nothing is made before it is written."""
    three = near("A", PARIS, A1, A2, A3)
    known = [check(each, address) for each, address in (("a", A1), ("b", A2), ("c", A3))]
    about = view(*known, check("g", f"{A1} {A2} {A3}", children="a b c"))
    assert (ids(about, [BOTH], [having(three, "g")]), missing(about, [BOTH], [having(three, "g")])) == (["g"], [])
    assert missing(about, [BOTH], [having(BOTH, "g")]) == [{A1: "a", A2: "b"}], "the next round makes it"


@pytest.mark.parametrize(
    ("known", "more", "kept"),
    [
        pytest.param([check("p", A1, age=OLD), check("t", A2)], {}, "p", id="ours"),
        pytest.param([theirs("p")], {}, "p", id="of somebody else, of no address"),
        pytest.param([theirs("p", address=A1)], {}, "p", id="of somebody else, of the address"),
        pytest.param([theirs("p", children="gone c"), theirs("c", address=A1)], {}, "p", id="by a child"),
        pytest.param([theirs("p", address=A3)], {}, None, id="of another address"),
        pytest.param([], {}, None, id="it is gone"),
        pytest.param([], {"unlisted": True}, "p", id="nobody knows"),
        pytest.param([], {"unlisted": True, "rejected": True}, None, id="nobody knows, and it was rejected"),
    ],
)
def test_what_a_set_keeps_when_none_can_be_made(
    known: list[HealthCheck], more: dict[str, Any], kept: str | None
) -> None:
    """After a fault each set keeps the check that it has, unless that is gone or asks for other addresses."""
    about = view(*known, may_make=False, **more)
    current = [having(PLACES[0], "p")]
    assert ids(about, [BOTH], current) == [kept]
    assert missing(about, [BOTH], current) == []


def test_a_check_of_addresses_that_go_is_not_kept() -> None:
    """A set whose addresses are all replaced does not keep its check: that of a dead node would hide the new one."""
    for about in (view(check("p", A1), may_make=False), view(unlisted=True)):
        assert ids(about, [near("A", PARIS, A2)], [having(PLACES[0], "p")]) == [None]


def test_all_sets_of_a_type_have_one_or_none() -> None:
    """While one set of a type cannot have a check, none has: it alone would get all traffic behind a firewall."""
    about = view(check("p", A1), may_make=False)
    assert ids(about, PLACES, [having(PLACES[0], "p")]) == [None, None]


def test_what_was_rejected_with_new_checks_is_written_without_first() -> None:
    """After a rejection what has to change is written without new checks; then they are tried again."""
    about = view(check("p", A1), check("t", A2), rejected=True)
    assert ids(about, PLACES, PLACES[:1]) == [None, None]
    assert ids(about, PLACES, PLACES) == ["t", "p"]


def test_after_a_rejection_sets_keep_their_checks() -> None:
    """What is written without new checks keeps those that the sets have."""
    about = view(check("p", A1), check("t", A2), rejected=True)
    current = [*(having(each, known) for each, known in zip(PLACES, "pt", strict=True)), near("A", LIMA, A3)]
    found, check_changes = given(about, PLACES, current)
    assert [each.health_check_id for each in found.record_sets] == ["t", "p"]
    assert check_changes == CheckChanges(about)


AT_LIMA = near("A", LIMA, A3)


@pytest.mark.parametrize(
    ("known", "wanted", "current", "at_once"),
    [
        pytest.param(
            [check("p", A1, age=OLD), check("t", A2)],
            [PLACES[0], AT_LIMA],
            [having(PLACES[0], "p"), having(PLACES[1], "t")],
            [having(PLACES[0], "p")],
            id="one that has none yet is left to the next batch",
        ),
        pytest.param(
            [check(each, address) for each, address in (("p", A1), ("t", A2))],
            [PLACES[0], AT_LIMA],
            [PLACES[1]],
            [having(PLACES[0], "p")],
            id="one whose check is there has it",
        ),
        pytest.param(
            [check("g", f"{A1} {A2} {A3}", children="a b c", age=OLD)],
            [BOTH, near("A", LIMA, "5.0.0.4")],
            [having(near("A", PARIS, A1, A2, A3), "g")],
            [having(BOTH, "g")],
            id="one keeps its check of more addresses",
        ),
        pytest.param([], [PLACES[0]], [PLACES[1]], [PLACES[0]], id="none has any: all are written without"),
        pytest.param(
            [check("p", A1), check("t", A2)],
            [PLACES[0], near("AAAA", LIMA, "2600::3")],
            [having(PLACES[0], "p"), having(PLACES[1], "t")],
            [having(PLACES[0], "p"), near("AAAA", LIMA, "2600::3")],
            id="each type stands for itself",
        ),
    ],
)
def test_a_withdrawal_that_does_not_wait_for_checks(
    known: list[HealthCheck], wanted: list[RecordSet], current: list[RecordSet], at_once: list[RecordSet]
) -> None:
    """A batch that withdraws names the checks that there are, and adds no set beside them that has none yet."""
    about = view(*known)
    found, check_changes = given(about, wanted, current)
    assert (found.record_sets, check_changes) == (tuple(at_once), CheckChanges(about))


def test_simple_routing_has_none() -> None:
    """With simple routing there is no check, but a warning, and none is made."""
    both = (plain("A", A1), plain("AAAA", "2600::1"))
    found, check_changes = given(view(check("p", A1)), both, [])
    assert (found.record_sets, check_changes) == (both, CheckChanges(view(check("p", A1))))
    assert found.warnings == (
        "--health-check has no effect with simple routing: Route 53 ignores checks there, none is made",
    )
    assert given(view(checking=OFF), [plain("A", A1)], [])[0].warnings == ()


@pytest.mark.parametrize(
    "stranger",
    [
        pytest.param(routed("A", "x", {"Weight": 1, "HealthCheckId": "s"}, A2), id="weighted"),
        pytest.param(alias("A", SetIdentifier="x", MultiValueAnswer=True), id="an alias"),
    ],
)
def test_sets_that_only_others_make_are_left_alone(stranger: RecordSet) -> None:
    """Where --min-nodes keeps sets that kube-node-dns does not make, their type is left as it is."""
    current = [stranger, having(multivalue("A", A1), "s")]
    assert set(given(view(), current, current)[0].record_sets) == set(current)
    assert missing(view(), current, current) == []


def test_none_takes_all_checks_off() -> None:
    """`none` takes the checks off every set, of whatever policy, and has nothing to make."""
    current = [having(each, "c") for each in (*PLACES, plain("AAAA", "2600::1"))]
    assert ids(view(check("c", A1), checking=OFF), current, current) == [None, None, None]
    assert ids(view(checking=OFF, unlisted=True), current, current) == [None, None, None]


def test_a_dry_run_counts() -> None:
    """A dry run shows new checks by a word in place of their ids, and counts what would be made and deleted."""
    about = view(check("p", A1), check("o", A3, age=ORPHAN_SECONDS + 1), dry_run=True)
    current = [having(PLACES[0], "p")]
    found, _ = given(about, [*PLACES, near("AAAA", PARIS, "2600::1", "2600::2")], current)
    assert [each.health_check_id for each in found.record_sets] == [NEW, "p", NEW]
    assert found.warnings == ("health checks: 4 would be made, 0 would be deleted",), "a run that writes deletes none"
    found, check_changes = given(about, PLACES[:1], current)
    assert found.warnings == ("health checks: 0 would be made, 1 would be deleted",)
    assert check_changes.view is about
    assert given(view(check("p", A1), dry_run=True), PLACES[:1], current)[0].warnings == ()
    assert given(view(dry_run=True, unlisted=True), PLACES[:1], current)[0].record_sets == tuple(current)


def test_an_address_in_two_sets_is_counted_once() -> None:
    """An address that nodes at two places share gets one check."""
    sets = [near("A", PARIS, A1), near("A", TOKYO, A1)]
    assert CheckChanges(view(), given(view(), sets)[1].missing).announcement == (
        "health checks: 1 would be made, 0 would be deleted",
    )


def deletable(about: View, *named: str, has_written: bool = False) -> list[str]:
    """Name what may be deleted when record sets name these."""
    sets = [having(near("A", PARIS, A1), each) for each in named]
    return [each.id for each in unused(about, sets, has_written=has_written)]


HOUR = 3600
IDLE = HOUR + 1


@pytest.mark.parametrize(
    ("known", "named", "gone"),
    [
        pytest.param([check("a", A1, age=IDLE)], (), ["a"], id="idle and old"),
        pytest.param([check("a", A1, age=HOUR)], (), [], id="an hour old"),
        pytest.param([check("a", A1, age=-60)], (), [], id="of a clock ahead"),
        pytest.param([check("a", A1, age=IDLE)], ("a",), [], id="named"),
        pytest.param([theirs("a")], (), [], id="of somebody else"),
        pytest.param(
            [check("a", A1, age=IDLE), check("c", f"{A1} {A2}", children="a b", age=IDLE)],
            (),
            ["c", "a"],
            id="parents first",
        ),
        pytest.param(
            [check("a", A1, age=IDLE), check("c", f"{A1} {A2}", children="a b", age=IDLE)],
            ("c",),
            [],
            id="a named parent",
        ),
        pytest.param([check("a", A1, age=IDLE), check("c", f"{A1} {A2}", children="a b")], (), [], id="a young parent"),
        pytest.param([check("a", A1, age=IDLE), theirs("c", children="a")], (), [], id="a parent of somebody else"),
    ],
)
def test_what_may_be_deleted(known: list[HealthCheck], named: tuple[str, ...], gone: list[str]) -> None:
    """Ours that no record set and no other check names, and that are more than an hour old: parents first."""
    assert deletable(view(*known), *named) == gone


def test_a_run_that_has_written_deletes_none() -> None:
    """Until all name servers know what a run wrote, some may ask for a check that no record set names any longer."""
    about = view(check("a", A1, age=IDLE))
    assert deletable(about, has_written=True) == []


def test_none_deletes_whatever_the_age() -> None:
    """`none` deletes all of ours that no set names, also right after a write, and tries those that others name."""
    known = [check("a", A1), check("b", A2), check("c", f"{A1} {A2}", children="a b"), theirs("x", children="a")]
    assert deletable(view(*known, checking=OFF), has_written=True) == ["c", "a", "b"]
    assert deletable(view(*known, checking=OFF), "c") == []
    assert deletable(view(checking=OFF, unlisted=True)) == []


def test_nothing_is_deleted_before_the_records_are_right() -> None:
    """A domain with something to write or to make deletes nothing yet."""
    about = view(check("p", A1, age=IDLE), check("t", A2, age=IDLE))
    kept = [having(PLACES[0], "p")]
    assert [each.id for each in given(about, PLACES[:1], kept)[1].unused] == ["t"]
    assert given(about, PLACES[:1], [*kept, PLACES[1]])[1].unused == ()
    assert given(about, PLACES, kept)[1].unused == ()
    assert given(replace(about, has_written=True), PLACES[:1], kept)[1].unused == (), "nor right after a write"


@pytest.mark.parametrize(
    ("text", "form"),
    [
        pytest.param("tcp:443", {"Type": "TCP", "Port": 443}, id="tcp"),
        pytest.param(
            "http://A.example:81/x",
            {"Type": "HTTP", "Port": 81, "FullyQualifiedDomainName": "a.example", "ResourcePath": "/x"},
            id="http",
        ),
        pytest.param(
            "https://a.example",
            {
                "Type": "HTTPS",
                "Port": 443,
                "FullyQualifiedDomainName": "a.example",
                "ResourcePath": "/",
                "EnableSNI": True,
            },
            id="https",
        ),
    ],
)
def test_what_a_check_asks(text: str, form: dict[str, Any]) -> None:
    """A check asks its address for what the option says, every so many seconds, three failures in a row."""
    probe = parse_probe(text)
    assert isinstance(probe, Probe)
    common = {"IPAddress": A1, "RequestInterval": 10, "FailureThreshold": 3}
    assert check_of_address(Checking(probe, 10), ip_address(A1)) == common | form


def test_a_check_of_several_wants_one_healthy() -> None:
    """A check of several is healthy while one of them is."""
    assert check_of_any(["b", "a"]) == {"Type": "CALCULATED", "ChildHealthChecks": ["a", "b"], "HealthThreshold": 1}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("443", "nor none", id="no probe"),
        pytest.param(f"http://a/{'x' * 254}x", "more than 255 characters", id="a path of 256"),
    ],
)
def test_options_that_are_refused(text: str, words: str) -> None:
    """What is neither a probe nor `none`, and what Route 53 does not take, is refused."""
    with pytest.raises(ValueError, match=words):
        parse_probe(text)


def test_options_that_are_taken() -> None:
    """`none` is itself, and a path of 255 characters is taken."""
    assert parse_probe("none") == "none"
    assert parse_probe(f"http://a/{'x' * 254}") == Probe("http", 80, "a", f"/{'x' * 254}")
    assert TCP.interval_seconds == 30
