"""`make run`: becomes `localdapr run -f .`; says what to try next once every service is ready.

The saying is done by a child that nobody has to wait for. It reads the pipe on which localdapr
says that its table of apps is printed, and which ends with localdapr, however that ends.
"""

import argparse
import itertools
import os
import select
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tools.app_token import with_app_token
from tools.own_python import with_own_python
from tools.shop_ports import REPO, AppPorts, read_ports
from tools.shop_secret import DATA, with_secret

if TYPE_CHECKING:  # imported late: it takes half a second, and localdapr is not to wait for it
    from tools.shop_client import ShopClient

POLL_SECONDS = 0.1
FIRST_ORDER = 123  # as in Endpoints.http


def main() -> None:
    parser = argparse.ArgumentParser(prog="make run", description="Runs the pizza shop.")
    parser.add_argument("--port-offset", type=int, default=0, help="added to every port")
    offset = parser.parse_args().port_offset
    try:
        env = with_secret(with_app_token(with_own_python(os.environ)), DATA)
    except OSError as error:
        sys.exit(f"The shop's data folder cannot be used: {error}")
    ready_fd = announce_when_ready(read_ports(offset=offset), env)
    os.chdir(REPO)
    program = str(Path(sys.executable).with_name("localdapr"))
    command = [program, "run", "-f", ".", "--ready-fd", str(ready_fd)]
    command += ["--port-offset", str(offset)] if offset else []
    os.execve(program, command, env)  # noqa: S606


def announce_when_ready(apps: tuple[AppPorts, ...], env: Mapping[str, str]) -> int:
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
        say_what_to_try(apps, env, read_end)
    os._exit(0)


def say_what_to_try(apps: tuple[AppPorts, ...], env: Mapping[str, str], end: int) -> None:
    """Print the guide once all became ready, if they do before localdapr ends."""
    if not os.read(end, 1):
        return
    from tools.shop_client import ShopClient
    from tools.shop_guide import guide
    from tools.sign_in import sign_in_links

    client = ShopClient({app.app_id: app.url for app in apps})
    if wait_until_ready(client, end):
        sys.stdout.write(guide(apps, sign_in_links(apps, env), new_order_id(client)))
        sys.stdout.flush()


def wait_until_ready(client: "ShopClient", end: int) -> bool:
    """Whether all became ready before localdapr ended; their own word for it comes last."""
    while not client.is_ready():
        if select.select([end], [], [], POLL_SECONDS)[0]:
            return False
    return True


def new_order_id(client: "ShopClient") -> str:
    """The sample order's id or, when an order of an earlier run has it, the next number."""
    ids = map(str, itertools.count(FIRST_ORDER))
    return next(each for each in ids if not client.timeline(each))


if __name__ == "__main__":
    main()
