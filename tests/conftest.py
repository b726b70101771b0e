"""Options and profiles of all tests."""

import signal
from collections.abc import Sequence

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
    other = {"localdapr": "dapr_only", "dapr": "localdapr_only"}[config.getoption("--engine")]
    deselected = [item for item in items if item.get_closest_marker(other)]
    if deselected:
        config.hook.pytest_deselected(items=deselected)
        items[:] = without(items, deselected)


def without(items: Sequence[pytest.Item], others: Sequence[pytest.Item]) -> list[pytest.Item]:
    left_out = set(map(id, others))
    return [item for item in items if id(item) not in left_out]
