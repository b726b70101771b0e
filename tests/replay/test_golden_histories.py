"""Orders in flight can go on with today's code: each recorded history is replayed, turn by turn."""

import pytest

from localdapr.replaying import IncompatibleCodeError, load_history
from tests.replay.golden_histories import FIRST_FORM, FOLDER, golden
from tests.replay.paths import PATHS

HOW = """

This change would break orders in flight that have this history. Keep their way:

    if ctx.is_patched("<name of the change>"):
        ...the new way...
    else:
        ...the old way...

and record histories of the new one: python -m tests.replay.golden_histories
docs/workflow.md, "Shipping a change", has the whole of it."""


@pytest.mark.parametrize("path", golden(), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_recorded_order_can_go_on_with_todays_code(env, path):
    try:
        env.replay(load_history(path))
    except IncompatibleCodeError as error:
        pytest.fail(f"{path.name}: {error}{HOW}", pytrace=False)


def test_every_path_of_the_story_is_recorded():
    assert set(PATHS) <= {path.stem for path in golden(FOLDER)}


def test_an_order_that_passed_over_decisions_without_a_round_keeps_doing_so(env):
    history = load_history(FOLDER / "passed_over.json")
    raised = [each for each in history if each.HasField("eventRaised")]
    assert sum('"round"' not in each.eventRaised.input.value for each in raised) == 2
    env.replay(history)


def test_the_paths_of_the_first_form_are_kept():
    assert {path.stem for path in golden(FIRST_FORM)} >= {
        "happy",
        "rejected",
        "remade",
        "cancelled",
        "timed_out",
        "waiting",
        "failed_at_order_pizza",
        "failed_at_cook_pizza",
        "failed_at_validate_pizza",
        "failed_at_deliver_pizza",
    }
