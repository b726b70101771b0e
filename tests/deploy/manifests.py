"""The manifests of deploy/, put together as kustomize would, and the schemas of their kinds.

Of kustomize there is what deploy/k8s uses: resources, a namespace, merge patches, and digests of
images.
"""

import copy
import functools
import re
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import yaml

from tools.shop_ports import REPO

DEPLOY = REPO / "deploy"
K8S = DEPLOY / "k8s"
BASE = K8S / "base"
OVERLAYS = [BASE, *sorted((K8S / "overlays").iterdir())]
CRDS = Path(__file__).parent / "crds"
KUBERNETES = ("1.30", kubernetes_validate.latest_version())
"""The oldest that the manifests are for, and the newest that is known."""

Resource = dict[str, Any]


def documents(path: Path) -> list[Resource]:
    """The YAML documents of a file."""
    return [each for each in yaml.safe_load_all(path.read_text()) if each]


def plain(folder: Path) -> list[Resource]:
    """The resources of a kustomization before its patches."""
    (plan,) = documents(folder / "kustomization.yaml")
    return [each for name in plan["resources"] for each in _listed(folder / name)]


def _listed(path: Path) -> list[Resource]:
    return rendered(path.resolve()) if path.is_dir() else documents(path)


@functools.cache
def _rendered(folder: Path) -> tuple[Resource, ...]:
    (plan,) = documents(folder / "kustomization.yaml")
    resources = plain(folder)
    for patch in plan.get("patches", []):
        (change,) = documents(folder / patch["path"])
        target = patch.get("target") or {"kind": change["kind"], "name": name_of(change)}
        del change["metadata"]["name"], change["kind"]  # they only say what is patched
        resources = [merged(each, change) if _is(each, target) else each for each in resources]
    digests = {image["name"]: image["digest"] for image in plan.get("images", [])}
    for pod in pods(resources).values():
        for container in pod["spec"]["containers"]:
            name = container["image"].split(":")[0]
            if name in digests:
                container["image"] = f"{name}@{digests[name]}"
    for each in resources:
        if "namespace" in plan and each["kind"] != "Namespace":
            each["metadata"]["namespace"] = plan["namespace"]
    return tuple(resources)


def rendered(folder: Path) -> list[Resource]:
    """The resources of a kustomization, patched."""
    return copy.deepcopy(list(_rendered(folder)))


def name_of(resource: Resource) -> str:
    return str(resource["metadata"]["name"])


def named(resources: list[Resource], kind: str) -> dict[str, Resource]:
    """The resources of a kind, by name."""
    return {name_of(each): each for each in resources if each["kind"] == kind}


def _is(resource: Resource, target: dict[str, str]) -> bool:
    name = target.get("name", name_of(resource))
    return bool(re.fullmatch(target["kind"], resource["kind"])) and name == name_of(resource)


def merged(old: Any, new: Any) -> Any:
    """Maps key by key, `containers` and `env` by their names, what is changed first;
    anything else is replaced.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        return old | {key: _merged_field(key, old.get(key), value) for key, value in new.items()}
    return new


def _merged_field(key: str, old: Any, new: Any) -> Any:
    if key not in ("containers", "env") or old is None:
        return merged(old, new)
    before = {each["name"]: each for each in old}
    changed = [merged(before.pop(each["name"], {}), each) for each in new]
    return [*changed, *before.values()]


def check(resource: Resource) -> None:
    """Raises ValidationError when the resource is not what its kind may be; strictly."""
    if resource["apiVersion"].startswith("dapr.io/"):
        jsonschema.validate(resource, _dapr_schemas()[resource["apiVersion"], resource["kind"]])
        return
    for version in KUBERNETES:
        kubernetes_validate.validate(resource, version, strict=True)


@functools.cache
def _dapr_schemas() -> dict[tuple[str, str], Resource]:
    """The schema of each of Dapr's kinds, by apiVersion and kind."""
    definitions = [crd["spec"] for path in CRDS.iterdir() for crd in documents(path)]
    return {
        (f"{spec['group']}/{version['name']}", spec["names"]["kind"]): _closed(
            version["schema"]["openAPIV3Schema"]
        )
        for spec in definitions
        for version in spec["versions"]
    }


def _closed(schema: Any) -> Any:
    """The schema, refusing fields that it does not name: the API server would drop them."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    is_open = "additionalProperties" in schema or "x-kubernetes-preserve-unknown-fields" in schema
    if isinstance(schema.get("properties"), dict) and not is_open:
        closed["additionalProperties"] = False
    return closed


def workloads(resources: list[Resource]) -> dict[str, Resource]:
    """Deployments and stateful sets, by name."""
    return named(resources, "Deployment") | named(resources, "StatefulSet")


def pods(resources: list[Resource]) -> dict[str, Resource]:
    """The pod templates of deployments and stateful sets, by name."""
    return {name: each["spec"]["template"] for name, each in workloads(resources).items()}
