"""The documentation tells what is there: settings, ports, targets, options, files."""

import re
from pathlib import Path

import pytest
from click import Option

from delivery_settings import DeliverySettings
from kitchen_settings import KitchenSettings
from localdapr.commands.run import command as run_command
from pizza_common.settings import PORTS, Settings
from pizza_common.status import Status
from storefront_settings import StorefrontSettings
from tools.shop_ports import REPO, read_ports
from web_settings import WebSettings
from workflow_settings import WorkflowSettings

DOCS = REPO / "docs"
SETTINGS = (
    WorkflowSettings,
    KitchenSettings,
    DeliverySettings,
    StorefrontSettings,
    WebSettings,
)
PAGES = [REPO / "README.md", *sorted(DOCS.glob("*.md"))]


def rows(page: str) -> dict[str, list[str]]:
    """The table rows of a page of docs/, by their first cell."""
    lines = (DOCS / page).read_text().splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if "|" in line]
    return {cell[0].strip("`"): cell[1:] for cell in cells if cell}


def test_every_setting_is_documented_with_its_default_and_help() -> None:
    documented = {name: row for name, row in rows("settings.md").items() if name.isupper()}
    fields = {name.upper(): field for kind in SETTINGS for name, field in kind.model_fields.items()}
    assert documented == {
        name: [f"`{field.default}`" if field.default != "" else "", field.description]
        for name, field in fields.items()
    }


def test_the_token_of_make_run_is_explained_to_the_end_of_the_sentence() -> None:
    text = " ".join((DOCS / "settings.md").read_text().split())
    assert "makes one for each run, unless the environment has one;" in text
    assert "What it and `PIZZA_ALLOWED_HOSTS` are for is in [architecture.md]" in text


def test_every_service_that_has_settings_of_its_own_is_asked_for_them() -> None:
    modules = {path.stem for path in REPO.glob("pizza-*/*_settings.py")}
    assert modules == {kind.__module__ for kind in SETTINGS}
    assert all(issubclass(kind, Settings) for kind in SETTINGS)


@pytest.mark.parametrize("kind", SETTINGS, ids=lambda kind: kind.__name__)
def test_a_setting_of_one_service_is_documented_under_its_name(kind: type[Settings]) -> None:
    text = (DOCS / "settings.md").read_text()
    sections = dict(re.findall(r"^## Of (\S+)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    own = set(kind.model_fields) - set(Settings.model_fields)
    service = str(kind.__doc__).removeprefix("The settings of ").removesuffix(".")
    assert set(re.findall(r"^\| `([A-Z_]+)`", sections[service], re.MULTILINE)) == {
        name.upper() for name in own
    }


def test_the_ports_are_documented_as_the_manifest_has_them() -> None:
    documented = rows("running.md")
    for app in read_ports():
        assert documented[app.app_id][:3] == [str(port) for port in app.all()]


def test_a_service_knows_the_ports_that_the_manifest_gives_it() -> None:
    assert {app.app_id: app.all() for app in read_ports()} == PORTS


def test_every_make_target_is_documented() -> None:
    makefile = (REPO / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE)) - {"help"}
    documented = {name.split()[1] for name in rows("running.md") if name.startswith("make ")}
    assert documented == targets


def test_every_target_is_phony() -> None:
    makefile = (REPO / "Makefile").read_text().replace("\\\n", " ")
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony
    assert set(phony[1].split()) == set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))


def test_every_option_of_a_run_is_documented_and_no_other() -> None:
    cells = re.findall(r"^\| (`-.*?) \|", (DOCS / "localdapr.md").read_text(), re.MULTILINE)
    documented = {word for cell in cells for word in re.findall(r"(?<![\w-])--?[\w-]+", cell)}
    options = [option for option in run_command.params if isinstance(option, Option)]
    names = {name for option in options for name in (*option.opts, *option.secondary_opts)}
    assert documented == names


@pytest.mark.parametrize("document", PAGES, ids=lambda document: document.name)
def test_a_page_links_to_files_that_are_there(document: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text())
    local = [link for link in links if not link.startswith("http")]
    assert [link for link in local if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", PAGES, ids=lambda document: document.name)
def test_a_file_named_in_a_page_is_there(document: Path) -> None:
    named = re.findall(r"`((?:[\w.-]+/)+(?:[\w-]+\.\w+)?)`", document.read_text())
    kept_out = {".localdapr/"}
    missing = [name for name in named if not (REPO / name).exists() and name not in kept_out]
    assert missing == []


def test_the_readme_fits_a_screen_or_two() -> None:
    assert len((REPO / "README.md").read_text().splitlines()) <= 80


def test_what_the_readme_shows_of_the_demo_are_statuses() -> None:
    shown = re.findall(r" s  pizza-\w+ +(\w+)$", (REPO / "README.md").read_text(), re.MULTILINE)
    assert shown
    assert set(shown) <= {status.value for status in Status}
