import json
import logging

import pytest
import structlog

from pizza_common.logs import configure_logs
from pizza_common.settings import Settings


@pytest.fixture(autouse=True)
def _logging_as_before():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(capsys):
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_names_its_service_and_what_is_bound(capsys):
    configure_logs(Settings(pizza_log_format="json"), "pizza-test")
    structlog.get_logger().info("cooked", order_id="123")
    (line,) = lines(capsys)
    assert (
        line.items()
        >= {
            "event": "cooked",
            "service": "pizza-test",
            "order_id": "123",
            "level": "info",
        }.items()
    )


def test_libraries_log_in_the_same_way_but_not_every_request(capsys):
    configure_logs(Settings(pizza_log_format="json"), "pizza-test")
    logging.getLogger("library").warning("careful")
    logging.getLogger("waitress.queue").warning("Task queue depth is 1")
    assert [line["event"] for line in lines(capsys)] == ["careful"]


def test_a_traceback_stays_on_its_line(capsys):
    configure_logs(Settings(pizza_log_format="json"), "pizza-test")
    structlog.get_logger().error("broken", exc_info=ZeroDivisionError("by zero"))
    assert "by zero" in lines(capsys)[0]["exception"]


def test_the_level_and_the_console_can_be_chosen(capsys):
    configure_logs(Settings(pizza_log_format="console", pizza_log_level="error"), "pizza-test")
    structlog.get_logger().info("quiet")
    structlog.get_logger().error("loud")
    text = capsys.readouterr().err
    assert "loud" in text
    assert "quiet" not in text
