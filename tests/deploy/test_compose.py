"""deploy/compose.yaml: valid, the shop of dapr.yaml, and as safe as it says."""

import json
import re
import tomllib
from importlib import resources
from typing import Any

import jsonschema
import pytest
import yaml

from pizza_common.staff import STAFF
from tests.deploy.manifests import DEPLOY, documents
from tools.shop_ports import REPO, AppPorts, read_ports

COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
APPS = read_ports()
SIDECARS = [name for name in SERVICES if name.endswith("-dapr")]
DAPR = "1.18.0"
REQUIRED = ("APP_API_TOKEN", "PIZZA_SECRET")
TOKENS = tuple(f"PIZZA_{role.upper()}_TOKEN" for role in STAFF)


def flags(name: str) -> dict[str, str]:
    """What a container of Dapr is started with."""
    words = [*SERVICES[name].get("entrypoint", ()), *SERVICES[name]["command"]]
    return dict(word.removeprefix("--").split("=", 1) for word in words if word.startswith("--"))


def test_it_is_a_compose_file() -> None:
    schemas = resources.files("check_jsonschema.builtin_schemas.vendor")
    schema = json.loads((schemas / "compose-spec.json").read_text())
    jsonschema.validate(COMPOSE, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**COMPOSE, "services": {"a": {"imgae": "b"}}}, schema)


@pytest.mark.parametrize("app", APPS, ids=lambda app: app.app_id)
def test_an_app_of_the_manifest_runs_with_a_sidecar_under_its_id_and_ports(app: AppPorts) -> None:
    service, sidecar = SERVICES[app.app_id], SERVICES[f"{app.app_id}-dapr"]
    ports = {"APP_PORT": app.app, "DAPR_HTTP_PORT": app.http, "DAPR_GRPC_PORT": app.grpc}
    assert service["command"] == [f"{app.app_id}/app.py"]
    assert service["network_mode"] == f"service:{app.app_id}-dapr"
    assert ports.items() <= service["environment"].items()
    given = flags(f"{app.app_id}-dapr")
    assert given["app-id"] == app.app_id
    assert [given[name] for name in ("app-port", "dapr-http-port", "dapr-grpc-port")] == [
        str(port) for port in app.all()
    ]
    assert sidecar["ports"] == [f"127.0.0.1:{app.app}:{app.app}"]


@pytest.mark.parametrize("name", SIDECARS)
def test_a_sidecar_finds_the_others_and_what_they_need(name: str) -> None:
    (config,) = documents(DEPLOY / "compose/config.yaml")
    resolver = config["spec"]["nameResolution"]["configuration"]["format"]
    given = flags(name)
    app_id = given["app-id"]
    assert resolver.format(appid=app_id) == f"{name}:{given['dapr-internal-grpc-port']}"
    assert given["placement-host-address"] == f"placement:{flags('placement')['port']}"
    assert given["scheduler-host-address"] == f"scheduler:{flags('scheduler')['port']}"
    assert flags("scheduler")["override-broadcast-host-port"] == given["scheduler-host-address"]
    assert given["dapr-listen-addresses"] == "127.0.0.1"


@pytest.mark.parametrize("name", SIDECARS)
def test_a_sidecar_reads_the_shops_resources_with_another_address_of_redis(name: str) -> None:
    folder, *others = (volume.split(":") for volume in SERVICES[name]["volumes"])
    assert folder == ["../resources", flags(name)["resources-path"], "ro"]
    assert others.pop() == ["./compose/config.yaml", flags(name)["config"], "ro"]
    for source, target, mode in others:
        (here,) = documents(DEPLOY / source)
        (there,) = documents(REPO / target.removeprefix("/"))
        local = {row["name"]: row["value"] for row in there["spec"]["metadata"]}
        moved = {row["name"]: row["value"] for row in here["spec"]["metadata"]}
        assert (here["metadata"], mode) == (there["metadata"], "ro")
        assert moved == {**local, "redisHost": "redis:6379"}
        assert set(there["scopes"]) <= set(here["scopes"])


@pytest.mark.parametrize("app", APPS, ids=lambda app: app.app_id)
def test_a_service_and_its_sidecar_have_one_token(app: AppPorts) -> None:
    names = (app.app_id, f"{app.app_id}-dapr")
    assert len({SERVICES[name]["environment"]["APP_API_TOKEN"] for name in names}) == 1


