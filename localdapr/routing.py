"""Routing rules: the part of CEL that Dapr's own examples use, compiled once, evaluated often.

Pure. A rule is a condition on `event`, the CloudEvent. Reading a field that is not there is an
error, not a false: Dapr then gives the event to no route at all. `&&` and `||` forgive an error
of one side when the other side decides, as CEL does. Grammar, loosest first:

    or := and ("||" and)*          and := unary ("&&" unary)*
    unary := "!" unary | comparison
    comparison := value (("==" | "!=" | "<" | "<=" | ">" | ">=" | "in") value)?
    value := (literal | list | "(" or ")" | call | name) ("." name | "." call | "[" value "]")*
    call := ("has" | "size" | "startsWith" | "endsWith" | "contains") "(" or ")"
"""

import json
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

Term = Callable[[Mapping[str, Any]], Any]

TOKEN = re.compile(
    r"""\s*(?:(?P<number>-?\d+(?:\.\d+)?)|(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
    r"""|(?P<name>[A-Za-z_]\w*)|(?P<sign>&&|\|\||==|!=|<=|>=|[<>!().,\[\]]))"""
)
COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "in": lambda left, right: left in right,
}
METHODS: dict[str, Callable[[str, str], bool]] = {
    "startsWith": lambda text, piece: text.startswith(piece),
    "endsWith": lambda text, piece: text.endswith(piece),
    "contains": lambda text, piece: piece in text,
}
CONSTANTS: dict[str, bool | None] = {"true": True, "false": False, "null": None}


class RuleError(Exception):
    """A rule cannot be evaluated on this event: a field is missing or of another type."""


class Condition:
    """A compiled rule. Raises ValueError when the text is not in the supported part of CEL."""

    def __init__(self, text: str) -> None:
        self.text = text
        parser = _Parser(text)
        self._term = parser.parse_or()
        parser.finish()

    def holds(self, event: Mapping[str, Any]) -> bool:
        """Raises RuleError when the event lacks a field that the rule reads."""
        try:
            outcome = self._term({"event": event})
        except (KeyError, IndexError, TypeError, AttributeError) as cause:
            raise RuleError(f"rule {self.text!r} reads what the event has not: {cause}") from cause
        if not isinstance(outcome, bool):
            raise RuleError(f"rule {self.text!r} gives {outcome!r}, not true or false")
        return outcome


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._at = 0

    def parse_or(self) -> Term:
        return self._chain("||", self._parse_and, True)

    def finish(self) -> None:
        if self._at < len(self._tokens):
            raise self._refusal()

    def _parse_and(self) -> Term:
        return self._chain("&&", self._parse_unary, False)

    def _chain(self, sign: str, parse: Callable[[], Term], decides: bool) -> Term:
        term = parse()
        while self._take(sign):
            term = _either(term, parse(), decides)
        return term

    def _parse_unary(self) -> Term:
        if self._take("!"):
            inner = self._parse_unary()
            return lambda names: not inner(names)
        return self._parse_comparison()

    def _parse_comparison(self) -> Term:
        left = self._parse_value()
        for sign, compare in COMPARISONS.items():
            if self._take(sign):
                return _binary(compare, left, self._parse_value())
        return left

    def _parse_value(self) -> Term:
        term = self._parse_primary()
        while True:
            if self._take("."):
                term = self._parse_member(term)
            elif self._take("["):
                term = _binary(operator.getitem, term, self._parse_value())
                self._expect("]")
            else:
                return term

    def _parse_primary(self) -> Term:
        kind, text = self._next()
        if kind in ("number", "text"):
            return _constant(_literal(text))
        if text == "(":
            return self._parse_closing(")")
        if text == "[":
            return self._parse_list()
        if kind == "name" and text in CONSTANTS:
            return _constant(CONSTANTS[text])
        if kind == "name" and text in ("has", "size"):
            self._expect("(")
            inner = self._parse_closing(")")
            return _present(inner) if text == "has" else lambda names: len(inner(names))
        if text == "event":
            return lambda names: names["event"]
        self._at -= 1
        raise self._refusal()

    def _parse_member(self, term: Term) -> Term:
        kind, name = self._next()
        if kind != "name":
            self._at -= 1
            raise self._refusal()
        if name in METHODS and self._take("("):
            return _binary(METHODS[name], term, self._parse_closing(")"))
        return lambda names: term(names)[name]

    def _parse_list(self) -> Term:
        terms: list[Term] = []
        while not self._take("]"):
            terms.append(self._parse_value())
            self._take(",")
        return lambda names: [term(names) for term in terms]

    def _parse_closing(self, sign: str) -> Term:
        term = self.parse_or()
        self._expect(sign)
        return term

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise self._refusal()
        self._at += 1
        return self._tokens[self._at - 1]

    def _take(self, sign: str) -> bool:
        here = self._at < len(self._tokens) and self._tokens[self._at]
        if here not in (("sign", sign), ("name", sign)):
            return False
        self._at += 1
        return True

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            raise self._refusal()

    def _refusal(self) -> ValueError:
        here = self._tokens[self._at][1] if self._at < len(self._tokens) else "the end"
        return ValueError(
            f"rule {self._text!r}: localdapr does not understand it at {here!r}; "
            "it knows a part of CEL (docs/localdapr.md), the real Dapr all of it"
        )


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at = [], 0
    while text[at:].strip():
        match = TOKEN.match(text, at)
        if not match:
            raise ValueError(f"rule {text!r}: cannot read {text[at:].strip()!r}")
        found.append((str(match.lastgroup), match[str(match.lastgroup)]))
        at = match.end()
    return found


def _literal(text: str) -> Any:
    if text.startswith("'"):
        text = '"' + text[1:-1].replace("\\'", "'").replace('"', '\\"') + '"'
    return json.loads(text)


def _constant(value: Any) -> Term:
    return lambda _names: value


def _binary(apply: Callable[[Any, Any], Any], left: Term, right: Term) -> Term:
    return lambda names: apply(left(names), right(names))


def _present(inner: Term) -> Term:
    def is_there(names: Mapping[str, Any]) -> bool:
        try:
            inner(names)
        except (KeyError, IndexError):
            return False
        return True

    return is_there


def _either(left: Term, right: Term, decides: bool) -> Term:
    """`||` (decides True) or `&&` (decides False): one deciding side is enough."""

    def join(names: Mapping[str, Any]) -> bool:
        try:
            if bool(left(names)) is decides:
                return decides
        except (KeyError, IndexError, TypeError, AttributeError):
            if bool(right(names)) is decides:
                return decides
            raise
        return bool(right(names))

    return join
