"""Comparing an answer with a recorded one, placeholders included. Each function names what differs.

`<any> <uuid> <time> <etag> <traceparent> <span> <port>` stand for a value, alone or inside a
text; `{"$length": n}` and `{"$base64": ...}` for a body; `"<more>": true` allows further fields.
"""

import base64
import json
import re
from typing import Any

PLACEHOLDERS = {
    "any": ".*",
    "uuid": "[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}",
    "time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)",
    "etag": r"[^\s]+",
    "traceparent": "00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}",
    "span": "[0-9a-f]{16}",
    "port": r"\d+",
}
PLACEHOLDER = re.compile(f"<({'|'.join(PLACEHOLDERS)})>")


def difference(expected: Any, actual: Any, at: str = "body") -> str:
    """Empty when `actual` is what was recorded."""
    if expected == "<any>":
        return ""
    if isinstance(expected, dict) and isinstance(actual, dict):
        return _dict_difference(expected, actual, at)
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        pairs = enumerate(zip(expected, actual, strict=True))
        return next(filter(None, (difference(e, a, f"{at}[{i}]") for i, (e, a) in pairs)), "")
    if isinstance(expected, str) and isinstance(actual, str):
        same = re.fullmatch(_pattern(expected), actual, re.DOTALL)
        return "" if same else f"{at}: expected {expected!r}, got {actual!r}"
    same = type(expected) is type(actual) and expected == actual
    return "" if same else f"{at}: expected {expected!r}, got {actual!r}"


def shape_difference(expected: Any, actual: Any, at: str = "body") -> str:
    """Empty when all expected keys are there, with values of the recorded JSON types."""
    if expected == "<any>":
        return ""
    if isinstance(expected, dict) and isinstance(actual, dict):
        missing = expected.keys() - actual.keys()
        if missing:
            return f"{at}: lacks {sorted(missing)}"
        shared = ((expected[key], actual[key], f"{at}.{key}") for key in expected)
        return next(filter(None, (shape_difference(*triple) for triple in shared)), "")
    if isinstance(expected, list) and isinstance(actual, list):
        if any(isinstance(entry, dict) for entry in expected) and len(expected) != len(actual):
            return f"{at}: expected {len(expected)} entries, got {actual!r}"
        pairs = enumerate(zip(expected, actual, strict=False))
        return next(filter(None, (shape_difference(e, a, f"{at}[{i}]") for i, (e, a) in pairs)), "")
    same = type(expected) is type(actual)
    return "" if same else f"{at}: expected something like {expected!r}, got {actual!r}"


def body_difference(expected: Any, raw: bytes, content_type: str) -> str:
    """Compare a whole body in the form the vectors record it."""
    if expected is None:
        is_null = raw == b"null" and content_type == "application/json"
        return "" if not raw or is_null else f"body: expected none, got {raw[:300]!r}"
    if isinstance(expected, dict) and "$length" in expected:
        same = len(raw) == expected["$length"]
        return "" if same else f"body: expected {expected['$length']} bytes, got {len(raw)}"
    if isinstance(expected, dict) and "$base64" in expected:
        same = raw == base64.b64decode(expected["$base64"])
        return "" if same else f"body: expected other bytes than {raw[:300]!r}"
    if isinstance(expected, str) and raw.decode("utf-8", "replace") == expected:
        return ""
    return difference(expected, parsed(raw, content_type))


def parsed(raw: bytes, content_type: str) -> Any:
    """The body as JSON where it says it is, else as text."""
    if content_type.partition(";")[0] == "application/json" and raw:
        return json.loads(raw)
    return raw.decode("utf-8", "replace")


def _dict_difference(expected: dict[str, Any], actual: dict[str, Any], at: str) -> str:
    keys = expected.keys() - {"<more>"}
    surplus = set() if "<more>" in expected else actual.keys() - keys
    if surplus or keys - actual.keys():
        return f"{at}: lacks {sorted(keys - actual.keys())}, has also {sorted(surplus)}"
    shared = ((expected[key], actual[key], f"{at}.{key}") for key in sorted(keys))
    return next(filter(None, (difference(*triple) for triple in shared)), "")


def _pattern(expected: str) -> str:
    if expected.startswith("<base64 of"):
        return "[A-Za-z0-9+/]+=*"
    pieces = PLACEHOLDER.split(expected)
    texts, names = pieces[::2], pieces[1::2]
    patterns = [f"({PLACEHOLDERS[name]})" for name in names] + [""]
    return "".join(re.escape(text) + pattern for text, pattern in zip(texts, patterns, strict=True))
