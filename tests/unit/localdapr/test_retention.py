import asyncio
import sqlite3
from pathlib import Path

import pytest

from localdapr import instances, rows
from localdapr import retention as module
from localdapr.engine.instance import Instance, Status
from localdapr.errors import ManifestError
from localdapr.resources import load_resources
from localdapr.retention import Retention, sweep
from localdapr.store import Store

SECOND = 1_000_000
CONFIGURATION = """\
kind: Configuration
spec:
  workflow:
    stateRetentionPolicy: {%s}
"""


def retention(tmp_path: Path, policy: str) -> Retention:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIGURATION % policy)
    return load_resources([], path).configuration.retention


def test_nothing_is_forgotten_unless_the_configuration_says_so(tmp_path: Path) -> None:
    assert load_resources([], None).configuration.retention == Retention()
    assert retention(tmp_path, "") == Retention()


def test_a_status_of_its_own_goes_before_any_other(tmp_path: Path) -> None:
    read = retention(tmp_path, "anyTerminal: 168h, completed: 30m")
    assert read.seconds == {
        Status.COMPLETED: 1800.0,
        Status.FAILED: 604_800.0,
        Status.TERMINATED: 604_800.0,
    }


def test_a_bad_duration_is_named_with_its_file(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"config\.yaml: .*stateRetentionPolicy\.failed"):
        retention(tmp_path, "failed: soon")


def ended(instance_id: str, status: Status, at: int, app_id: str = "shop") -> Instance:
    completed_at = at * SECOND if status.is_final else None
    return Instance(app_id, instance_id, "e1", "story", status, 0, 0, completed_at=completed_at)


def left_after(tmp_path: Path, *found: Instance) -> list[str]:
    """Who is left at second 100 when the app `shop` keeps what completed for 10 seconds."""

    def fill(db: sqlite3.Connection) -> None:
        for instance in found:
            instances.create(db, instance, 0)

    async def run() -> list[str]:
        await store.write(fill)
        kept = {"shop": Retention({Status.COMPLETED: 10.0}), "other": Retention()}
        forgotten = await sweep(store, kept, 100 * SECOND)
        left = [
            instance_id
            for app_id in kept
            for instance_id in await store.read(
                lambda db, app_id=app_id: instances.list_ids(db, app_id, 0, 100)
            )
        ]
        assert forgotten + len(left) == len(found)
        return left

    store = Store(tmp_path, [rows.SCHEMA])
    try:
        return asyncio.run(run())
    finally:
        store.close()


def test_what_ended_long_enough_ago_is_forgotten(tmp_path: Path) -> None:
    assert left_after(
        tmp_path,
        ended("old", Status.COMPLETED, 89),
        ended("young", Status.COMPLETED, 91),
        ended("failed", Status.FAILED, 1),
        ended("running", Status.RUNNING, 1),
        ended("theirs", Status.COMPLETED, 1, "other"),
    ) == ["young", "failed", "running", "theirs"]


def test_many_are_forgotten_in_several_writes(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 2)
    assert left_after(tmp_path, *(ended(f"i{n}", Status.COMPLETED, 1) for n in range(5))) == []
