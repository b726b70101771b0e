"""deploy/grafana: a dashboard that can be imported, and shows what the services export."""

import json
import re
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pizza_common.settings import settings_of
from tests.deploy.manifests import DEPLOY
from tests.unit.services import app_module
from tools.shop_ports import read_ports
from workflow_settings import WorkflowSettings

BOARD: dict[str, Any] = json.loads((DEPLOY / "grafana/pizza-shop.json").read_text())
PANELS: list[dict[str, Any]] = BOARD["panels"]
QUERIES = [target["expr"] for panel in PANELS for target in panel["targets"]]
NAME = re.compile(r"\bpizza_\w+")
LABELS = re.compile(r"\b(?:by|on) \(([\w, ]+)\)|[{,]\s*(\w+)\s*[!=]~?")

# A counter's samples have its family's name and this, a histogram's and one of these.
SUFFIXES = {
    "counter": ("_total",),
    "gauge": ("",),
    "histogram": ("_bucket", "_count", "_sum"),
}
GIVEN_BY_PROMETHEUS = {"job", "le"}


def exported() -> set[str]:
    """The names of the samples that the services have, also before anything happened."""
    names = set()
    for app in read_ports():
        kind = {"pizza-workflow": WorkflowSettings}.get(app.app_id)
        settings = [settings_of(app.app_id, kind)] if kind else []
        client = app_module(app.app_id).create_app(*settings).test_client()
        for family in text_string_to_metric_families(client.get("/metrics").text):
            names |= {family.name + suffix for suffix in SUFFIXES[family.type]}
    return names


@pytest.fixture(scope="module")
def names() -> set[str]:
    return exported()


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_asks_for_what_a_service_exports(query: str, names: set[str]) -> None:
    asked = set(NAME.findall(query))
    assert asked
    assert asked <= names


def test_everything_that_the_services_export_is_shown(names: set[str]) -> None:
    shown = {name for query in QUERIES for name in NAME.findall(query)}
    families = {re.sub("_(bucket|count|sum)$", "", name) for name in shown}
    assert families == {re.sub("_(bucket|count|sum)$", "", name) for name in names}


def test_a_panel_takes_its_numbers_from_the_source_that_is_chosen() -> None:
    (source,) = [each for each in BOARD["templating"]["list"] if each["type"] == "datasource"]
    chosen = {"type": source["query"], "uid": f"${{{source['name']}}}"}
    for panel in PANELS:
        assert panel["datasource"] == chosen
        assert all(target["datasource"] == chosen for target in panel["targets"])


def test_it_can_be_imported() -> None:
    assert BOARD.get("id") is None  # Grafana gives one; another board's would be overwritten
    assert BOARD["uid"]
    assert BOARD["title"]
    assert BOARD["schemaVersion"] >= 36
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    assert all(panel["title"] and panel["type"] in ("stat", "timeseries") for panel in PANELS)
    variables = {each["name"] for each in BOARD["templating"]["list"]}
    used = {name for query in QUERIES for name in re.findall(r"\$(\w+)", query)}
    assert used - {"1", "__rate_interval", "__range"} <= variables


def test_panels_lie_beside_each_other_within_the_width() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in PANELS:
        x, y, w, h = (panel["gridPos"][side] for side in "xywh")
        cells = {(x + right, y + down) for right in range(w) for down in range(h)}
        assert x + w <= 24
        assert not cells & taken
        taken |= cells


def test_queries_name_labels_that_the_metrics_have() -> None:
    known = {"method", "route", "status", "step", "outcome", "publishable"} | GIVEN_BY_PROMETHEUS
    found = [match for query in QUERIES for match in LABELS.findall(query)]
    named = {name.strip() for group, one in found for name in (group or one).split(",")}
    assert named <= known
