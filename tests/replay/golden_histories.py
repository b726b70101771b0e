"""The golden histories on disk. `python -m tests.replay.golden_histories` records what is missing.

A history stands for the orders in flight that have one like it, so none is ever recorded anew
over another: a change of the story gets further ones, and keeps these.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).with_name("golden")
FIRST_FORM = FOLDER / "first_form"


def golden(folder: Path = FOLDER) -> list[Path]:
    """All recorded histories under a folder."""
    return sorted(folder.rglob("*.json"))


def name_of(path: str, instance_id: str) -> str:
    """The order's own history is named by its path, those of its children by theirs too."""
    child = instance_id.removeprefix("pizza-order-123").removeprefix(":")
    return re.sub(r"[^a-z0-9_-]+", "--", f"{path}:{child}" if child else path)


def record_missing() -> Iterator[str]:
    """Play each path that has no history yet, and write what happened; gives the names."""
    from localdapr.replaying import save_history
    from localdapr.testing import WorkflowEnvironment
    from pizza_activities import Shop
    from steps import NonRetryableError
    from tests.replay.conftest import INSTANCE, Play
    from tests.replay.paths import PATHS
    from worker import register

    def refuse(_given: object) -> None:
        raise NonRetryableError("no")

    children = [f"{INSTANCE}:round-1", f"{INSTANCE}:round-1:pizza-1-1"]
    for name, path in PATHS.items():
        if (FOLDER / f"{name}.json").exists():
            continue
        shop = Shop(sidecar=None)  # type: ignore[arg-type]
        with WorkflowEnvironment(
            register=lambda runtime, shop=shop: register(runtime, shop)
        ) as env:
            path(
                lambda answers=None, order=None, env=env, **terms: Play(env, answers or {}).start(
                    order, **terms
                ),
                refuse,
            )
            for instance in [INSTANCE, *(children if name in WITH_CHILDREN else [])]:
                save_history(FOLDER / f"{name_of(name, instance)}.json", env.history(instance))
        yield name


WITH_CHILDREN = (
    "many_pizzas",
    "feast_in_batches",
    "failed_at_cook_one_pizza",
    "failed_at_open_validation",
)


if __name__ == "__main__":
    root = Path(__file__).parents[2]
    sys.path[:0] = [str(root / "pizza-workflow"), str(root)]
    for recorded in record_missing():
        sys.stdout.write(f"recorded {recorded}\n")
