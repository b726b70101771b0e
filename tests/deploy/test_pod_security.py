"""The pods, with the sidecars that Dapr 1.18 puts into them, meet Pod Security's `restricted`."""

import copy
from collections.abc import Iterator

import pytest

from tests.deploy.manifests import BASE, DEPLOY, OVERLAYS, Resource, named, pods, rendered

PODS = {
    f"{folder.name}/{name}": pod
    for folder in OVERLAYS
    for name, pod in pods(rendered(folder)).items()
}
VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
CHART_VALUE = "dapr_sidecar_injector.sidecarDropALLCapabilities=true"


def with_sidecar(pod: Resource, installed: str) -> Resource:
    """The pod as the injector makes it, where Dapr was installed by these commands."""
    pod = copy.deepcopy(pod)
    given = pod["metadata"].get("annotations", {})
    if given.get("dapr.io/enabled") != "true":
        return pod
    context: Resource = {"allowPrivilegeEscalation": False, "runAsNonRoot": True}
    if profile := given.get("dapr.io/sidecar-seccomp-profile-type"):
        context["seccompProfile"] = {"type": profile}
    if CHART_VALUE in installed:
        context["capabilities"] = {"drop": ["ALL"]}
    pod["spec"]["initContainers"] = [{"name": "daprd", "securityContext": context}]
    return pod


def violations(pod: Resource) -> Iterator[str]:
    """What the admission of `restricted` would object to."""
    spec = pod["spec"]
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(field):
            yield field
    for volume in spec.get("volumes", ()):
        if not (volume.keys() - {"name"}) <= VOLUMES:
            yield f"volume {volume['name']}"
    for container in (*spec["containers"], *spec.get("initContainers", ())):
        context = spec.get("securityContext", {}) | container.get("securityContext", {})
        meets = {
            "privilege": context.get("allowPrivilegeEscalation") is False,
            "root": context.get("runAsNonRoot") is True and context.get("runAsUser") != 0,
            "seccomp": context.get("seccompProfile", {}).get("type") == "RuntimeDefault",
            "capabilities": context.get("capabilities") == {"drop": ["ALL"]},
            "host port": not any("hostPort" in port for port in container.get("ports", ())),
        }
        yield from (f"{container['name']}: {what}" for what, met in meets.items() if not met)


def documented() -> str:
    return (DEPLOY.parent / "docs/deploy.md").read_text()


@pytest.mark.parametrize("pod", PODS.values(), ids=PODS)
def test_a_pod_is_admitted_where_dapr_was_installed_as_documented(pod: Resource) -> None:
    assert list(violations(with_sidecar(pod, documented()))) == []


def test_without_the_documented_value_of_the_chart_it_would_not_be() -> None:
    pod = PODS["base/pizza-order"]
    assert list(violations(with_sidecar(pod, ""))) == ["daprd: capabilities"]


def test_the_namespace_enforces_it() -> None:
    labels = named(rendered(BASE), "Namespace")["pizza-shop"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
