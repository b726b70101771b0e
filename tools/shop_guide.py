"""What `make run` says once the shop is open: where everything is, and what to try next."""

import json
import shlex
from collections.abc import Mapping, Sequence

from tools.shop_client import SAMPLE_ORDER, Json
from tools.shop_ports import AppPorts, named, read_ports
from tools.sign_in import link_lines

BOOK = "pizza-order"
WEB = "pizza-web"
WHAT = {
    BOOK: "the order book",
    "pizza-storefront": "takes orders",
    "pizza-kitchen": "cooks",
    "pizza-delivery": "delivers",
    "pizza-workflow": "one workflow per order",
    "pizza-loyalty": "counts orders: every tenth has a free pizza",
    WEB: "the pages",
}
# The variables of Endpoints.http that hold the services' addresses.
HOSTS = {
    "book": BOOK,
    "storefront": "pizza-storefront",
    "kitchen": "pizza-kitchen",
    "delivery": "pizza-delivery",
    "workflow": "pizza-workflow",
    "loyalty": "pizza-loyalty",
    "web": WEB,
}


def guide(
    apps: Sequence[AppPorts], links: Mapping[str, str], order_id: str = SAMPLE_ORDER["order_id"]
) -> str:
    """Where everything is, and what to do next, with an order that is not there yet.

    `links` are the addresses at which each role signs in. Without any, people sign in with what
    they have, and the services want it, too.
    """
    pages = named(apps, WEB).url
    lines = ["", f"The pizza shop is open: {pages}", ""]
    lines += _sign_in(links) if links else [f"Who works here signs in at {pages}/sign-in", ""]
    lines += [*_steps({app.app_id: app.url for app in apps}, order_id), ""] if links else []
    lines += [*_services(apps), "", "Or send the requests of Endpoints.http from VS Code."]
    lines += [*_file_change(apps), "Ctrl-C closes the shop; orders are kept.", ""]
    return "\n".join(lines) + "\n"


def _sign_in(links: Mapping[str, str]) -> list[str]:
    title = "Order a pizza there. These links sign you in as one who works here, each once:"
    return [title, *link_lines(links), ""]


def _services(apps: Sequence[AppPorts]) -> list[str]:
    width = max(len(app.url) for app in apps) + 2
    title = f"  {'service':<17} {'address':<{width}}{'its API':<{width + 8}}"
    rows = [f"  {app.app_id:<17} {app.url}  {app.url}/openapi  {WHAT[app.app_id]}" for app in apps]
    return [title.rstrip(), *rows]


def _steps(at: dict[str, str], order_id: str) -> list[str]:
    """The commands that take an order from start to delivered."""
    desk = at["pizza-workflow"]
    decision = {"order_id": order_id, "approved": True}
    return [
        "The same without a browser, from another terminal:",
        "1. Order a pizza:",
        f"  {_post(f'{desk}/start-order', {**SAMPLE_ORDER, 'order_id': order_id})}",
        "2. See how far it is; repeat this until its status is waiting_for_validation:",
        f"  curl {at[BOOK]}/order/{order_id}",
        "3. Approve it, as the manager:",
        f"  {_post(f'{desk}/validate-pizza', decision)}",
        "Then command 2 shows the delivery, until the status is delivered.",
    ]


def _post(url: str, body: Json) -> str:
    """A command for a shell."""
    return f"curl {url} -d {shlex.quote(json.dumps(body))}"


def endpoints_lines(apps: Sequence[AppPorts]) -> list[str]:
    """What Endpoints.http has to say of these ports: REST Client's variables cannot add.

    Two lines as long as each port keeps its last digit, else each address.
    """
    book = named(apps, BOOK)
    if (book.app - named(read_ports(), BOOK).app) % 10 == 0:
        return [f"@ports = {book.app // 10}", f"@sidecar_ports = {book.http // 10}"]
    at = {app.app_id: app.url for app in apps}
    addresses = {name: at[app_id] for name, app_id in HOSTS.items()}
    addresses["sidecar"] = f"http://127.0.0.1:{book.http}"
    return [f"@{name} = {address}" for name, address in addresses.items()]


def _file_change(apps: Sequence[AppPorts]) -> list[str]:
    if [app.app for app in apps] == [app.app for app in read_ports()]:
        return []
    lines = (f"  {line}" for line in endpoints_lines(apps))
    return ["For these ports, put these lines there instead of its own:", *lines]
