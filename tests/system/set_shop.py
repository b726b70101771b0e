"""A shop of its own with settings of its own."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.system.shop import Shop, wait_until_gone
from tools.shop_process import ShopProcess


class SetShopProcess(ShopProcess):
    """`settings` are environment variables for all services."""

    def __init__(self, folder: Path, time_scale: float, settings: Mapping[str, str]) -> None:
        super().__init__(folder, time_scale=time_scale)
        self._settings = dict(settings)

    def _environment(self, outer: Mapping[str, str]) -> dict[str, str]:
        return {**super()._environment(outer), **self._settings}


@contextlib.contextmanager
def set_shop(folder: Path, time_scale: float, **settings: str) -> Iterator[Shop]:
    """A shop that is ready, for as long as the block lasts; nothing of it is left afterwards."""
    with SetShopProcess(folder, time_scale, settings) as process:
        shop = Shop(process)
        shop.wait_until_ready()
        yield shop
    wait_until_gone(folder)
