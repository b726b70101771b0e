"""The pages of all roles: the parts put together."""

import secrets
import sys

from flask_openapi.openapi import OpenAPI

import customer_pages
import kitchen_pages
import manager_pages
import operator_drivers
import operator_faults
import operator_health
import operator_letters
import operator_order
import operator_pages
import sign_in_pages
from changes import Changes
from error_pages import error_page
from live import Live, reserved
from memo import Memo
from pages import install_pages
from parallel import install_parallel
from pizza_common.service import run_service, service_app
from pizza_common.settings import settings_for, settings_of
from pizza_common.sidecar import Sidecar
from pizza_common.subscription import orders_subscription
from shop import Shop
from sign_in import install_sign_in
from web_settings import WebSettings

SERVICE = "pizza-web"
ABOUT = "The shop's pages, for customers, kitchen, managers and operators."

OPERATOR_PAGES = (
    operator_pages,
    operator_order,
    operator_drivers,
    operator_health,
    operator_faults,
    operator_letters,
)
PAGES = (customer_pages, kitchen_pages, manager_pages, *OPERATOR_PAGES, sign_in_pages)


def create_app(settings: WebSettings | None = None, sidecar: Sidecar | None = None) -> OpenAPI:
    """The service; tests pass their own parts, `python3 app.py` passes only settings.

    `app.extensions["secret"]` signs sessions and links; without PIZZA_SECRET it is of this process.
    """
    settings = settings or settings_of(SERVICE, WebSettings)
    sidecar = sidecar or Sidecar(settings, SERVICE)
    app = service_app(
        SERVICE, settings, {"sidecar": sidecar.is_ready}, about=ABOUT, front_page=False
    )
    secret = settings.pizza_secret or secrets.token_urlsafe(32)
    install_sign_in(app, settings, secret, sidecar)
    memo = Memo()
    changes = Changes(memo)
    live = Live(changes, settings.pizza_web_streams, app.extensions["metrics"])
    hooks = app.extensions["hooks"]
    hooks.streams = settings.pizza_web_streams + reserved(settings.pizza_web_streams)
    hooks.stopping.append(live.stop)
    hooks.stopped.append(sidecar.close)
    app.extensions |= {"secret": secret, "live": live, "changes": changes}
    app.extensions["shop"] = Shop(sidecar, memo, changes, settings.pizza_threads)
    app.extensions["error_page"] = error_page
    app.extensions["memo"] = memo
    app.extensions["dashboard"] = settings.pizza_dashboard_url
    app.extensions["faults_are_on"] = settings.pizza_faults
    install_parallel(app)
    app.register_api(orders_subscription(changes.note))
    install_pages(app, [module.pages for module in PAGES])
    return app


if __name__ == "__main__":
    sys.exit(run_service(SERVICE, create_app, settings_for(WebSettings)))
