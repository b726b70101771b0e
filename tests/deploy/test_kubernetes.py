"""deploy/k8s: valid, complete, and as safe as it says."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest
import yaml

from pizza_common.staff import STAFF
from tests.deploy.manifests import (
    BASE,
    K8S,
    OVERLAYS,
    Resource,
    check,
    documents,
    name_of,
    named,
    plain,
    pods,
    rendered,
    workloads,
)
from tools.shop_ports import REPO, AppPorts, read_ports

APPS = read_ports()
OVER_BASE = {  # of an overlay, what it adds or changes
    folder: [each for each in rendered(folder) if folder == BASE or each not in rendered(BASE)]
    for folder in OVERLAYS
}
EVERY = {
    f"{folder.name}/{name_of(each)}/{each['kind']}": each
    for folder, resources in OVER_BASE.items()
    for each in resources
}
FRONT_DOOR = ("pizza-web", "pizza-order", "pizza-workflow")
SIGNING_IN = {
    "base": {f"PIZZA_{role.upper()}_TOKEN": ("pizza-role-tokens", role) for role in STAFF},
    "oidc": {
        "PIZZA_OIDC_ISSUER": ("pizza-oidc", "issuer"),
        "PIZZA_OIDC_CLIENT_ID": ("pizza-oidc", "client-id"),
    },
}
OTHER_SPEC = {"orders-web-subscription": {"pubsubname": "pizzapubsub-pages"}}
REPLICATED = REPO / "tests/fleet/resources"
OF_WEB = {"oidc": {"PIZZA_OIDC_CLIENT_SECRET": ("pizza-oidc", "client-secret")}}
SECRET = ("redisHost", "redisPassword")  # as the shop's own components name them
PODS = {name: pod for resources in OVER_BASE.values() for name, pod in pods(resources).items()}


def annotations(deployment: Resource) -> dict[str, str]:
    return dict(deployment["spec"]["template"]["metadata"]["annotations"])


@pytest.mark.parametrize("resource", EVERY.values(), ids=EVERY)
def test_a_resource_is_valid(resource: Resource) -> None:
    check(resource)


def test_the_resources_of_the_base_are_valid_before_they_are_patched() -> None:
    for resource in plain(BASE):
        check(resource)


@pytest.mark.parametrize("field", ["spec", "metadata"])
def test_the_check_refuses_a_field_that_no_kind_has(field: str) -> None:
    for resource in (rendered(BASE)[1], named(rendered(BASE), "Deployment")["pizza-order"]):
        wrong = {**resource, field: {**resource[field], "replicsa": 2}}
        if field == "metadata" and resource["apiVersion"].startswith("dapr.io/"):
            continue  # its definition leaves that to the API server
        with pytest.raises((jsonschema.ValidationError, kubernetes_validate.ValidationError)):
            check(wrong)


@pytest.mark.parametrize("folder", OVERLAYS, ids=lambda folder: folder.name)
def test_kustomize_puts_it_together_as_these_tests_do(folder: Path) -> None:
    commands = (["kustomize", "build"], ["kubectl", "kustomize"])
    command = next((each for each in commands if shutil.which(each[0])), None)
    if command is None:
        pytest.skip("needs kustomize or kubectl")
    alone = {**os.environ, "KUBECONFIG": os.devnull}
    made = subprocess.run(
        [*command, str(folder)], env=alone, capture_output=True, check=True, timeout=60
    ).stdout
    ours = {(each["kind"], name_of(each)): each for each in rendered(folder)}
    assert {(each["kind"], name_of(each)): each for each in yaml.safe_load_all(made)} == ours


@pytest.mark.parametrize("app", APPS, ids=lambda app: app.app_id)
def test_an_app_of_the_manifest_has_a_deployment_under_its_id_and_port(app: AppPorts) -> None:
    resources = rendered(BASE)
    deployment = workloads(resources)[app.app_id]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    given = annotations(deployment)
    assert given["dapr.io/enabled"] == "true"
    assert given["dapr.io/app-id"] == app.app_id
    assert given["dapr.io/app-port"] == str(app.app)
    assert given["prometheus.io/scrape"] == "true"
    assert (given["prometheus.io/port"], given["prometheus.io/path"]) == (str(app.app), "/metrics")
    assert given["dapr.io/config"] in named(resources, "Configuration")
    assert container["args"] == [f"{app.app_id}/app.py"]
    assert {"name": "APP_PORT", "value": str(app.app)} in container["env"]
    assert container["ports"] == [{"name": "http", "containerPort": app.app}]


@pytest.mark.parametrize("name", workloads(rendered(BASE)))
def test_service_and_disruption_budget_choose_the_pods_of_their_deployment(name: str) -> None:
    resources = rendered(BASE)
    deployment = workloads(resources)[name]["spec"]
    labels = deployment["template"]["metadata"]["labels"].items()
    port = deployment["template"]["spec"]["containers"][0]["ports"][0]
    service = named(resources, "Service")[name]["spec"]
    assert service["ports"] == [
        {"name": "http", "port": port["containerPort"], "targetPort": port["name"]}
    ]
    budget = named(resources, "PodDisruptionBudget")[name]["spec"]
    matched = (
        service["selector"],
        *(each["selector"]["matchLabels"] for each in (deployment, budget)),
    )
    assert all(each.items() <= labels for each in matched)
    assert budget["maxUnavailable"] == 1


@pytest.mark.parametrize("pod", PODS.values(), ids=PODS)
def test_a_pod_is_bounded_and_may_do_nothing_but_its_work(pod: Resource) -> None:
    spec = pod["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in spec["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"cpu", "memory"} == set(container["resources"]["requests"])
        assert {"cpu", "memory"} == set(container["resources"]["limits"])
        assert {"readinessProbe", "livenessProbe"} <= set(container)


@pytest.mark.parametrize("pod", PODS.values(), ids=PODS)
def test_an_image_has_a_version(pod: Resource) -> None:
    for container in pod["spec"]["containers"]:
        assert re.fullmatch(r"[\w./-]+(:\d+\.\d+[\w.-]*|@sha256:[0-9a-f]{64})", container["image"])


def test_in_production_images_are_named_by_their_digests() -> None:
    for name, pod in pods(rendered(K8S / "overlays/production")).items():
        images = [container["image"] for container in pod["spec"]["containers"]]
        images.append(pod["metadata"]["annotations"]["dapr.io/sidecar-image"])
        assert all(re.search(r"@sha256:[0-9a-f]{64}$", image) for image in images), name


@pytest.mark.parametrize("app", APPS, ids=lambda app: app.app_id)
def test_service_and_sidecar_know_each_other_by_tokens_of_the_same_secrets(app: AppPorts) -> None:
    deployment = workloads(rendered(BASE))[app.app_id]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    given = {row["name"]: row["valueFrom"] for row in container["env"] if "valueFrom" in row}
    for variable, annotation in (
        ("APP_API_TOKEN", "dapr.io/app-token-secret"),
        ("DAPR_API_TOKEN", "dapr.io/api-token-secret"),
    ):  # of that secret Dapr's injector takes the key `token`
        secret = {"name": annotations(deployment)[annotation], "key": "token"}
        assert given[variable] == {"secretKeyRef": secret}


def secrets_of(pod: Resource) -> dict[str, tuple[str, str]]:
    """Of a pod that does not start without: the secret and its key of each variable."""
    (container,) = pod["spec"]["containers"]
    rows = [row for row in container["env"] if "valueFrom" in row]
    wanted = {row["name"]: row["valueFrom"]["secretKeyRef"] for row in rows}
    return {
        name: (ref["name"], ref["key"]) for name, ref in wanted.items() if "optional" not in ref
    }


@pytest.mark.parametrize("folder", OVERLAYS, ids=lambda folder: folder.name)
@pytest.mark.parametrize("app", APPS, ids=lambda app: app.app_id)
def test_a_service_does_not_start_without_its_secrets(app: AppPorts, folder: Path) -> None:
    assert secrets_of(pods(rendered(folder))[app.app_id]) == {
        "APP_API_TOKEN": ("pizza-app-token", "token"),
        "DAPR_API_TOKEN": ("pizza-api-token", "token"),
        "PIZZA_SECRET": ("pizza-secret", "secret"),
        **SIGNING_IN.get(folder.name, SIGNING_IN["base"]),
        **(OF_WEB.get(folder.name, {}) if app.app_id == "pizza-web" else {}),
    }


def test_the_page_tells_how_to_make_every_secret() -> None:
    told = (REPO / "docs/deploy.md").read_text()
    folders = (BASE, K8S / "overlays/oidc")
    shops = [pod for folder in folders for pod in pods(rendered(folder)).values()]
    pairs = {pair for pod in shops for pair in secrets_of(pod).values()}
    for name, key in pairs:
        assert name in told
        assert f"{key}=" in told
    for ingress in named(rendered(BASE), "Ingress").values():
        assert all(each["secretName"] in told for each in ingress["spec"]["tls"])


def test_the_services_take_the_names_under_which_clients_reach_them() -> None:
    defaults = named(rendered(BASE), "ConfigMap")["pizza-defaults"]
    allowed = defaults["data"]["PIZZA_ALLOWED_HOSTS"].split(",")
    space = defaults["metadata"]["namespace"]
    for domain in ("", f".{space}", f".{space}.svc", f".{space}.svc.cluster.local"):
        for name in FRONT_DOOR:
            assert {f"{name}{domain}", domain} & set(allowed), f"{name}{domain}"
    (ingress,) = named(rendered(BASE), "Ingress").values()
    (rule,), (tls,) = ingress["spec"]["rules"], ingress["spec"]["tls"]
    assert tls["hosts"] == [rule["host"]]
    assert rule["host"] in allowed
    assert defaults["data"]["PIZZA_WEB_URL"] == f"https://{rule['host']}"
    for pod in pods(rendered(BASE)).values():
        (container,) = pod["spec"]["containers"]
        read = [each["configMapRef"]["name"] for each in container["envFrom"]]
        assert read == ["pizza-defaults", "pizza-settings"]  # the last one counts


@pytest.mark.parametrize("deployment", workloads(rendered(BASE)).values(), ids=name_of)
def test_a_service_is_asked_for_its_health_and_gets_time_to_end(deployment: Resource) -> None:
    spec = deployment["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    probes = {name: container[f"{name}Probe"] for name in ("startup", "liveness", "readiness")}
    assert {name: probe["httpGet"] for name, probe in probes.items()} == {
        "startup": {"path": "/healthz", "port": "http"},
        "liveness": {"path": "/healthz", "port": "http"},
        "readiness": {"path": "/readyz", "port": "http"},
    }
    needed = container["lifecycle"]["preStop"]["sleep"]["seconds"] + 10 + 3
    sidecar = int(annotations(deployment)["dapr.io/graceful-shutdown-seconds"])
    assert spec["terminationGracePeriodSeconds"] > needed + sidecar
    assert annotations(deployment)["dapr.io/enable-native-sidecar"] == "true"


def test_workflow_and_kitchen_are_scaled_and_their_number_is_left_to_the_scaler() -> None:
    resources = rendered(BASE)
    scalers = named(resources, "HorizontalPodAutoscaler")
    assert set(scalers) == {"pizza-workflow", "pizza-kitchen"}
    for name, deployment in workloads(resources).items():
        assert deployment["spec"].get("replicas", 0) == (0 if name in scalers else 2)
    for name, scaler in scalers.items():
        assert scaler["spec"]["scaleTargetRef"]["name"] == name
        assert scaler["spec"]["minReplicas"] == 2


def of_the_shop(kind: str) -> dict[str, Resource]:
    """The resources of a kind that both engines read outside the cluster."""
    found = [each for path in (REPO / "resources").glob("*.yaml") for each in documents(path)]
    return named(found, kind)


@pytest.mark.parametrize("kind", ["Subscription", "Resiliency"])
def test_the_shops_own_resources_are_in_the_cluster_too(kind: str) -> None:
    deployed = named(rendered(BASE), kind)
    for name, resource in of_the_shop(kind).items():
        wanted = {**resource["spec"], **OTHER_SPEC.get(name, {})}
        assert deployed[name]["spec"] == wanted, f"copy it: resources/ has another {name}"
        assert set(resource.get("scopes", ())) <= set(deployed[name].get("scopes", ()))


@pytest.mark.parametrize("folder", OVERLAYS, ids=lambda folder: folder.name)
def test_a_component_gets_what_is_secret_from_a_secret_and_keeps_the_rest(folder: Path) -> None:
    deployed = named(rendered(folder), "Component")
    for name, component in of_the_shop("Component").items():
        rows, local = deployed[name]["spec"]["metadata"], component["spec"]["metadata"]
        secret = [row for row in rows if "value" not in row]
        assert set(component["scopes"]) <= set(deployed[name]["scopes"])
        assert [row for row in rows if row not in secret] == [
            row for row in local if row["name"] not in SECRET
        ]
        assert all(row.keys() == {"name", "secretKeyRef"} for row in secret)
        assert deployed[name]["auth"] == {"secretStore": "kubernetes"}


def test_each_replica_of_the_pages_hears_every_event_as_the_tests_of_replicas_have_it() -> None:
    resources = rendered(BASE)
    (component,) = documents(REPLICATED / "pubsub-pages.yaml")
    (subscription,) = documents(REPLICATED / "subscription-web.yaml")
    deployed = named(resources, "Component")[name_of(component)]
    rows, tested = deployed["spec"]["metadata"], component["spec"]["metadata"]
    assert [row for row in rows if "value" in row] == [
        row for row in tested if row["name"] not in SECRET
    ]
    assert deployed["scopes"] == component["scopes"]
    assert named(resources, "Subscription")[name_of(subscription)]["spec"] == subscription["spec"]
    # A stateful set, whose pods' names come again, and with them the consumer groups.
    assert named(resources, "StatefulSet")["pizza-web"]["spec"]["replicas"] == 2


def test_no_secret_is_in_the_repository() -> None:
    kinds = {each["kind"] for path in K8S.rglob("*.yaml") for each in documents(path)}
    assert "Secret" not in kinds
    plans = [plan for folder in OVERLAYS for plan in documents(folder / "kustomization.yaml")]
    assert not any("secretGenerator" in plan for plan in plans)
    for pod in PODS.values():
        settings = [row for each in pod["spec"]["containers"] for row in each.get("env", ())]
        secret = [row for row in settings if re.search("PASS|AUTH|TOKEN|SECRET", row["name"])]
        assert all(set(row) == {"name", "valueFrom"} for row in secret)
