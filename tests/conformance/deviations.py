"""Where localdapr deliberately answers otherwise than the recorded runtime, and why.

Each entry replaces parts of a vector; what remains of it is still asserted.
"""

from typing import Any

REDELIVERED = {"data": {"b": 5}, "topic": "plain", "<more>": True}

DEVIATIONS: dict[str, dict[str, Any]] = {
    "inv-dotdot-escaped-twice": {
        "why": "the runtime takes one escape away, so that the app resolves dots that no check saw",
        "response": {
            "status": 200,
            "headers": {},
            "body": {"path": "/echo/%252e%252e/x", "<more>": True},
        },
    },
    "st-tx-wrong-etag-t3": {
        "why": "Redis keeps the first half of a failed transaction; localdapr undoes all of it",
        "match": "exact",
        "response": {"status": 204, "headers": {}, "body": None},
    },
    "ps-sub-unknown-status": {
        "why": "the runtime delivers a failed event once and loses it; localdapr delivers it again",
        "subscriber_behave": {
            "/plain": [{"code": 200, "body": {"status": "WHAT"}}, {"code": 200, "body": None}]
        },
        "delivered": {
            "events": [
                {
                    "path": "/plain",
                    "contentType": "application/cloudevents+json",
                    "body": REDELIVERED,
                }
            ]
            * 2
        },
    },
    "wf-resume-running-get": {
        "why": "resuming a workflow that is not suspended fails it in the runtime; "
        "localdapr ignores it",
        "match": "shape",
        "response": {
            "status": 200,
            "headers": {},
            "body": {"instanceID": "w3", "runtimeStatus": "RUNNING"},
        },
        "exact_fields": ["runtimeStatus"],
    },
}
