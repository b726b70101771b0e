from tests.hub.answers import output, status

MEGABYTE = 1_000_000


def test_many_activities_run_at_once(run) -> None:
    assert output(run("fan", 50)) == list(range(1, 51))


def test_a_timer_lasts_as_long_as_it_says(run) -> None:
    assert 0.5 <= output(run("sleeper", 0.5)) < 30


def test_a_child_gives_its_output_to_its_parent(client, run) -> None:
    given = {"workflow": "chain", "input": 1, "id": "a-child"}
    assert output(run("parent", given)) == 4
    assert status(client, "a-child") == "COMPLETED"


def test_a_child_that_fails_fails_its_parents_call(run) -> None:
    state = run("parent", {"workflow": "failing", "input": "raw"})
    assert state.runtime_status.name == "FAILED"
    assert "raw" in state.failure_details.message


def test_a_child_without_an_id_gets_one_from_its_parent(client, run) -> None:
    state = run("parent", {"workflow": "echo", "input": 1})
    assert status(client, f"{state.instance_id}:0001") == "COMPLETED"


def test_a_child_and_an_activity_may_be_another_apps(run) -> None:
    given = {"workflow": "shared", "input": {"count": 1, "seconds": 0}, "app": "other"}
    assert output(run("parent", given)) == ["other"]
    assert output(run("foreign_activity", "other")) == "other"


def test_large_payloads_go_through(run) -> None:
    size = 3 * MEGABYTE
    assert len(output(run("parent", {"workflow": "echo", "input": "x" * size}))) == size
