"""The browser of tests and screenshots is the system's."""

from pathlib import Path

import pytest

from tools.chromium import MissingChromiumError, launch_args


def test_where_there_is_none_it_is_said_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingChromiumError, match="apt-get install chromium"):
        launch_args()


def test_the_one_that_is_found_first_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    program = tmp_path / "chromium"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert launch_args()["executable_path"] == str(program)
