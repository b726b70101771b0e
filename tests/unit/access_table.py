"""Who may call what, as docs/security.md has it. `python -m tests.unit.access_table` writes it."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pizza_common.settings import PORTS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "security.md"
TABLE = re.compile(r"\| service \| route \| who \|\n\| --- \| --- \| --- \|\n(?:\|.*\n)+")


def table() -> str:
    """The table of all routes; those that every service has stand there once."""
    found = {name: routes(name) for name in PORTS}
    shared = set.intersection(*(set(rows) for name, rows in found.items() if name != "pizza-web"))
    lines = ["| service | route | who |", "| --- | --- | --- |"]
    lines += [f"| every one | {row} |" for row in sorted(shared)]
    for name, rows in found.items():
        lines += [f"| {name} | {row} |" for row in rows if row not in shared]
    return "\n".join(lines) + "\n"


def routes(name: str) -> list[str]:
    """The last two cells of a service's rows."""
    from tests.unit.callers import service
    from tests.unit.fake_sidecar import FakeSidecar
    from tests.unit.pizza_workflow.fake_workflows import FakeWorkflows

    client = service(name, FakeSidecar(), FakeWorkflows(), pizza_faults=True)
    return sorted(_rows(client.get("/openapi/openapi.json").get_json()["paths"]))


def _rows(paths: dict[str, Any]) -> Iterator[str]:
    for path, methods in paths.items():
        for method, told in methods.items():
            yield f"`{method.upper()} {path}` | {', '.join(told['x-roles'])}"


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / name) for name in PORTS]
    PAGE.write_text(TABLE.sub(lambda _: table(), PAGE.read_text()))
