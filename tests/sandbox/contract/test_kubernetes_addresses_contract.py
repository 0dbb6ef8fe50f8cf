"""Addresses in a node's status: what is stored and what is refused, double and real alike."""

import pytest

from tests.sandbox.contract.client import JSON_PATCH, Api


def entries(*found: tuple[str, str]) -> list[dict[str, str]]:
    """Write addresses as type and address."""
    return [{"type": type_, "address": address} for type_, address in found]


def test_any_text_is_an_address(api: Api) -> None:
    """Stores any text as an address of any type, several of one type included, in the order given."""
    api.node()
    found = entries(
        *(("ExternalIP", "5.75.128.10"), ("ExternalIP", "2a01:4f8:c17:1::10"), ("ExternalIP", "node.example.com")),
        *(("", ""), ("ExternalIP", "5" * 100_000), ("externalip", "5.75.128.10\n"), ("Hostname", "5.75.128.10")),
    )
    patched = api.patch(f"{api.path()}/status", {"status": {"addresses": found}})
    assert patched.json["status"]["addresses"] == found


def test_an_address_stands_once(api: Api) -> None:
    """Refuses the same address of the same type twice."""
    api.node()
    found = entries(("ExternalIP", "5.75.128.10"), ("InternalIP", "5.75.128.10"), ("ExternalIP", "5.75.128.10"))
    refused = api.patch(f"{api.path()}/status", {"status": {"addresses": found}})
    assert refused.error == (422, "Invalid")
    assert refused.causes == [("FieldValueDuplicate", "status.addresses[2]")]
    assert '{"Type":"ExternalIP","Address":"5.75.128.10"}' in refused.message


@pytest.mark.parametrize("entry", [7, "5.75.128.10", [], {"type": 1}, {"address": ["5.75.128.10"]}])
def test_an_entry_has_the_form_of_an_address(api: Api, entry: object) -> None:
    """Refuses entries of another form."""
    api.node()
    steps = [{"op": "add", "path": "/status/addresses", "value": [entry]}]
    assert api.patch(f"{api.path()}/status", steps, JSON_PATCH).error == (422, "Invalid")
