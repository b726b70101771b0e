"""The flags of `dapr run` that have no meaning here: taken, so that a command line that works
there works here, and named in one note, as the same keys of a template are.

What would make the app unreachable is refused by name.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from localdapr.template import only

# Of Dapr's CLI 1.18; the two dapr-http-... are its older names for the sizes.
WITH_VALUE = """
    --app-health-check-path --app-health-probe-interval --app-health-probe-timeout
    --app-health-threshold --app-max-concurrency --dapr-http-max-request-size
    --dapr-http-read-buffer-size -I/--dapr-internal-grpc-port --dapr-listen-addresses --log-level
    --max-body-size -M/--metrics-port --placement-host-address --profile-port --read-buffer-size
    --scheduler-host-address -u/--unix-domain-socket
    """.split()  # noqa: SIM905 - as a list it would be a page
SWITCHES = ["--app-ssl", "--enable-api-logging", "--enable-app-health-check", "--enable-profiling"]
ONLY = {  # what is taken of these
    "-P/--app-protocol": ("http",),
    "--app-channel-address": ("127.0.0.1", "localhost"),
}


def dapr_flags(function: Callable[..., None]) -> Callable[..., None]:
    """Gives a command these flags, and as `ignored` the names of those that its user set."""

    @functools.wraps(function)
    def run(**options: Any) -> None:
        given = {name: options.pop(_key(name)) for name in (*WITH_VALUE, *SWITCHES)}
        ignored = tuple(_flags(name)[-1] for name, value in given.items() if value is not None)
        function(**options, ignored=ignored)

    for name in WITH_VALUE:
        _hidden(name)(run)
    for name in SWITCHES:
        _hidden(name, is_flag=True, default=None)(run)
    for name, known in ONLY.items():
        _hidden(name, expose_value=False, callback=_only(*known))(run)
    return run


def _hidden(name: str, **how: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return click.option(*_flags(name), hidden=True, **how)


def _only(*known: str) -> Callable[[click.Context, click.Parameter, str | None], None]:
    check = only(*known)

    def callback(_context: click.Context, _option: click.Parameter, value: str | None) -> None:
        try:
            check(known[0] if value is None else value)
        except ValueError as cause:
            raise click.BadParameter(str(cause)) from cause

    return callback


def _flags(name: str) -> list[str]:
    return name.split("/")


def _key(name: str) -> str:
    """As click calls the flag's value."""
    return _flags(name)[-1].removeprefix("--").replace("-", "_")
