"""Which ports a run needs, and what its user can change when one is taken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from localdapr.manifest import App
from localdapr.ports import PortUse


def port_uses(apps: Sequence[App], template: str | None) -> Iterator[PortUse]:
    """`template` is the file that names the ports; None when options do.

    The port of an app that its user starts is left out: it may be in use already.
    """

    def remedy(key: str, option: str) -> str:
        if template is None:
            return f"choose another {option}"
        return f"change {key} in {template}"

    for app in apps:
        if app.app_port and app.command:
            change = remedy("appPort", "--app-port")
            yield PortUse(app.app_port, f"{app.app_id}'s app", change)
        change = remedy("daprHTTPPort", "--dapr-http-port")
        yield PortUse(app.http_port, f"{app.app_id}'s sidecar, HTTP", change)
        change = remedy("daprGRPCPort", "--dapr-grpc-port")
        yield PortUse(app.grpc_port, f"{app.app_id}'s sidecar, gRPC", change)
