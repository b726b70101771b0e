"""Load on an engine: clients that each start a workflow, wait for its end, and start the next.

A load is a process that is told what to do, one JSON object per line: a `Cell` in, a `Sample`
out. It ends when its input ends.
"""

import json
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import TextIO

from bench.shapes import SHAPES, Shape

PATIENCE = 60.0  # seconds that one workflow may take

Run = Callable[[Shape], object]  # starts a workflow, waits, gives its output


@dataclass(frozen=True)
class Cell:
    """One measurement: so many clients run this shape, and begin nothing new after `seconds`."""

    shape: str
    clients: int
    seconds: float
    port: int = 0


@dataclass
class Sample:
    """What was measured: from the first start to the last end, and each workflow's milliseconds."""

    elapsed: float = 0.0
    latencies: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def put_load(cell: Cell, run: Run) -> Sample:
    """Keep `cell.clients` workflows going; all of them have ended when it returns."""
    sample, shape = Sample(), SHAPES[cell.shape]
    begin = time.monotonic()

    def client() -> None:
        while not sample.failures and time.monotonic() < begin + cell.seconds:
            _run_one(run, shape, sample)

    clients = [threading.Thread(target=client) for _ in range(cell.clients)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    sample.elapsed = time.monotonic() - begin
    return sample


def _run_one(run: Run, shape: Shape, sample: Sample) -> None:
    begin = time.monotonic()
    try:
        output = run(shape)
    # The edge of a client's thread: whatever goes wrong is the sample's, and ends it.
    except Exception as error:  # noqa: BLE001
        sample.failures.append(f"{type(error).__name__}: {error}")
        return
    if output != shape.output:
        sample.failures.append(f"{shape.name} gave {output!r} instead of {shape.output!r}")
        return
    sample.latencies.append((time.monotonic() - begin) * 1000)


def serve(runner_of: Callable[[Cell], Run], answers: TextIO) -> None:
    """Answer each cell on standard input with a sample."""
    for line in sys.stdin:
        cell = Cell(**json.loads(line))
        sample = put_load(cell, runner_of(cell))
        print(json.dumps(asdict(sample)), file=answers, flush=True)
