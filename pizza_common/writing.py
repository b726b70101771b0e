"""Writing what others may write at the same time."""

from collections.abc import Callable
from typing import TypeVar

from pizza_common.errors import EtagMismatch

T = TypeVar("T")

_TRIES = 10


def until_written(write: Callable[[], T]) -> T:
    """Read and write again while somebody else wrote between; raises EtagMismatch at last."""
    for _ in range(_TRIES - 1):
        try:
            return write()
        except EtagMismatch:
            continue
    return write()
