"""How many requests a service answers, and how long they take."""

import time

from flask import Flask, Response, g, request
from werkzeug.routing import Rule

from pizza_common.metrics import Metrics


def install_meter(app: Flask, metrics: Metrics) -> None:
    """Count every request of this app that is answered."""
    seconds = metrics.seconds(
        "pizza_http_request_seconds",
        "Requests answered, and their durations; a client that repeats one is counted again.",
        "method",
        "route",
        "status",
    )

    def begin() -> None:
        g.began = time.perf_counter()

    def end(response: Response) -> Response:
        # What was asked for in vain has any path and method that a client may think of.
        rule: Rule | None = request.url_rule
        method, route = (request.method, rule.rule) if rule else ("none", "none")
        passed = time.perf_counter() - g.began
        seconds.labels(method, route, str(response.status_code)).observe(passed)
        return response

    app.before_request(begin)
    app.after_request(end)
