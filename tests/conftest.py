"""Options and profiles of all tests."""

import os
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Who runs the tests in the background may have had signals ignored, and children inherit that;
# what the tests start has to meet them as in a terminal.
for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT):
    signal.signal(number, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile(
    "quick",
    max_examples=200,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
settings.register_profile(
    "thorough", settings.get_profile("quick"), max_examples=2000, stateful_step_count=80
)
settings.load_profile("quick")


MANY_PROCESSES = [
    Path(__file__).with_name(name) for name in ("system", "fleet", "crash", "browser")
]

LAST_WORDS = 5000  # characters of what a test wrote before it failed


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--engine",
        choices=["localdapr", "dapr"],
        default="localdapr",
        help="what tests/hub, tests/conformance and tests/system run on; dapr takes daprd,"
        " placement and scheduler from DAPR_BIN or tools/dapr-runtime/bin",
    )
    parser.addoption(
        "--kills", type=int, default=5, help="how often tests/crash kills localdapr under load"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests that are marked for the other engine are deselected, which the summary counts."""
    mark_many_processes(items)
    other = {"localdapr": "dapr_only", "dapr": "localdapr_only"}[config.getoption("--engine")]
    deselected = [item for item in items if item.get_closest_marker(other)]
    if deselected:
        config.hook.pytest_deselected(items=deselected)
        items[:] = without(items, deselected)


def mark_many_processes(items: Sequence[pytest.Item]) -> None:
    """On a busy machine one of many processes may be late: CI tries such a test once more."""
    for item in items:
        if any(folder in item.path.parents for folder in MANY_PROCESSES):
            item.add_marker(pytest.mark.many_processes)
            if os.environ.get("CI"):
                item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say why something was tried again, also where it passed then.

    Its name goes to the file that RERUNS_FILE names, for a run of several parts.
    """
    tried_again = terminalreporter.stats.get("rerun", ())
    for report in tried_again:
        terminalreporter.section(f"tried again: {report.nodeid}")
        terminalreporter.write_line(report.longreprtext)
        terminalreporter.write_line(report.capstdout[-LAST_WORDS:])
    if tried_again and (file := os.environ.get("RERUNS_FILE")):
        with Path(file).open("a") as names:
            names.writelines(f"{name}\n" for name in sorted({each.nodeid for each in tried_again}))


def without(items: Sequence[pytest.Item], others: Sequence[pytest.Item]) -> list[pytest.Item]:
    left_out = set(map(id, others))
    return [item for item in items if id(item) not in left_out]
