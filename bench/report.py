"""Results as markdown tables, and their place in `README.md`."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.results import Measured, Results, percentile
from bench.shapes import SHAPES

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- results: written by `make bench-engines` -->", "<!-- end of results -->"
SUBJECT = "localdapr"
OTHERS = {"daprd": "daprd", "null": "null sidecar", "dbos": "DBOS"}
DIRECT = "direct"  # the name of a call without a sidecar


def tables(results: Results) -> str:
    """All tables, with a heading each."""
    parts = [_workflow_table(results, name) for name in SHAPES]
    parts += [_ratio_table(results), _call_table(results)]
    return "\n\n".join(part for part in parts if part)


def write(text: str, readme: Path = README) -> None:
    """Put the text between the marks in the README."""
    before = readme.read_text()
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    readme.write_text(pattern.sub(lambda _: f"{BEGIN}\n{text}\n{END}", before))


def _workflow_table(results: Results, shape: str) -> str:
    rows = [
        _workflow_row(clients, name, measured)
        for (cell_shape, clients) in results.rounds
        if cell_shape == shape
        for name, measured in results.measured((shape, clients)).items()
    ]
    if not rows:
        return ""
    head = (
        "clients", "engine", "workflows/s", "(slowest, fastest round)", "p50 ms", "p95 ms",
        "p99 ms", "CPU ms: engine", "worker", "clients",
    )  # fmt: skip
    return f"### {SHAPES[shape].title}\n\n{_table(head, rows)}"


def _workflow_row(clients: int, name: str, measured: Measured) -> list[str]:
    low, high = measured.spread
    times = [_number(measured.percentile(share)) for share in (0.5, 0.95, 0.99)]
    costs = [_cost(measured, part) for part in ("engine", "worker", "clients")]
    speed = _number(measured.throughput)
    if measured.failures:
        speed += f" ({len(measured.failures)} failed)"
    return [str(clients), name, speed, f"{_number(low)} to {_number(high)}", *times, *costs]


def _cost(measured: Measured, part: str) -> str:
    cost = measured.cost(part)
    return _number(cost) if cost else ""


def _ratio_table(results: Results) -> str:
    """The throughput of localdapr over that of each other engine, and p99 over DBOS's."""
    rows = []
    for shape, clients in results.rounds:
        measured = results.measured((shape, clients))
        if SUBJECT not in measured:
            return ""
        rows.append([SHAPES[shape].title, str(clients), *_ratios(measured)])
    names = [f"of {title}" for title in OTHERS.values()]
    head = ("workflow", "clients", *names, "p99, of DBOS's")
    return f"### Throughput of localdapr, as a multiple\n\n{_table(head, rows)}"


def _ratios(measured: dict[str, Measured]) -> Iterator[str]:
    subject = measured[SUBJECT]
    for name in OTHERS:
        other = measured.get(name)
        yield f"{subject.throughput / other.throughput:.2f}" if other else ""
    dbos = measured.get("dbos")
    yield f"{subject.percentile(0.99) / dbos.percentile(0.99):.2f}" if dbos else ""


def _call_table(results: Results) -> str:
    if not results.calls:
        return ""
    direct = percentile(sorted(results.calls[DIRECT]), 0.5)
    rows = [[name, *_call_row(results, name, direct)] for name in results.calls]
    head = ("way", "call p50 ms", "p99 ms", "added to p50", "publish to delivery p50 ms", "p99 ms")
    return f"### Service invocation and messages, one at a time\n\n{_table(head, rows)}"


def _call_row(results: Results, name: str, direct: float) -> Iterator[str]:
    calls, deliveries = sorted(results.calls[name]), sorted(results.deliveries.get(name, ()))
    middle = percentile(calls, 0.5)
    yield f"{middle:.2f}"
    yield f"{percentile(calls, 0.99):.2f}"
    yield "" if name == DIRECT else f"{middle - direct:.2f}"
    for share in (0.5, 0.99):
        yield f"{percentile(deliveries, share):.2f}" if deliveries else ""


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"
