"""pizza-web with the probe pages, as a process: `python probe_process.py`, with settings."""

import sys

import live
from pizza_common.service import run_service
from pizza_common.settings import settings_for
from tests.unit.pizza_web.conftest import a_probe, probe_pages, region_pages, silent_pages
from tests.unit.services import app_module
from web_settings import WebSettings


def create_app(settings):
    live.KEEP_ALIVE_SECONDS = 0.5
    app = app_module("pizza-web").create_app(settings)
    probe = a_probe()
    app.register_blueprint(probe_pages(probe))
    app.register_blueprint(silent_pages(probe))
    app.register_blueprint(region_pages())
    return app


if __name__ == "__main__":
    sys.exit(run_service("pizza-web", create_app, settings_for(WebSettings)))
