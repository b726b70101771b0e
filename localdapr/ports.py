"""Which TCP ports of this machine are free.

It only looks; nothing is held. It never starts or stops anything.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection

from localdapr.errors import PortInUseError

FIRST_EPHEMERAL = 32768  # from here on the system hands out ports to anybody


def is_free(port: int) -> bool:
    """Whether a server could listen on 127.0.0.1:`port` now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Without it a port whose last connections are in TIME_WAIT would look taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def pick_port(first: int, taken: Collection[int], free: Callable[[int], bool] = is_free) -> int:
    """The first free port from `first` on that is not in `taken`, below the ephemeral ones."""
    for port in range(first, FIRST_EPHEMERAL):
        if port not in taken and free(port):
            return port
    raise PortInUseError(f"no port is free from {first} to {FIRST_EPHEMERAL - 1}")
