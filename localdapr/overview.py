"""The table of a run that is ready: where each app is and which process it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from localdapr.manifest import App

WIDTH = 120  # also where the output is no terminal


def overview(apps: Sequence[App], pids: Mapping[str, int]) -> str:
    """One line per app; `pids` by app id, an app that its user starts has none."""
    from rich.console import Console
    from rich.table import Table

    table = Table("app", "address", "Dapr HTTP", "Dapr gRPC", "process", box=None, pad_edge=False)
    for app in apps:
        address = f"http://127.0.0.1:{app.app_port}" if app.app_port else "-"
        ports = (str(app.http_port), str(app.grpc_port))
        table.add_row(app.app_id, address, *ports, str(pids.get(app.app_id, "-")))
    printer = Console(width=WIDTH, color_system=None)
    with printer.capture() as captured:
        printer.print(table)
    return "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())
