"""The CustomResourceDefinition that a real API server needs to serve what the double serves by naming it."""

from typing import Any

from tests.sandbox.contract.client import Json
from tests.sandbox.kubernetes_custom import DNSENDPOINT
from tests.sandbox.kubernetes_schema import List, Map, Scalar, Struct, Type

NAME = "dnsendpoints.externaldns.k8s.io"
_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def dnsendpoint_definition() -> tuple[str, Json]:
    """Give where to create the definition, and the definition."""
    group = NAME.partition(".")[2]
    names = {"kind": "DNSEndpoint", "listKind": "DNSEndpointList", "plural": "dnsendpoints", "singular": "dnsendpoint"}
    version = {
        "name": "v1alpha1",
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "schema": {"openAPIV3Schema": open_api(Struct("DNSEndpoint", DNSENDPOINT))},
    }
    # Groups of Kubernetes' own domain want to be approved.
    annotations = {"api-approved.kubernetes.io": "https://github.com/kubernetes-sigs/external-dns/pull/2007"}
    return _DEFINITIONS, {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": NAME, "annotations": annotations},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    }


def open_api(expected: Type) -> dict[str, Any]:
    """Write a type as a structural schema."""
    match expected:
        case Struct(fields=fields):
            return {"type": "object", "properties": {name: open_api(field) for name, field in fields.items()}}
        case List(element):
            return {"type": "array", "items": open_api(element)}
        case Map(element):
            return {"type": "object", "additionalProperties": open_api(element)}
        case Scalar(go="int64"):
            return {"type": "integer", "format": "int64"}
    return {"type": "string"}
