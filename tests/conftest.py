"""Options and profiles of all tests."""

import pytest
from hypothesis import HealthCheck, settings

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
        help="what tests/hub runs on; dapr takes daprd, placement and scheduler from DAPR_BIN",
    )
    parser.addoption(
        "--kills", type=int, default=5, help="how often tests/crash kills localdapr under load"
    )
