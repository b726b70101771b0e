"""requirements.txt is the lock: exact, complete, within pyproject.toml's bounds, and installed."""

import re
import tomllib
from importlib import metadata
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.shop_ports import REPO

LOCK = (REPO / "requirements.txt").read_text()
LINES = [line for line in LOCK.splitlines() if line and not line.lstrip().startswith("#")]
PINS = [Requirement(line) for line in LINES if not line.startswith("-e")]
LOCKED = {str(canonicalize_name(pin.name)): next(iter(pin.specifier)).version for pin in PINS}


def project() -> dict[str, Any]:
    return dict(tomllib.loads((REPO / "pyproject.toml").read_text())["project"])


def bounds() -> list[Requirement]:
    found = project()
    extras = [text for texts in found["optional-dependencies"].values() for text in texts]
    return [Requirement(text) for text in (*found["dependencies"], *extras)]


def test_every_line_is_an_exact_version_or_the_project_itself() -> None:
    others = [line for line in LINES if not re.fullmatch(r"[a-z0-9.-]+==[0-9][^ ]*", line)]
    assert others == ["-e ."]


def test_no_line_is_about_a_package_index() -> None:
    assert not re.search(r"index-url|find-links|trusted-host|https?://|/", LOCK)


@pytest.mark.parametrize("bound", bounds(), ids=str)
def test_the_lock_satisfies_the_bounds(bound: Requirement) -> None:
    assert bound.specifier.contains(LOCKED[canonicalize_name(bound.name)])


@pytest.mark.parametrize("name", LOCKED)
def test_what_a_locked_package_needs_is_locked(name: str) -> None:
    needed = [Requirement(text) for text in metadata.requires(name) or []]
    plain = [need for need in needed if need.marker is None or need.marker.evaluate({"extra": ""})]
    # pip-tools needs these two, which no lock pins.
    missing = {canonicalize_name(need.name) for need in plain} - set(LOCKED) - {"pip", "setuptools"}
    assert missing == set()


@pytest.mark.parametrize("name", LOCKED)
def test_what_is_installed_is_what_is_locked(name: str) -> None:
    assert metadata.version(name) == LOCKED[name]


def test_the_former_workflow_extension_is_not_installed() -> None:
    assert "dapr-ext-workflow" not in LOCKED
    with pytest.raises(metadata.PackageNotFoundError):
        metadata.version("dapr-ext-workflow")


def test_the_lock_says_that_the_former_workflow_extension_must_not_be_installed() -> None:
    assert "dapr-ext-workflow must not be installed" in LOCK
