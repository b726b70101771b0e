"""What the bench makes of its measurements, without measuring anything."""

from pathlib import Path

import pytest

from bench import report
from bench.load import Cell, Sample, put_load
from bench.results import Results, Round, percentile
from bench.shapes import SHAPES, Shape


def a_round(count: int, seconds: float, *, engine_seconds: float = 0.0) -> Round:
    """`count` workflows that took 1, 2, 3, ... ms."""
    sample = Sample(seconds, [float(ms + 1) for ms in range(count)])
    return Round(sample, {"engine": engine_seconds, "worker": 0.0, "clients": 0.0})


def test_throughput_is_the_median_of_the_rounds():
    results = Results()
    for count in (10, 90, 40):
        results.add(("chain", 1), "null", a_round(count, 2.0))
    measured = results.measured(("chain", 1))["null"]
    assert (measured.throughput, measured.spread) == (20.0, (5.0, 45.0))


@pytest.mark.parametrize(("share", "expected"), [(0.5, 51), (0.99, 100), (1.0, 100)])
def test_a_percentile_is_one_of_the_measured_values(share: float, expected: int):
    assert percentile(range(1, 101), share) == expected


def test_the_ratios_compare_localdapr_with_each_engine_that_was_there():
    results = Results()
    for name, count in (("localdapr", 60), ("daprd", 20), ("null", 80)):
        results.add(("chain", 16), name, a_round(count, 1.0))
    assert "| 4 activities in a chain | 16 | 3.00 | 0.75 |  |  |" in report.tables(results)


def test_processor_time_is_given_for_one_workflow():
    results = Results()
    results.add(("chain", 1), "localdapr", a_round(100, 1.0, engine_seconds=0.5))
    assert results.measured(("chain", 1))["localdapr"].cost("engine") == 5.0


def test_the_tables_replace_only_what_stands_between_the_marks(tmp_path: Path):
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    report.write("new", readme)
    assert readme.read_text() == f"before\n{report.BEGIN}\nnew\n{report.END}\nafter\n"


def test_the_readme_has_the_marks():
    text = report.README.read_text()
    assert text.index(report.BEGIN) < text.index(report.END)


def test_a_client_that_gets_a_wrong_output_ends_the_load_by_name():
    def wrong(_: Shape) -> object:
        return None

    sample = put_load(Cell("chain", 1, 60.0), wrong)
    assert sample.failures == [f"chain gave None instead of {SHAPES['chain'].output}"]
