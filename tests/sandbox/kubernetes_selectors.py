"""Label and field selectors, parsed as strictly as the API server parses them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.sandbox.kubernetes_errors import bad_request
from tests.sandbox.kubernetes_rules import label_key_faults, label_value_faults

Labels = Mapping[str, str]
_TOKEN = re.compile(r"\s*(==|!=|[=!(),<>]|[^\s=!(),<>]+|$)")
_SYMBOLS = frozenset("=!(),<>") | {"==", "!="}
_OPERATORS = {"=": "in", "==": "in", "in": "in", "!=": "notin", "notin": "notin", ">": "gt", "<": "lt"}


@dataclass(frozen=True)
class Requirement:
    """One term of a label selector."""

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def holds(self, labels: Labels) -> bool:
        """Say whether an object with these labels satisfies the term."""
        value = labels.get(self.key)
        match self.operator:
            case "exists":
                return value is not None
            case "absent":
                return value is None
            case "in":
                return value in self.values
            case "notin":
                return value not in self.values
        if value is None or not re.fullmatch(r"[+-]?\d+", value):
            return False
        (bound,) = self.values
        return int(value) > int(bound) if self.operator == "gt" else int(value) < int(bound)


@dataclass
class _Parser:
    text: str
    tokens: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = _TOKEN.findall(self.text.rstrip())

    def peek(self) -> str:
        return self.tokens[0] if self.tokens else ""

    def take(self) -> str:
        return self.tokens.pop(0) if self.tokens else ""

    def selector(self) -> list[Requirement]:
        terms: list[Requirement] = []
        while self.peek() not in _SYMBOLS - {"!"}:
            if not self.peek():
                return terms
            try:
                terms.append(self.requirement())
            except ValueError as error:
                raise ValueError(f"unable to parse requirement: {error}") from None
            word = self.take()
            if not word:
                return terms
            if word != ",":
                raise ValueError(f"found '{word}', expected: ',' or 'end of string'")
            if not self.peek() or self.peek() in _SYMBOLS - {"!"}:
                raise ValueError(f"found '{self.peek()}', expected: identifier after ','")
        raise ValueError(f"found '{self.peek()}', expected: !, identifier, or 'end of string'")

    def requirement(self) -> Requirement:
        absent = self.peek() == "!"
        if absent:
            self.take()
        key = self.identifier()
        for fault in label_key_faults(key)[:1]:
            raise ValueError(f'<nil>: Invalid value: "{key}": {fault}')
        if absent or self.peek() in ("", ","):
            return Requirement(key, "absent" if absent else "exists")
        word = self.take()
        if word not in _OPERATORS:
            raise ValueError(f"found '{word}', expected: in, notin, =, ==, !=, gt, lt")
        values = self.values() if word in ("in", "notin") else self.value()
        return self.checked(Requirement(key, _OPERATORS[word], values))

    def checked(self, term: Requirement) -> Requirement:
        for index, value in enumerate(sorted(term.values)):
            if term.operator in ("gt", "lt") and not re.fullmatch(r"[+-]?\d+", value):
                why = "for 'Gt', 'Lt' operators, the value must be an integer"
                raise ValueError(f'values[{index}]: Invalid value: "{value}": {why}')
            for fault in label_value_faults(value)[:1]:
                raise ValueError(f'values[{index}][{term.key}]: Invalid value: "{value}": {fault}')
        return term

    def identifier(self) -> str:
        word = self.take()
        if not word or word in _SYMBOLS:
            raise ValueError(f"found '{word}', expected: identifier")
        return word

    def value(self) -> frozenset[str]:
        return frozenset({""}) if self.peek() in ("", ",") else frozenset({self.identifier()})

    def values(self) -> frozenset[str]:
        if (word := self.take()) != "(":
            raise ValueError(f"found '{word}' expected: '('")
        found, item = set(), ""
        while (word := self.take()) != ")":
            if word == ",":
                found.add(item)
                item = ""
            elif not word or word in _SYMBOLS or item:
                raise ValueError(f"found '{word}', expected: ',' or ')'")
            else:
                item = word
        return frozenset(found | {item})


def label_selector(text: str) -> Callable[[Labels], bool]:
    """Parse a label selector; 400 in the server's words when it is none."""
    try:
        terms = _Parser(text).selector()
    except ValueError as error:
        raise bad_request(str(error)) from None
    return lambda labels: all(term.holds(labels) for term in terms)


def field_selector(text: str, known: frozenset[str], unknown: str) -> Callable[[Callable[[str], str]], bool]:
    """Parse a field selector over the fields a kind offers; 400 for any other field, in the kind's words."""
    terms: list[tuple[str, bool, str]] = []
    for part in filter(None, text.split(",")):
        parsed = re.fullmatch(r"([^=!]*)(!=|==|=)(.*)", part)
        if parsed is None:
            raise bad_request(f"invalid selector: '{text}'; can't understand '{part}'")
        if parsed[1] not in known:
            raise bad_request(unknown.format(parsed[1]))
        terms.append((parsed[1], parsed[2] != "!=", parsed[3]))
    return lambda value_of: all((value_of(name) == value) is equal for name, equal, value in terms)
