import io
import json
import logging

import pytest
import structlog

from pizza_common.logs import configure_logs
from pizza_common.settings import Settings
from pizza_common.short_log import wants_color


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


def test_the_short_form_leaves_out_what_is_for_machines_and_obeys_no_input(capsys, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    configure_logs(Settings(pizza_log_format="console"), "pizza-test")
    structlog.get_logger().warning(
        "dead letter", order_id="123", request_id="r", reason="\x1b[2J", late=False, times=2
    )
    (line,) = capsys.readouterr().err.splitlines()
    time, rest = line.split(" ", 1)
    assert len(time) == len("12:34:56")
    assert rest.split() == ["warning", "dead", "letter", "123", "reason='\\x1b[2J'", "times=2"]


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "0"}, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_colors_are_those_that_are_asked_for(environ, wanted):
    assert wants_color(io.StringIO(), environ) is wanted
