"""Writing what others may write at the same time."""

import random
import time
from collections.abc import Callable
from typing import Any, TypeVar

from pizza_common.errors import EtagMismatch, Unavailable
from pizza_common.sidecar import Sidecar

T = TypeVar("T")

_TRIES = 10
_LONGEST_PAUSE = 0.2


def is_first(sidecar: Sidecar, key: str, value: dict[str, Any], etag: str) -> bool:
    """Write a value that `writer` tells from all others; False when somebody else was first.

    Raises EtagMismatch when nobody was: Redis' store calls any failure of a write by that, also
    of one that was made. Raises SidecarUnavailable.
    """
    try:
        sidecar.save_state(key, value, etag)
    except EtagMismatch:
        found, found_etag = sidecar.get_state(key)
        if found_etag == etag:
            raise
        return found is not None and found.get("writer") == value["writer"]
    return True


def delete_key(sidecar: Sidecar, key: str) -> None:
    """Delete a key, whatever it holds; safe when it is not there.

    Raises EtagMismatch when it is written at this moment, SidecarUnavailable.
    """
    _, etag = sidecar.get_state(key)
    if etag:
        sidecar.delete_state(key, etag)


def until_written(write: Callable[[], T]) -> T:
    """Read and write again while somebody else wrote between; raises Unavailable at last.

    The pauses grow and differ by chance, so that many replicas at one document come through. What
    is raised is no EtagMismatch: a write that holds this one must not begin it all again.
    """
    for failed in range(_TRIES - 1):
        try:
            return write()
        except EtagMismatch:
            longest = min(_LONGEST_PAUSE, 0.002 * 2**failed)
            time.sleep(random.uniform(0, longest))  # noqa: S311  a pause, not a secret
    try:
        return write()
    except EtagMismatch as error:
        raise Unavailable(error.detail) from error
