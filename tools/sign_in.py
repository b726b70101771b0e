"""The links with which those who try the shop out sign in, one for each role that works in it.

`make sign-in` prints new ones: each works once, and a quarter of an hour.
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence

from pizza_common.sign_in_link import sign_in_path
from pizza_common.staff import STAFF
from tools.shop_ports import AppPorts, named, read_ports
from tools.shop_secret import DATA, PIZZA_SECRET, with_secret

# With any of these people sign in with what they have: there are no links.
OTHER_WAYS = (*(f"PIZZA_{role.upper()}_TOKEN" for role in STAFF), "PIZZA_OIDC_ISSUER")


def sign_in_links(apps: Sequence[AppPorts], env: Mapping[str, str]) -> dict[str, str]:
    """The address for each role; none where the environment has another way to sign in."""
    if any(env.get(name) for name in OTHER_WAYS):
        return {}
    pages = named(apps, "pizza-web").url
    return {role: f"{pages}{sign_in_path(env[PIZZA_SECRET], role)}" for role in STAFF}


def link_lines(links: Mapping[str, str]) -> list[str]:
    """The links as they are printed."""
    return [f"  {role:<9} {link}" for role, link in links.items()]


def main() -> None:
    parser = argparse.ArgumentParser(prog="make sign-in", description="Prints sign-in links.")
    parser.add_argument("--port-offset", type=int, default=0, help="that of make run")
    apps = read_ports(offset=parser.parse_args().port_offset)
    links = sign_in_links(apps, with_secret(os.environ, DATA))
    if not links:
        sys.exit("People sign in with tokens or at a provider here; there are no links.")
    sys.stdout.write("\n".join([*link_lines(links), ""]))


if __name__ == "__main__":
    main()
