"""The services' `app.py`, which all have one name, loaded by path; and what they are fed."""

import functools
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

from pizza_common.errors import Interrupted
from pizza_common.stages import Pace

ROOT = Path(__file__).parents[2]

ORDER: dict[str, Any] = {
    "order_id": "123",
    "pizza_type": "pepperoni",
    "size": "large",
    "customer": {"name": "John Doe", "address": "123 Main St", "phone": "555-0123"},
}


@functools.cache
def app_module(service: str) -> ModuleType:
    """The module `app.py` of a service's folder."""
    spec = importlib.util.spec_from_file_location(
        f"{service.replace('-', '_')}_app", ROOT / service / "app.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def an_order(**fields: Any) -> dict[str, Any]:
    """The order of the examples, with some fields changed; a field set to None is left out."""
    return {name: value for name, value in {**ORDER, **fields}.items() if value is not None}


class FakePace(Pace):
    """Time that passes at once: notes each wait, and can be stopped before the n-th."""

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__(scale)
        self.waits: list[float] = []
        self.stop_before_wait: int | None = None

    def wait(self, seconds: float) -> None:
        if len(self.waits) + 1 == self.stop_before_wait:
            self.stop_before_wait = None
            raise Interrupted
        self.waits.append(seconds)
        super().wait(0)
