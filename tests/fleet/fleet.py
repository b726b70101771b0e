"""A shop on the real runtime in which some apps have two replicas, each with a sidecar."""

import time

from tools.dapr_runtime import status_of
from tools.dapr_shop import DaprShop, sidecar_of

STOP_SECONDS = 90.0
READY_SECONDS = 90.0


class Fleet:
    """Replicas are named as their parts are: by app id, and the second with `-2`."""

    def __init__(self, shop: DaprShop) -> None:
        self.shop = shop
        self._replicas = {name: [name] for name in shop.members()}

    def add_replica(self, app_id: str) -> None:
        self._replicas[app_id].append(self.shop.add_replica(app_id))

    def replicas(self) -> list[str]:
        """All, by name."""
        return [name for names in self._replicas.values() for name in names]

    def replicas_of(self, app_id: str) -> list[str]:
        """Those of an app, by name."""
        return list(self._replicas[app_id])

    def running_replicas(self, app_id: str) -> list[str]:
        """Those of an app that run, each with its sidecar, by name."""
        running = set(self.shop.parts.running())
        return [name for name in self._replicas[app_id] if {name, sidecar_of(name)} <= running]

    def doors(self, app_id: str) -> list[str]:
        """The addresses of an app: a load balancer would stand in front of them."""
        return [self.shop.port_of(name).url for name in self._replicas[app_id]]

    def restart(self, name: str) -> float:
        """As Kubernetes does: SIGTERM to both, wait for their end, start, wait until it is ready.

        Gives the seconds that it was away. Raises AssertionError when it had to be killed.
        """
        began = time.monotonic()
        assert self.shop.parts.stop(name, sidecar_of(name), seconds=STOP_SECONDS) == []
        self.start(name, sidecar_of(name))
        self.wait_until_ready(name)
        return time.monotonic() - began

    def start(self, *parts: str) -> None:
        """Start those of these that do not run, and wait until they are there."""
        self.shop.start_parts(*set(parts).difference(self.shop.parts.running()))

    def wait_until_ready(self, *replicas: str) -> None:
        """Until each of these, or of all, says that it can work."""
        for name in replicas or self.replicas():
            self._wait_until_ready(name)

    def _wait_until_ready(self, name: str) -> None:
        port = self.shop.port_of(name).app
        what = f"to be ready: {name}"
        self.shop.wait(lambda: status_of(port, "/readyz") == 200, what, READY_SECONDS)
