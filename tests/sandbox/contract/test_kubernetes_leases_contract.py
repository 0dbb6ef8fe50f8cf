"""Leases: what a renewal leaves behind, by whose clock, and what is no Lease; double and real alike."""

import datetime as dt
import itertools
from email.utils import parsedate_to_datetime

import pytest

from tests.sandbox.contract.client import EVENTS, LEASES, MERGE, NODES, Api, Json
from tests.sandbox.server import wait_until

LIES = "2001-01-01T00:00:00.000000Z"


def lease(api: Api, renew_time: str = LIES, **metadata: object) -> Json:
    """Build the Lease of this test's node, as its kubelet writes it."""
    spec = {"holderIdentity": api.mine, "leaseDurationSeconds": 40, "renewTime": renew_time}
    return {"metadata": {"name": api.mine, **metadata}, "spec": spec}


def made(api: Api) -> str:
    """Let a kubelet create the Lease; give its path."""
    answer = api.call("POST", LEASES, lease(api), query={"fieldManager": "kubelet"})
    assert answer.status == 201, answer.json
    return f"{LEASES}/{api.mine}"


def times(api: Api) -> dict[str, str]:
    """Say when each manager last changed a field."""
    entries = api.call("GET", f"{LEASES}/{api.mine}").metadata["managedFields"]
    return {entry["manager"]: entry["time"] for entry in entries}


def renew(api: Api, second: int, manager: str = "kubelet") -> None:
    """Replace the Lease as a kubelet does; times are whole seconds, of the kubelet's own clock."""
    known = api.call("GET", f"{LEASES}/{api.mine}").metadata
    renewed = lease(api, LIES.replace("00.", f"{second:02}."))
    renewed["metadata"] = {name: known[name] for name in known if name != "managedFields"}
    answer = api.call("PUT", f"{LEASES}/{api.mine}", renewed, query={"fieldManager": manager})
    assert answer.status == 200, answer.json


def test_a_renewal_is_dated_by_the_server(api: Api) -> None:
    """Moves the time of the manager that renews, by the server's clock, and no other manager's."""
    path = made(api)
    api.patch(path, {"metadata": {"labels": {"a": "b"}}}, fieldManager="other")
    before, seconds = times(api), itertools.count(1)

    def is_dated_later() -> bool:
        renew(api, next(seconds) % 60)
        return times(api)["kubelet"] > before["kubelet"]

    assert wait_until(is_dated_later)
    assert times(api)["other"] == before["other"]
    assert api.call("GET", path).owned == {
        "kubelet": {"f:spec": {"f:holderIdentity": {}, "f:leaseDurationSeconds": {}, "f:renewTime": {}}},
        "other": {"f:metadata": {"f:labels": {".": {}, "f:a": {}}}},
    }


def test_a_replacement_that_changes_nothing_is_no_renewal(api: Api) -> None:
    """Writes nothing when a Lease is replaced by the same: its time stays."""
    path = made(api)
    version = api.call("GET", path).version
    renew(api, 0)
    assert api.call("GET", path).version == version


def test_what_others_change_is_no_renewal(api: Api) -> None:
    """Leaves the kubelet the owner of renewTime when others change other members."""
    path = made(api)
    api.patch(path, {"spec": {"leaseTransitions": 1}, "metadata": {"labels": {"a": "b"}}}, fieldManager="other")
    assert "f:renewTime" in api.call("GET", path).owned["kubelet"]["f:spec"]


def test_whoever_changes_the_time_renews(api: Api) -> None:
    """Makes the last writer of renewTime its owner, also by a patch."""
    answer = api.patch(made(api), {"spec": {"renewTime": LIES.replace("2001", "2002")}}, MERGE)
    assert answer.owned == {
        "contract": {"f:spec": {"f:renewTime": {}}},
        "kubelet": {"f:spec": {"f:holderIdentity": {}, "f:leaseDurationSeconds": {}}},
    }


def test_a_list_is_dated_by_the_same_clock(api: Api) -> None:
    """Dates an answer by the clock that dates renewals: their difference is a Lease's age."""
    made(api)
    answer = api.call("GET", LEASES, query={"limit": 500})
    (date,) = answer.headers.getlist("Date")
    assert date.endswith(" GMT")
    age = parsedate_to_datetime(date) - dt.datetime.fromisoformat(times(api)["kubelet"])
    assert 0 <= age.total_seconds() <= 60


@pytest.mark.parametrize(
    ("time", "why"),
    [
        pytest.param("2026-11-24T15:12:05Z", 'cannot parse "Z" as ".000000"', id="seconds"),
        pytest.param("2026-11-24T15:12:05.123Z", 'cannot parse ".123Z" as ".000000"', id="milliseconds"),
        pytest.param("2026-11-24T15:12:05.1234567Z", 'cannot parse "7Z" as "Z07:00"', id="less than microseconds"),
        pytest.param("2026-11-24T15:12:05.123456", 'cannot parse "" as "Z07:00"', id="no zone"),
        pytest.param("today", 'cannot parse "today" as "2006"', id="no time"),
        pytest.param("", 'cannot parse "" as "2006"', id="empty"),
    ],
)
def test_a_renewal_is_told_in_microseconds(api: Api, time: str, why: str) -> None:
    """Takes a renewTime with six decimals only."""
    answer = api.call("POST", LEASES, lease(api, time))
    assert answer.error == (400, "BadRequest")
    layout = "2006-01-02T15:04:05.000000Z07:00"
    said = f'parsing time "{time}" as "{layout}": {why}'
    assert answer.message == f'Lease in version "v1" cannot be handled as a Lease: {said}'


