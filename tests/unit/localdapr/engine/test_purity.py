"""The law of the engine's folder, held by a test."""

import ast
from pathlib import Path

import pytest

import localdapr.engine

FORBIDDEN = {"asyncio", "sqlite3", "grpc", "aiohttp", "time", "random", "uuid", "logging", "os"}
MODULES = sorted(Path(localdapr.engine.__file__).parent.glob("*.py"))


def imports(module: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0])
    return found


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_the_engine_imports_nothing_that_does_io_or_knows_the_time(module: Path) -> None:
    assert not imports(module) & FORBIDDEN


def test_localdapr_knows_nothing_of_pizza() -> None:
    package = Path(localdapr.engine.__file__).parents[1]
    assert not [m for m in package.rglob("*.py") if "pizza_common" in imports(m)]


def test_only_the_wire_knows_the_private_stubs_of_the_sdk() -> None:
    package = Path(localdapr.engine.__file__).parents[1]
    users = {m.name for m in package.rglob("*.py") if "_durabletask" in m.read_text()}
    assert users <= {"wire.py"}
