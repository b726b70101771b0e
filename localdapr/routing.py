"""Routing rules: the part of CEL that Dapr's own examples use, compiled once, evaluated often.

Pure. A rule is a condition on `event`, the CloudEvent. Reading a field that is not there is an
error, not a false: Dapr then gives the event to no route at all. `&&` and `||` forgive an error
of one side when the other side decides, as CEL does. Understood are

    || && !  == != < <= > >= in  - (a sign)  a.b a["b"] a[0]  [a, b]  (a)  true false null
    has(a.b)  size(a)  a.startsWith(b)  a.endsWith(b)  a.contains(b)  1  1.5  "text"  'text'

That part of CEL is Python's grammar in another spelling, so Python's parser reads it; only the
nodes that are listed here are understood, and nothing is ever run as Python.
"""

import ast
import operator
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

Term = Callable[[Mapping[str, Any]], Any]  # the values of the names to a value

TOKEN = re.compile(
    r"""\s+|(?P<literal>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|\d+(?:\.\d+)?)"""
    r"""|(?P<name>[A-Za-z_]\w*)|(?P<sign>&&|\|\||==|!=|<=|>=|[-<>!().,\[\]])"""
)
SPELLING = {"&&": " and ", "||": " or ", "!": " not ", "in": " in "}
SPELLING |= {"true": "True", "false": "False", "null": "None"}
OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Not: operator.not_,
    ast.USub: operator.neg,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda left, right: left in right,
}
FUNCTIONS = ("has", "size")
METHODS: dict[str, Callable[[Any, Any], Any]] = {
    "startsWith_": str.startswith,
    "endsWith_": str.endswith,
    "contains_": operator.contains,
}
UNREADABLE = (KeyError, IndexError, TypeError, AttributeError)


class RuleError(Exception):
    """A rule cannot be evaluated on this event: a field is missing or of another type."""


class Condition:
    """A compiled rule about these names. Raises ValueError for what of CEL is not supported."""

    def __init__(self, text: str, names: tuple[str, ...] = ("event",)) -> None:
        self.text = text
        try:
            tree = ast.parse(_as_python(text), mode="eval").body
            _check_names(tree, {f"{name}_" for name in (*names, *FUNCTIONS)})
            self._term = _compiled(tree)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as cause:
            raise ValueError(
                f"rule {text!r}: localdapr does not understand it; "
                "it knows a part of CEL (docs/localdapr.md), the real Dapr all of it"
            ) from cause

    def holds(self, event: Mapping[str, Any]) -> bool:
        """Raises RuleError when the event lacks a field that the rule reads."""
        return self.is_true({"event": event})

    def is_true(self, values: Mapping[str, Any]) -> bool:
        """With a value for each name. Raises RuleError when one lacks what the rule reads."""
        try:
            outcome = self._term(values)
        except UNREADABLE as cause:
            raise RuleError(f"rule {self.text!r} reads what the event has not: {cause}") from cause
        if not isinstance(outcome, bool):
            raise RuleError(f"rule {self.text!r} gives {outcome!r}, not true or false")
        return outcome


def _as_python(text: str) -> str:
    """The same tokens as Python spells them; names get a `_`, so that none is a keyword."""
    spelled, at = [], 0
    while at < len(text):
        token = TOKEN.match(text, at)
        if token is None:
            raise ValueError(text[at:])
        name = token["name"]
        spelled.append(SPELLING.get(token[0]) or (f"{name}_" if name else token[0]))
        at = token.end()
    return "".join(spelled).strip()


def _check_names(tree: ast.expr, known: set[str]) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id not in known:
            raise ValueError(f"{node.id[:-1]} is not known")


def _compiled(node: ast.expr) -> Term:
    """The meaning of a node. Raises ValueError for one that this part of CEL has not."""
    match node:
        case ast.Name(id=name):
            return lambda values: values[name[:-1]]
        case ast.Constant(value=value):
            return lambda _values: value
        case ast.BoolOp(op=op, values=values):
            return partial(_joined, [_compiled(value) for value in values], isinstance(op, ast.Or))
        case ast.UnaryOp(op=op, operand=operand) if type(op) in OPERATORS:
            return _applied(OPERATORS[type(op)], operand)
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in OPERATORS:
            return _applied(OPERATORS[type(op)], left, right)
        case ast.Attribute(value=value, attr=name):
            return _applied(operator.getitem, value, ast.Constant(name[:-1]))
        case ast.Subscript(value=value, slice=index):
            return _applied(operator.getitem, value, index)
        case ast.List(elts=elements):
            return _applied(lambda *parts: list(parts), *elements)
    return _call(node)


def _call(node: ast.expr) -> Term:
    match node:
        case ast.Call(func=ast.Name("has_"), args=[ast.Attribute() as field], keywords=[]):
            return partial(_present, _compiled(field))
        case ast.Call(func=ast.Name("size_"), args=[value], keywords=[]):
            return _applied(len, value)
        case ast.Call(func=ast.Attribute(value, name), args=[piece], keywords=[]) if (
            name in METHODS
        ):
            return _applied(METHODS[name], value, piece)
    raise ValueError(f"{ast.dump(node)} is not understood")


def _applied(function: Callable[..., Any], *nodes: ast.expr) -> Term:
    terms = [_compiled(node) for node in nodes]
    return lambda values: function(*(term(values) for term in terms))


def _present(term: Term, values: Mapping[str, Any]) -> bool:
    try:
        term(values)
    except (KeyError, IndexError):
        return False
    return True


def _joined(terms: list[Term], decides: bool, values: Mapping[str, Any]) -> bool:
    """`||` (decides True) or `&&` (decides False): one deciding side is enough."""
    failure: Exception | None = None
    for term in terms:
        try:
            if bool(term(values)) is decides:
                return decides
        except UNREADABLE as cause:
            failure = failure or cause
    if failure:
        raise failure
    return not decides
