"""What no service takes: bodies, fields, ids, queries."""

import json
from typing import Any

Json = dict[str, Any]

MEGABYTE = "x" * 1_000_000
NO_JSON_OBJECTS = {
    "no JSON": b"pizza, please",
    "half of it": b'{"order_id": "1"',
    "not UTF-8": b'{"order_id": "\xff\xfe"}',
    "an array": b"[]",
    "a number": b"7",
    "a string": b'"order"',
    "null": b"null",
    "nested deeply": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "a megabyte of name": json.dumps({"customer": {"name": MEGABYTE}}).encode(),
}
CUSTOMER = {"name": "John Doe", "address": "123 Main St", "phone": "555-0123"}
BAD_ORDERS: dict[str, Json] = {
    "unknown field": {"topping": "pineapple"},
    "unknown field of the customer": {"customer": {**CUSTOMER, "age": 7}},
    "no customer": {"customer": None},
    "a customer that is text": {"customer": "John Doe"},
    "empty name": {"customer": {**CUSTOMER, "name": ""}},
    "blank name": {"customer": {**CUSTOMER, "name": "   "}},
    "number as name": {"customer": {**CUSTOMER, "name": 7}},
    "control character in the name": {"customer": {**CUSTOMER, "name": "John\u0000Doe"}},
    "line break in the address": {"customer": {**CUSTOMER, "address": "123\r\nMain St"}},
    "lone surrogate in the name": {"customer": {**CUSTOMER, "name": "John \ud800"}},
    "long name": {"customer": {**CUSTOMER, "name": "x" * 101}},
    "unknown pizza": {"pizza_type": "shoe"},
    "pizza that is a list": {"pizza_type": ["pepperoni"]},
    "unknown size": {"size": "huge"},
    "size of another case": {"size": "LARGE"},
    "pizza and items": {"items": [{"pizza_type": "funghi", "size": "small"}]},
    "no pizza": {"pizza_type": None, "size": None},
    "id with a slash": {"order_id": "a/b"},
    "id with a line break": {"order_id": "abc\n"},
    "empty id": {"order_id": ""},
    "long id": {"order_id": "x" * 49},
    "number as id": {"order_id": 123},
    "a time in words": {"scheduled_for": "tomorrow"},
    "a time that is a number": {"scheduled_for": 1900000000},
    "a time without offset": {"scheduled_for": "2030-01-01T12:00:00"},
    "a day that never is": {"scheduled_for": "2030-02-30T12:00:00Z"},
    "a time beyond the calendar": {"scheduled_for": "9999-12-31T23:59:59-12:00"},
}
BAD_ITEMS: dict[str, Any] = {
    "no items": [],
    "items that are an object": {},
    "too many items": [{"pizza_type": "funghi", "size": "small"}] * 21,
    "none of it": [{"pizza_type": "funghi", "size": "small", "quantity": 0}],
    "a fraction of it": [{"pizza_type": "funghi", "size": "small", "quantity": 1.5}],
    "far too much of it": [{"pizza_type": "funghi", "size": "small", "quantity": 10**30}],
    "item without size": [{"pizza_type": "funghi"}],
}
BAD_REFERENCES: dict[str, Json] = {
    "no id": {"order_id": None},
    "number as id": {"order_id": 123},
    "id with a dot": {"order_id": "a.b"},
    "long id": {"order_id": "x" * 49},
    "unknown field": {"order_id": "bad-reference", "please": True},
}
BAD_VALIDATIONS: dict[str, Json] = {
    "no verdict": {},
    "verdict that is text": {"approved": "yes"},
    "verdict that is a number": {"approved": 1},
    "long reason": {"approved": True, "reason": "x" * 201},
    "control character in the reason": {"approved": True, "reason": "a\u0007b"},
    "approver that is a list": {"approved": True, "approver": []},
    "remake that is text": {"approved": False, "remake": "yes"},
}
BAD_CONFIRMATIONS: dict[str, Json] = {
    "no order": {"order": None},
    "no total": {"total_cents": None},
    "a total below zero": {"total_cents": -1},
    "a fraction of a cent": {"total_cents": 9.5},
    "a total that is text": {"total_cents": "900"},
    "no time": {"estimated_at": None},
    "a time in words": {"estimated_at": "soon"},
    "unknown field": {"tip_cents": 100},
}
BAD_PIZZAS: dict[str, Json] = {
    "no order": {"order": None},
    "another pizza than the path's": {"pizza": 2},
    "a pizza that is text": {"pizza": "1"},
    "attempt 0": {"attempt": 0},
    "attempt 101": {"attempt": 101},
    "an attempt that is text": {"attempt": "1"},
    "unknown field": {"well_done": True},
}
BAD_BATCHES: dict[str, Any] = {
    "none": [],
    "101": [{}] * 101,
    "an object": {},
    "null": None,
    "text": "order",
    "numbers": [7],
    "lists": [[]],
}
BAD_RESTOCKS: dict[str, Json] = {
    "nothing": {},
    "both": {"add": 1, "available": 1},
    "less than nothing": {"add": -1},
    "less than nothing left": {"available": -1},
    "a fraction": {"add": 1.5},
    "text": {"add": "1"},
    "a truth": {"add": True},
    "far too much": {"add": 10**30},
    "unknown field": {"add": 1, "please": True},
}
BAD_CARDS: dict[str, Json] = {
    "nothing": {},
    "less than nothing": {"delivered": -1},
    "a fraction": {"delivered": 1.5},
    "text": {"delivered": "9"},
    "a truth": {"delivered": True},
    "far too many": {"delivered": 10**30},
    "unknown field": {"delivered": 1, "free_next": True},
}
BAD_IDS = ["x" * 49, "a.b", "%00", "%0a", "a%20b", "..%2f..", "%ff", "äöü"]
BAD_QUERIES = [
    "status=no",
    "limit=0",
    "limit=101",
    "limit=many",
    "cursor=x",
    "cursor=%00",
    "sort=x",
    "stuck=perhaps",
    "older_than_seconds=-1",
    "older_than_seconds=nan",
    "older_than_seconds=inf",
    "older_than_seconds=long",
]
BAD_CUSTOMERS = ["x" * 91, "a%20b", "a_b", "%00", "a%0ab", "a*", "x" * 10_000]
