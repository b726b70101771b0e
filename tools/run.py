"""`make run`: becomes `localdapr run -f .`; says what to try next once every service is ready.

The saying is done by a child that nobody has to wait for. It reads the pipe on which localdapr
says that its table of apps is printed, and which ends with localdapr, however that ends.
"""

import argparse
import json
import os
import select
import signal
import sys
from pathlib import Path

from tools.own_python import with_own_python
from tools.shop_ports import REPO, AppPorts, read_ports

POLL_SECONDS = 0.1
WHAT = {
    "pizza-order": "the order book",
    "pizza-storefront": "takes orders",
    "pizza-kitchen": "cooks",
    "pizza-delivery": "delivers",
    "pizza-workflow": "one workflow per order: start here",
    "pizza-loyalty": "counts orders: every tenth has a free pizza",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="make run", description="Runs the pizza shop.")
    parser.add_argument("--port-offset", type=int, default=0, help="added to every port")
    offset = parser.parse_args().port_offset
    apps = read_ports(offset=offset)
    ready_fd = announce_when_ready(apps)
    os.chdir(REPO)
    program = str(Path(sys.executable).with_name("localdapr"))
    command = [program, "run", "-f", ".", "--ready-fd", str(ready_fd)]
    command += ["--port-offset", str(offset)] if offset else []
    os.execve(program, command, with_own_python(os.environ))  # noqa: S606


def announce_when_ready(apps: tuple[AppPorts, ...]) -> int:
    """Leave a process behind that prints the guide; it is nobody's child, so nobody's zombie.

    Returns the descriptor on which it is told that all is ready.
    """
    read_end, write_end = os.pipe()
    os.set_inheritable(write_end, True)
    child = os.fork()
    if child:
        os.close(read_end)
        os.waitpid(child, 0)
        return write_end
    os.close(write_end)
    if os.fork() == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if wait_until_ready(apps, read_end):
            sys.stdout.write(guide(apps))
            sys.stdout.flush()
    os._exit(0)


def wait_until_ready(apps: tuple[AppPorts, ...], end: int) -> bool:
    """Whether all became ready before localdapr ended; their own word for it comes last."""
    if not os.read(end, 1):
        return False
    from tools.shop_client import ShopClient

    client = ShopClient({app.app_id: app.url for app in apps})
    while not client.is_ready():
        if select.select([end], [], [], POLL_SECONDS)[0]:
            return False
    return True


def guide(apps: tuple[AppPorts, ...]) -> str:
    """Where everything is, and what to do next."""
    from tools.shop_client import SAMPLE_ORDER

    at = {app.app_id: app.url for app in apps}
    rows = [f"  {name:<17} {url}  {url}/openapi  {WHAT[name]}" for name, url in at.items()]
    width = max(len(url) for url in at.values()) + 2
    title = f"  {'service':<17} {'address':<{width}}{'its API'}"
    start = f"curl {at['pizza-workflow']}/start-order -d '{json.dumps(SAMPLE_ORDER)}'"
    look = f"curl {at['pizza-order']}/order/{SAMPLE_ORDER['order_id']}"
    lines = ["", "The pizza shop is open.", "", title, *rows, ""]
    lines += ["Next, in another terminal, order a pizza and watch it being made:"]
    lines += [f"  {start}", f"  {look}"]
    lines += ["or open Endpoints.http, or run `make demo`. Ctrl-C closes the shop.", ""]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
