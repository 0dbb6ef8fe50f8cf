"""A ValidatingAdmissionPolicy, evaluated as the API server does it: its CEL, without one."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from cel_expr_python import cel
from cel_expr_python.ext import ext_optional

from tests.support.manifests import Manifest

NAMES = ("object", "oldObject", "request", "variables", "params")
_ENVIRONMENT = cel.NewEnv(variables=dict.fromkeys(NAMES, cel.Type.DYN), extensions=[ext_optional.ExtOptional()])


class Policy:
    """The rules of a policy; an expression that cannot be evaluated does not hold (failurePolicy: Fail)."""

    def __init__(self, spec: Manifest) -> None:
        """Take the policy's spec."""
        assert spec["failurePolicy"] == "Fail"
        self.spec = spec

    def applies(self, asked: Manifest) -> bool:
        """Whether the policy is about a request at all."""
        conditions = [each["expression"] for each in self.spec["matchConditions"]]
        return all(_value(expression, {"request": asked}) for expression in conditions)

    def refusals(
        self, asked: Manifest, new: Manifest | None, old: Manifest | None = None, params: Manifest | None = None
    ) -> list[str]:
        """Give the messages of the validations that do not hold."""
        names: dict[str, Any] = {"request": asked, "object": new, "oldObject": old, "params": params, "variables": {}}
        for each in self.spec["variables"]:
            names["variables"][each["name"]] = _value(each["expression"], names)
        return [rule["message"] for rule in self.spec["validations"] if _value(rule["expression"], names) is not True]


@cache
def _compiled(expression: str) -> Any:  # noqa: ANN401 - the library has no types
    return _ENVIRONMENT.compile(expression)


def _value(expression: str, names: Mapping[str, Any]) -> Any:  # noqa: ANN401 - CEL values are anything
    """Evaluate an expression; an error is None."""
    value = _compiled(expression).eval(data=dict(names))
    return None if value.type() == cel.Type.ERROR else value.plain_value()
