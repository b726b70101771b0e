"""Which ports the shop's manifest names, and an offset at which all of them are free."""

import itertools
import random
import socket
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

REPO = Path(__file__).resolve().parents[1]
FIRST_EPHEMERAL = 32768  # from here on the system hands out ports to anybody
STEP = 10
OF_RUNTIMES = range(10_000, 13_500)  # below what any offset makes of the manifest's ports
PINNED = range(21_000, 26_500)  # tests of single parts have fixed ports in here


@dataclass(frozen=True)
class AppPorts:
    """The ports of one service and its sidecar."""

    app_id: str
    app: int
    http: int
    grpc: int

    def all(self) -> tuple[int, int, int]:
        return self.app, self.http, self.grpc

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.app}"


def read_ports(manifest: Path = REPO / "dapr.yaml", offset: int = 0) -> tuple[AppPorts, ...]:
    """The ports of each app of the manifest, plus the offset."""
    document: dict[str, Any] = yaml.safe_load(manifest.read_text())
    return tuple(
        AppPorts(
            app["appID"],
            app["appPort"] + offset,
            app["daprHTTPPort"] + offset,
            app["daprGRPCPort"] + offset,
        )
        for app in document["apps"]
    )


def named(apps: Iterable[AppPorts], app_id: str) -> AppPorts:
    """The ports of this app. Raises StopIteration when there is none."""
    return next(app for app in apps if app.app_id == app_id)


def free_offset() -> int:
    """An offset at which no port is taken, by chance, so that two who ask seldom meet."""
    highest = max(max(app.all()) for app in read_ports())
    offsets = list(range(10_000, FIRST_EPHEMERAL - highest, STEP))
    random.shuffle(offsets)
    for offset in offsets:
        ports = [port for app in read_ports(offset=offset) for port in app.all()]
        if all(port not in PINNED and is_free(port) for port in ports):
            return offset
    raise OSError("no free range of ports below the ephemeral ones")


def free_ports(count: int, taken: Collection[int] = ()) -> list[int]:
    """So many ports on which nobody listens and where no shop's services are, none of `taken`.

    They are one after the other from where chance begins, so that two who ask seldom meet.
    """
    begin = random.randrange(len(OF_RUNTIMES))  # noqa: S311 - no secret
    ports = [*OF_RUNTIMES[begin:], *OF_RUNTIMES[:begin]]
    usable = (port for port in ports if port not in taken and is_free(port))
    found = list(itertools.islice(usable, count))
    if len(found) < count:
        raise OSError(f"not {count} free ports in {OF_RUNTIMES}")
    return found


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of 127.0.0.1 now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
