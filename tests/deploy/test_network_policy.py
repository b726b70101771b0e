"""Who may speak to whom in the cluster: what the policies add up to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.manifests import K8S, OVERLAYS, Resource, named, pods, rendered

BASE = K8S / "base"
SHOP = "pizza-shop"
FRONT_DOOR = "pizza-web"
WHERE = "kubernetes.io/metadata.name"
# Namespace labels, pod labels; of this namespace when the first are None.
Peer = tuple[dict[str, str] | None, dict[str, str]]
INGRESS: Peer = ({WHERE: "ingress", "pizza-shop-front-door": "true"}, {})
PROMETHEUS: Peer = ({WHERE: "monitoring", "pizza-shop-monitoring": "true"}, {})
STRANGER: Peer = ({WHERE: "else"}, {"app.kubernetes.io/part-of": "pizza-shop"})
DNS: Peer = ({WHERE: "kube-system"}, {"k8s-app": "kube-dns"})
DAPR: Peer = ({WHERE: "dapr-system"}, {"app": "dapr-operator"})
SIDECAR, METRICS, HTTPS_PORT = 50002, 9090, 443
REDIS_PORT, POSTGRESQL_PORT, ZIPKIN_PORT = 6379, 5432, 9411


def chosen(selector: Resource, labels: dict[str, str]) -> bool:
    wanted = selector.get("matchLabels", {}).items() <= labels.items()
    return wanted and all(
        labels.get(each["key"]) in each["values"] for each in selector.get("matchExpressions", ())
    )


def is_peer(entry: Resource, peer: Peer) -> bool:
    space, labels = peer
    if "namespaceSelector" in entry:
        return (
            space is not None
            and chosen(entry["namespaceSelector"], space)
            and chosen(entry.get("podSelector", {}), labels)
        )
    return space is None and chosen(entry["podSelector"], labels)


def opened(folder: Path, pod: str, direction: str, peer: Peer) -> set[int]:
    """The ports that are open between a pod and a peer, `Ingress` to it or `Egress` from it."""
    template = pods(rendered(folder))[pod]
    ports = {
        port["name"]: port["containerPort"]
        for container in template["spec"]["containers"]
        for port in container["ports"]
    }
    return {
        ports.get(port["port"], port["port"])
        for rule in rules(folder, template["metadata"]["labels"], direction)
        if is_for(rule, peer)
        for port in rule["ports"]
    }


def is_for(rule: Resource, peer: Peer) -> bool:
    """A rule without peers is for all."""
    entries = rule.get("from", rule.get("to"))
    return entries is None or any(is_peer(entry, peer) for entry in entries)


def rules(folder: Path, labels: dict[str, str], direction: str) -> Iterator[Resource]:
    for policy in named(rendered(folder), "NetworkPolicy").values():
        spec = policy["spec"]
        if chosen(spec["podSelector"], labels) and direction in spec["policyTypes"]:
            yield from spec.get(direction.lower(), ())


def in_the_shop(folder: Path, name: str) -> Peer:
    return (None, pods(rendered(folder))[name]["metadata"]["labels"])


def app_port(name: str) -> int:
    (container,) = pods(rendered(BASE))[name]["spec"]["containers"]
    return int(container["ports"][0]["containerPort"])


@pytest.mark.parametrize("folder", OVERLAYS, ids=lambda folder: folder.name)
def test_what_no_policy_allows_is_denied_in_both_directions(folder: Path) -> None:
    denying = named(rendered(folder), "NetworkPolicy")["deny-by-default"]["spec"]
    assert denying == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for name in pods(rendered(folder)):
        assert opened(folder, name, "Ingress", STRANGER) == set()


@pytest.mark.parametrize("name", pods(rendered(BASE)))
def test_a_service_is_reached_by_its_own_sidecar_the_front_door_and_prometheus(name: str) -> None:
    other = in_the_shop(BASE, "pizza-kitchen")
    assert opened(BASE, name, "Ingress", other) == {SIDECAR}
    assert opened(BASE, name, "Ingress", PROMETHEUS) == {app_port(name), METRICS}
    door = {app_port(name)} if name == FRONT_DOOR else set()
    assert opened(BASE, name, "Ingress", INGRESS) == door


@pytest.mark.parametrize("name", pods(rendered(BASE)))
def test_a_pod_reaches_what_its_sidecar_needs_and_nothing_else(name: str) -> None:
    assert opened(BASE, name, "Egress", DNS) == {53, REDIS_PORT}
    assert opened(BASE, name, "Egress", DAPR) == {6500, 50001, 50005, 50006, REDIS_PORT}
    assert opened(BASE, name, "Egress", in_the_shop(BASE, "pizza-order")) == {SIDECAR, REDIS_PORT}
    assert opened(BASE, name, "Egress", STRANGER) == {REDIS_PORT}  # wherever it is
    assert opened(K8S / "overlays/postgresql", name, "Egress", STRANGER) == {
        REDIS_PORT,
        POSTGRESQL_PORT,
    }


def test_with_a_redis_of_its_own_the_shop_reaches_that_one_only() -> None:
    local = K8S / "overlays/local"
    assert opened(local, "pizza-order", "Egress", STRANGER) == set()
    for store, port in (("redis", REDIS_PORT), ("zipkin", ZIPKIN_PORT)):
        assert opened(local, "pizza-order", "Egress", in_the_shop(local, store)) == {port}
        assert opened(local, store, "Ingress", in_the_shop(local, "pizza-order")) == {port}
        assert opened(local, store, "Egress", STRANGER) == set()


def test_the_provider_is_reached_where_people_sign_in_at_one() -> None:
    oidc = K8S / "overlays/oidc"
    for name in pods(rendered(oidc)):
        assert opened(oidc, name, "Egress", STRANGER) == {REDIS_PORT, HTTPS_PORT}


def test_the_front_door_and_nothing_else_is_what_the_ingress_leads_to() -> None:
    (ingress,) = named(rendered(BASE), "Ingress").values()
    backends = [
        path["backend"]["service"]
        for rule in ingress["spec"]["rules"]
        for path in rule["http"]["paths"]
    ]
    assert backends
    assert all(each == {"name": FRONT_DOOR, "port": {"name": "http"}} for each in backends)
    service = named(rendered(BASE), "Service")[FRONT_DOOR]["spec"]
    labels = pods(rendered(BASE))[FRONT_DOOR]["metadata"]["labels"]
    assert [port["name"] for port in service["ports"]] == ["http"]
    assert {"app.kubernetes.io/part-of": SHOP, **service["selector"]}.items() <= labels.items()
