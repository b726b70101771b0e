"""pizza-web with pages of its own for the tests: what the frame does, whatever pages there are."""

from types import SimpleNamespace

import pytest
from flask import Blueprint, render_template_string, request

from changes import ORDERS
from live import stream
from person import needs
from pizza_common.errors import NotFound, PeerUnavailable
from tests.unit.services import app_module
from web_settings import WebSettings

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
STREAM = {"Accept": "text/html, text/event-stream"}

FRAGMENT = "<p>{{ text }}</p>\n<form method='post'>{{ csrf() }}</form>\n"
PAGE = """{% extends "base.html" %}
{% block title %}Probe{% endblock %}
{% block main %}{% call live("/live/probe") %}<p>{{ text }}</p>{% endcall %}
<form method="post">{{ csrf() }}</form>{% endblock %}"""


def probe_pages(probe):
    """Routes that show what the test has put into `probe`."""
    pages = Blueprint("probe", __name__)

    @pages.get("/probe")
    def page():
        return render_template_string(PAGE, text=probe.text)

    @pages.post("/probe")
    def change():
        probe.text = request.form["text"]
        return "changed"

    @pages.get("/live/probe")
    def live_probe():
        def render():
            probe.rendered += 1
            if probe.away:
                raise PeerUnavailable
            return render_template_string(FRAGMENT, text=probe.text)

        return stream((ORDERS,), render, shared="probe")

    @pages.get("/managers-only")
    @needs("manager")
    def managers_only():
        return "secret"

    @pages.get("/fails/<how>")
    def fails(how):
        raise {"404": NotFound(), "503": PeerUnavailable("The kitchen is away.")}.get(how, KeyError)

    return pages


@pytest.fixture
def probe(sidecar):
    """The app, and what its probe pages show; `rows` of settings by `probe.open(**rows)`."""
    probe = SimpleNamespace(text="one", rendered=0, away=False)

    def open_app(**rows):
        app = app_module("pizza-web").create_app(WebSettings(**rows), sidecar)
        app.register_blueprint(probe_pages(probe))
        probe.app, probe.changes = app, app.extensions["changes"]
        probe.live = app.extensions["live"]
        return app.test_client()

    probe.open = open_app
    return probe
