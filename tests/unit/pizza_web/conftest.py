"""pizza-web over services in memory; and with pages of its own, which try what the frame does."""

import time
from types import SimpleNamespace

import pytest
from flask import Blueprint, Response, g, render_template_string, request

from changes import ORDERS
from live import stream
from person import needs
from pizza_common.errors import NotFound, PeerUnavailable
from tests.unit.pizza_web.customer_shop import open_shop
from tests.unit.pizza_web.fake_shop import browser_of
from tests.unit.services import app_module
from web_settings import WebSettings

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
STREAM = {"Accept": "text/html, text/event-stream"}

FRAGMENT = "<p>{{ text }}</p>\n<form method='post'>{{ csrf() }}</form>\n"
PAGE = """{% extends "base.html" %}
{% block title %}Probe{% endblock %}
{% block main %}{% call live("/live/probe") %}<p>{{ text }}</p>{% endcall %}
<form method="post">{{ csrf() }}</form>{% endblock %}"""


def silent_pages(probe):
    """A stream that says nothing any more, and notes in `probe.gone` that its reader has gone."""
    pages = Blueprint("silent", __name__)

    @pages.get("/silent")
    def silent():
        has_gone = request.environ["waitress.client_disconnected"]

        def say_nothing_more():
            yield ":"
            while not probe.gone:
                probe.gone = has_gone()
                time.sleep(0.02)

        return Response(say_nothing_more(), content_type="text/event-stream")

    @pages.get("/reader-has-gone")
    def reader_has_gone():
        return str(probe.gone)

    return pages


def a_probe():
    """What the pages below show, and what they saw."""
    return SimpleNamespace(text="one", rendered=0, error=None, gone=False, had_own_thread=[])


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
            probe.had_own_thread.append(g.get("has_own_thread"))
            if probe.error:
                raise probe.error
            return render_template_string(FRAGMENT, text=probe.text)

        return stream((ORDERS,), render, shared="probe")

    @pages.get("/managers-only")
    @needs("manager")
    def managers_only():
        return "secret"

    @pages.post("/fails")
    def fails_to_change():
        raise PeerUnavailable("The kitchen did not answer.")

    @pages.get("/fails/<how>")
    def fails(how):
        raise {"404": NotFound(), "503": PeerUnavailable("The kitchen is away.")}.get(how, KeyError)

    return pages


def region_pages():
    """Routes of regions that always show the same."""
    pages = Blueprint("regions", __name__)

    @pages.get("/live/named/<name>")
    def live_of(name):
        def render():
            return f"<p>{name} {request.args.get('which', '')}</p>"

        return stream((ORDERS,), render, shared="always the same")

    @pages.get("/live/looks-often")
    def live_looks_often():
        return stream((), lambda: "<p>one</p>", shared="looks", every=0.05)

    @pages.get("/live/nothing")
    def live_nothing():
        return stream((), lambda: "<p>none yet</p>")

    return pages


@pytest.fixture
def probe(sidecar):
    """The app, and what its probe pages show; `rows` of settings by `probe.open(**rows)`."""
    probe = a_probe()

    def open_app(**rows):
        app = app_module("pizza-web").create_app(WebSettings(**rows), sidecar)
        app.register_blueprint(probe_pages(probe))
        app.register_blueprint(region_pages())
        probe.app, probe.changes = app, app.extensions["changes"]
        probe.live = app.extensions["live"]
        return app.test_client()

    probe.open = open_app
    return probe


@pytest.fixture
def services():
    """A shop that has a menu and takes orders."""
    return open_shop()


@pytest.fixture
def client(services):
    """The browser of a visitor of `services`, who has not signed in."""
    return browser_of(services)
