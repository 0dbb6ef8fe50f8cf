"""The custom resource that the API server double can serve, and how such objects differ from those of Go's types.

What no field takes is pruned, null in the place of a member too; empty values are kept; wrong types are a 422.
"""

from collections.abc import Iterator
from typing import Any

from tests.sandbox.kubernetes_errors import Object
from tests.sandbox.kubernetes_schema import INTEGER, STRING, STRINGS, List, Map, Scalar, Struct, Type

_PROPERTY = Struct("ProviderSpecificProperty", {"name": STRING, "value": STRING})
_ENDPOINT = Struct(
    "Endpoint",
    {
        "dnsName": STRING,
        "labels": STRINGS,
        "providerSpecific": List(_PROPERTY),
        "recordTTL": INTEGER,
        "recordType": STRING,
        "setIdentifier": STRING,
        "targets": List(STRING),
    },
)
DNSENDPOINT: dict[str, Type] = {
    "spec": Struct("DNSEndpointSpec", {"endpoints": List(_ENDPOINT)}),
    "status": Struct("DNSEndpointStatus", {"observedGeneration": INTEGER}),
}
"""What is in a DNSEndpoint (externaldns.k8s.io/v1alpha1) of ExternalDNS."""

_WORDS = ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string"), (list, "array"), (dict, "object"))


def pruned(expected: Type, value: Any) -> Any:  # noqa: ANN401 - JSON is anything
    """Leave out of a value what no field takes, and members that are null."""
    match expected, value:
        case Struct(fields=fields), dict():
            known = ((name, item) for name, item in value.items() if name in fields and item is not None)
            return {name: pruned(fields[name], item) for name, item in known}
        case List(element), list():
            return [pruned(element, item) for item in value]
        case Scalar((accepted,)), float() if accepted is int and value.is_integer():
            return int(value)
    return value


def type_faults(expected: Type, value: Any, path: str) -> Iterator[tuple[str, str, str]]:  # noqa: ANN401 - JSON is anything
    """Name each value that is not of its type: reason, field, message."""
    match expected, value:
        case Struct(fields=fields), dict():
            for name, item in sorted(value.items()):
                yield from type_faults(fields[name], item, f"{path}.{name}")
        case Map(element), dict():
            for name, item in sorted(value.items()):
                yield from type_faults(element, item, f"{path}.{name}")
        case List(element), list():
            for index, item in enumerate(value):
                yield from type_faults(element, item, f"{path}[{index}]")
        case Scalar(accepts=accepts), _ if isinstance(value, accepts) and not isinstance(value, bool):
            return
        case _:
            found = next((word for kind, word in _WORDS if isinstance(value, kind)), "null")
            shown = path.removeprefix("status.")
            why = f'Invalid value: "{found}": {shown} in body must be of type {_word(expected)}: "{found}"'
            yield "FieldValueTypeInvalid", path, why


def _word(expected: Type) -> str:
    match expected:
        case Scalar(accepts=(accepted,)):
            return dict(_WORDS)[accepted]
        case List():
            return "array"
    return "object"


def all_faults(declared: dict[str, Type], new: Object) -> Iterator[tuple[str, str, str]]:
    """Name every wrong type in an object."""
    for name, expected in declared.items():
        if name in new:
            yield from type_faults(expected, new[name], name)