@pytest.mark.parametrize("app", APPS, ids=lambda app: app.app_id)
def test_compose_refuses_to_start_a_service_without_its_secrets(app: AppPorts) -> None:
    environment = SERVICES[app.app_id]["environment"]
    for name in REQUIRED:
        assert re.fullmatch(rf"\$\{{{name}:\?.*docs/deploy\.md.*\}}", environment[name])
    for name in TOKENS:  # empty where people sign in at a provider, but never forgotten
        assert re.fullmatch(rf"\$\{{{name}\?.*docs/deploy\.md.*\}}", environment[name])


def test_the_example_has_all_that_compose_asks_for_and_no_value() -> None:
    lines = (DEPLOY / ".env.example").read_text().splitlines()
    rows = [line.split("=") for line in lines if line and not line.startswith("#")]
    asked = set(re.findall(r"\$\{(\w+):?\?", (DEPLOY / "compose.yaml").read_text()))
    assert asked == {*REQUIRED, *TOKENS}
    assert asked <= {name for name, _ in rows}
    assert not any(value for _, value in rows)
    told = (REPO / "docs/deploy.md").read_text()
    assert all(name in told for name in asked)


def test_dapr_is_of_the_version_that_the_tests_run_on() -> None:
    images = {service["image"] for service in SERVICES.values()}
    ours = {f"daprio/{name}:{DAPR}" for name in ("daprd", "placement", "scheduler")}
    assert {image for image in images if image.startswith("daprio/")} == ours
    (patch,) = documents(DEPLOY / "k8s/overlays/production/sidecar-image.yaml")
    image = patch["spec"]["template"]["metadata"]["annotations"]["dapr.io/sidecar-image"]
    assert image.split("@")[0] == f"daprio/daprd:{DAPR}"
    pinned = (REPO / "tools/dapr-runtime/go.mod").read_text()
    assert re.search(rf"github\.com/dapr/dapr v{re.escape(DAPR)}\b", pinned)


def test_the_image_has_the_projects_version_here_and_in_the_cluster() -> None:
    version = tomllib.loads((REPO / "pyproject.toml").read_text())["project"]["version"]
    (patch,) = documents(DEPLOY / "k8s/base/every-pod.yaml")
    deployed = patch["spec"]["template"]["spec"]["containers"][0]["image"]
    images = {SERVICES[app.app_id]["image"] for app in APPS}
    assert {deployed, *images} == {f"pizza-shop:{version}"}


@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
def test_a_container_may_do_nothing_but_its_work(service: dict[str, Any]) -> None:
    assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+[\w.-]*", service["image"])
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service.get("read_only") or service["image"].startswith("openzipkin/")
    assert service.get("user") != "root" or service["entrypoint"][0] == "chown"
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))


@pytest.mark.parametrize("name", [*(app.app_id for app in APPS), "redis"])
def test_what_can_be_asked_for_its_health_is_asked(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0].startswith("CMD")
    assert SERVICES[name]["restart"] == "unless-stopped"


def test_prometheus_asks_each_service_under_its_name() -> None:
    (config,) = documents(DEPLOY / "compose/prometheus.yaml")
    asked = {
        job["job_name"]: [host for each in job["static_configs"] for host in each["targets"]]
        for job in config["scrape_configs"]
    }
    assert asked == {app.app_id: [f"{app.app_id}-dapr:{app.app}"] for app in APPS}
    for app in APPS:
        allowed = SERVICES[app.app_id]["environment"]["PIZZA_ALLOWED_HOSTS"]
        assert f"{app.app_id}-dapr" in allowed.split("$")[0].split(",")
    mounted = [volume.split(":")[0] for volume in SERVICES["prometheus"]["volumes"]]
    assert "./compose/prometheus.yaml" in mounted


def test_what_has_to_outlive_a_container_is_in_a_volume() -> None:
    kept = [name for name, service in SERVICES.items() for _ in service.get("volumes", ())]
    assert {"redis", "scheduler"} <= set(kept)
    assert "--appendonly" in SERVICES["redis"]["command"]
    assert SERVICES["scheduler"]["volumes"] == [f"scheduler:{flags('scheduler')['etcd-data-dir']}"]
