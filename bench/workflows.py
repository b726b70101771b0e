"""Compare localdapr with the real runtime, DBOS and a null sidecar: `python -m bench.workflows`.

All engines stay up for the whole run and are loaded in turns, so that whatever else the machine
does falls on all of them alike. A full run writes its tables into `README.md`.
"""

import itertools
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType

import click

from bench import calls, machine, report
from bench.engines import Daprd, Dbos, Engine, LocalDapr, NullSidecar, Ports
from bench.load import Cell
from bench.processes import REPO, BenchError, Processes
from bench.results import Results, Round
from bench.shapes import SHAPES

LEVELS = (1, 16, 64)
FIRST_PORT = 27000
PORTS_EACH = 20
BINARIES = REPO / "tools" / "dapr-runtime" / "bin"
DBOS_PYTHON = REPO / "bench" / ".venv" / "bin" / "python"
WARM_UP = (4, 1.0)  # clients and seconds, for each engine and shape
CALLS = 200  # calls and messages of each way in each round

Make = Callable[[str, Processes, Ports], Engine]


def available(dapr: Path, dbos_python: Path) -> dict[str, Make]:
    """The engines that can be run here, in the order of their turns; says which are missing."""
    engines: dict[str, Make] = {"localdapr": LocalDapr}
    if not (dapr / "daprd").exists():
        note(f"without daprd: {dapr} has no daprd; build it with `make dapr-runtime`")
    elif shutil.which("redis-server") is None:
        note("without daprd: there is no redis-server on the PATH")
    else:
        engines["daprd"] = lambda name, processes, ports: Daprd(name, processes, ports, dapr)
    if dbos_python.exists():
        engines["dbos"] = lambda name, processes, ports: Dbos(name, processes, ports, dbos_python)
    else:
        note(f"without DBOS: there is no {dbos_python}; `make bench-engines` installs it")
    engines["null"] = NullSidecar
    return engines


def measure(engine: Engine, cell: Cell) -> Round:
    """One turn of one engine."""
    before = engine.processor()
    sample = engine.ask(cell)
    after = engine.processor()
    return Round(sample, {part: after[part] - before[part] for part in after})


def run_workflows(
    engines: Sequence[Engine], cells: Sequence[Cell], rounds: int, results: Results
) -> None:
    """Every cell on every engine, in turns; each round begins with another engine."""
    for number in range(rounds):
        for cell in cells:
            for engine in (*engines[number % len(engines) :], *engines[: number % len(engines)]):
                turn = measure(engine, cell)
                results.add((cell.shape, cell.clients), engine.name, turn)
                for failure in turn.sample.failures[:1]:
                    note(f"{engine.name}, {cell.shape}, {cell.clients} clients: {failure}")
        note(f"round {number + 1} of {rounds} done")


def run_calls(engines: Sequence[Engine], rounds: int, results: Results) -> None:
    """Calls and messages through the engines that have them, in turns."""
    with_calls = [engine for engine in engines if isinstance(engine, LocalDapr | Daprd)]
    for number, engine in itertools.product(range(rounds + 1), with_calls):
        direct = calls.time_direct_calls(engine, CALLS)
        through = calls.time_calls(engine, CALLS)
        deliveries = calls.time_deliveries(engine, CALLS)
        if number:  # the first round warms up
            results.calls[report.DIRECT] += direct
            results.calls[engine.name] += through
            results.deliveries[engine.name] += deliveries


def start(makers: dict[str, Make], processes: Processes) -> Iterator[Engine]:
    for number, (name, make) in enumerate(makers.items()):
        engine = make(name, processes, Ports(FIRST_PORT + number * PORTS_EACH))
        engine.start()
        for shape in SHAPES:
            warm = engine.ask(Cell(shape, *WARM_UP))
            if warm.failures:
                raise BenchError(f"{name} cannot run {shape}: {warm.failures[0]}")
        note(f"{name} is up")
        yield engine


def choose(makers: dict[str, Make], wanted: str, sources: Sequence[str]) -> dict[str, Make]:
    """The wanted engines, and a localdapr from each other source (`NAME=FOLDER`)."""
    names = wanted.split(",") if wanted else list(makers)
    chosen = {name: makers[name] for name in names if name in makers}
    for source in sources:
        name, _, folder = source.partition("=")
        chosen[name] = _other_localdapr(Path(folder).resolve())
    return chosen


def _other_localdapr(source: Path) -> Make:
    return lambda name, processes, ports: LocalDapr(name, processes, ports, source)


def note(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


def _stop(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)


def run(makers: dict[str, Make], cells: Sequence[Cell], rounds: int, with_calls: bool) -> Results:
    """The whole run; whatever was started has ended when it returns or raises."""
    results = Results()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
        processes = Processes(Path(folder))
        try:
            engines = list(start(makers, processes))
            run_workflows(engines, cells, rounds, results)
            if with_calls:
                run_calls(engines, rounds, results)
        finally:
            processes.close()
    return results


@click.command()
@click.option("--quick", is_flag=True, help="One short round, under two minutes; writes nothing.")
@click.option("--rounds", default=3, show_default=True, help="Turns of each engine in each cell.")
@click.option("--seconds", default=3.0, show_default=True, help="Load of each turn.")
@click.option("--engines", default="", help="Only these, as in localdapr,null.")
@click.option("--shapes", default=",".join(SHAPES), show_default=True, help="Only these.")
@click.option("--levels", default=",".join(map(str, LEVELS)), show_default=True, help="Clients.")
@click.option("--calls/--no-calls", "with_calls", default=True, help="Also calls and messages.")
@click.option("--source", multiple=True, metavar="NAME=FOLDER", help="Also localdapr from there.")
@click.option("--dapr", type=click.Path(path_type=Path), default=BINARIES, help="daprd's folder.")
@click.option("--dbos-python", type=click.Path(path_type=Path), default=DBOS_PYTHON)
@click.option("--write/--no-write", default=None, help="Whether README.md gets the tables.")
def main(
    quick: bool,
    rounds: int,
    seconds: float,
    engines: str,
    shapes: str,
    levels: str,
    with_calls: bool,
    source: tuple[str, ...],
    dapr: Path,
    dbos_python: Path,
    write: bool | None,
) -> None:
    """Compare localdapr with daprd, DBOS and a null sidecar, in turns within one run."""
    begin = time.monotonic()
    if quick:
        rounds, seconds = 1, 1.0
    makers = choose(available(dapr, dbos_python), engines, source)
    cells = [
        Cell(shape, int(clients), seconds)
        for shape in shapes.split(",")
        for clients in levels.split(",")
    ]
    try:
        results = run(makers, cells, rounds, with_calls)
    except BenchError as error:
        raise click.ClickException(str(error)) from error
    head = machine.describe(
        dapr / "daprd" if "daprd" in makers else None, dbos_python if "dbos" in makers else None
    )
    effort = (
        f"{rounds} rounds of {seconds:g} s for each cell, {time.monotonic() - begin:.0f} s in all."
    )
    text = f"{head} {effort}\n\n{report.tables(results)}"
    print(text)
    if write or (write is None and not quick and not engines and not source):
        report.write(text)


if __name__ == "__main__":
    main()