def test_times_come_back_in_utc(api: Api) -> None:
    """Converts a renewTime to UTC."""
    answer = api.call("POST", LEASES, lease(api, "2026-11-24T15:12:05.123456+01:00"))
    assert answer.json["spec"]["renewTime"] == "2026-11-24T14:12:05.123456Z"


@pytest.mark.parametrize(
    ("spec", "status", "message"),
    [
        pytest.param(
            {"leaseDurationSeconds": 0},
            422,
            "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
            id="no duration",
        ),
        pytest.param(
            {"leaseTransitions": -1},
            422,
            "spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0",
            id="less than no transitions",
        ),
        pytest.param(
            {"leaseDurationSeconds": 3_000_000_000},
            400,
            "cannot unmarshal number 3000000000 into Go struct field LeaseSpec.spec.leaseDurationSeconds of type int32",
            id="too large",
        ),
        pytest.param(
            {"leaseDurationSeconds": 1.5},
            400,
            "cannot unmarshal number 1.5 into Go struct field LeaseSpec.spec.leaseDurationSeconds of type int32",
            id="fraction",
        ),
        pytest.param(
            {"renewTime": 5},
            400,
            "cannot unmarshal number into Go struct field LeaseSpec.spec.renewTime of type string",
            id="time is a number",
        ),
    ],
)
def test_a_wrong_lease_is_refused(api: Api, spec: Json, status: int, message: str) -> None:
    """Refuses durations and counts that are not positive, too large or not whole."""
    answer = api.call("POST", LEASES, {"metadata": {"name": api.mine}, "spec": spec})
    assert (answer.status, answer.message.endswith(message)) == (status, True), answer.message


def test_what_is_given_stays_even_if_it_is_empty(api: Api) -> None:
    """Keeps a holder that is empty apart from none."""
    spec = {"holderIdentity": "", "leaseTransitions": 0}
    assert api.call("POST", LEASES, {"metadata": {"name": api.mine}, "spec": spec}).json["spec"] == spec
    assert api.call("POST", LEASES, {"metadata": {"name": f"{api.mine}-2"}}).json["spec"] == {}


def test_a_replacement_must_name_its_version(api: Api) -> None:
    """Answers 422 to a replacement of a Lease without a version; other kinds allow it."""
    answer = api.call("PUT", made(api), lease(api, LIES.replace("01-01", "01-02")))
    assert answer.error == (422, "Invalid")
    assert answer.message == (
        f'leases.coordination.k8s.io "{api.mine}" is invalid: '
        "metadata.resourceVersion: Invalid value: 0: must be specified for an update"
    )
    assert answer.json["details"]["kind"] == "leases"
    for path in (NODES, EVENTS):
        api.create(path)
        unconditional = {"metadata": {"name": api.mine, "labels": {"a": "b"}}}
        assert api.call("PUT", f"{path}/{api.mine}", unconditional).status == 200


def test_leases_can_be_created_by_replacing(api: Api) -> None:
    """Creates a Lease by PUT, whatever its version says."""
    path = f"{LEASES}/{api.mine}"
    assert api.call("PUT", path, {"metadata": {"name": "other"}}).error == (400, "BadRequest")
    answer = api.call("PUT", path, lease(api, resourceVersion="5"))
    assert (answer.status, answer.metadata["namespace"]) == (201, "kube-node-lease")


def test_an_owner_is_named_in_full(api: Api) -> None:
    """Wants apiVersion, kind, name and uid of an owner."""
    node = {"apiVersion": "v1", "kind": "Node", "name": api.mine, "uid": "u"}
    assert api.call("POST", LEASES, lease(api, ownerReferences=[node])).metadata["ownerReferences"] == [node]
    answer = api.call("POST", LEASES, lease(api, ownerReferences=[{}]))
    assert answer.error == (422, "Invalid")
    assert answer.causes == [("FieldValueRequired", f"metadata.ownerReferences[0].{name}") for name in node]


def test_a_generated_name_must_be_one_too(api: Api) -> None:
    """Refuses a generateName that makes a wrong name."""
    answer = api.call("POST", LEASES, {"metadata": {"generateName": "Bad_"}})
    assert answer.causes == [("FieldValueInvalid", f"metadata.{field}") for field in ("generateName", "name")]
    assert api.call("POST", LEASES, {"metadata": {"generateName": "x."}}).causes == [
        ("FieldValueInvalid", "metadata.generateName")
    ]


def test_leases_are_selected_by_name_only(api: Api) -> None:
    """Refuses field selectors of anything but name and namespace."""
    made(api)
    assert api.call("GET", LEASES, query={"fieldSelector": f"metadata.name={api.mine}"}).names == [api.mine]
    answer = api.call("GET", LEASES, query={"fieldSelector": f"spec.holderIdentity={api.mine}"})
    assert answer.error == (400, "BadRequest")
    assert answer.message == (
        '"spec.holderIdentity" is not a known field selector: only "metadata.name", "metadata.namespace"'
    )
