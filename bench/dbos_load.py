"""DBOS on SQLite, with the same workflows written its way, and the load on it: one process.

`dbos_load.py FOLDER` answers as `load` says. Needs `bench/requirements.txt` and nothing else.
"""

import asyncio
import importlib
import os
import sys
from pathlib import Path
from typing import Any

from bench import shapes
from bench.load import Run, serve


def start(folder: Path) -> Any:
    """DBOS, launched, with its data in `folder`."""
    dbos = importlib.import_module("dbos")
    config = {
        "name": "bench",
        "system_database_url": f"sqlite:///{folder / 'dbos.sqlite'}",
        "log_level": "ERROR",
        "run_admin_server": False,
    }
    dbos.DBOS(config=config)
    return dbos.DBOS


def define(dbos: Any) -> dict[str, Run]:
    """The three workflows; each gives its output when it has ended."""
    increase = dbos.step()(shapes.increase)
    measure = dbos.step()(shapes.measure)

    @dbos.step()  # type: ignore[untyped-decorator]
    async def increase_soon(value: int) -> int:
        return shapes.increase(value)

    @dbos.workflow()  # type: ignore[untyped-decorator]
    def chain(value: int) -> int:
        for _ in range(shapes.CHAIN):
            value = increase(value)
        return value

    @dbos.workflow()  # type: ignore[untyped-decorator]
    async def fan(width: int) -> int:
        return sum(await asyncio.gather(*(increase_soon(n) for n in range(width))))

    @dbos.workflow()  # type: ignore[untyped-decorator]
    def payload(text: str) -> int:
        return int(measure(text))

    return {
        "chain": lambda shape: chain(shape.input),
        "fan": lambda shape: dbos.start_workflow(fan, shape.input).get_result(),
        "payload": lambda shape: payload(shape.input),
    }


def main(folder: Path) -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever DBOS prints is not an answer
    dbos = start(folder)
    workflows = define(dbos)
    dbos.launch()

    serve(lambda cell: workflows[cell.shape], answers)
    dbos.destroy()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
