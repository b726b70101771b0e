"""docs/workflow.md names tests and steps: they exist."""

import re
from pathlib import Path

import pytest

from worker import WORKFLOWS

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "workflow.md").read_text()
TESTS = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT)))


@pytest.mark.parametrize(("file", "name"), TESTS, ids=[name for _, name in TESTS])
def test_a_test_that_the_docs_name_exists(file, name):
    assert re.search(rf"^def {name}\(", (ROOT / file).read_text(), re.MULTILINE)


def test_every_pattern_has_a_test():
    rows = re.findall(r"^\| (?!pattern|---|begun)(.*) \|$", TEXT.split("## Patterns")[1], re.M)
    assert len(rows) >= 17
    assert all("::test_" in row for row in rows)


def test_every_workflow_is_in_the_docs():
    assert all(f"`{workflow.__name__}`" in TEXT for workflow in WORKFLOWS)
