import os
from pathlib import Path

import pytest

from localdapr.errors import ApiError, ManifestError
from localdapr.manifest import ResourcesPath
from localdapr.resources import load_resources
from localdapr.secret_stores import SecretStores

STORE = """
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: {name: statestore}
spec: {type: state.redis, version: v1, metadata: [{name: keyPrefix, value: none}]}
scopes: [order]
"""
ROOT = Path(__file__).parents[3]


def load(folder: Path, text: str, config: str = "") -> "object":
    (folder / "a.yaml").write_text(text, encoding="utf-8")
    if config:
        (folder / "config").mkdir()
        (folder / "config" / "c.yaml").write_text(config, encoding="utf-8")
    return load_resources([ResourcesPath(folder)], folder / "config" / "c.yaml" if config else None)


def test_the_shops_own_resources_are_read() -> None:
    resources = load_resources(
        [ResourcesPath(ROOT / "resources")], ROOT / "resources/config/config.yaml"
    )
    assert resources.find("state", "pizzastatestore", "pizza-order")
    assert {wish.topic for wish in resources.declared_for("pizza-order")} == {
        "orders",
        "orders-dead",
    }
    assert resources.delivery_policy("pizza-order", "pizzapubsub").retry


def test_a_folder_of_some_apps_gives_its_resources_to_no_other(tmp_path: Path) -> None:
    parts = []
    for app, scopes in (("kitchen", "[]"), ("bar", "[bar, kitchen]"), ("shop", "[nobody]")):
        folder = tmp_path / app
        folder.mkdir()
        (folder / "a.yaml").write_text(
            "kind: Component\nmetadata: {name: statestore}\n"
            f"spec: {{type: state.redis, metadata: [{{name: keyPrefix, value: {app}}}]}}\n"
            f"scopes: {scopes}\n"
        )
        parts.append(ResourcesPath(folder, (app,)))
    resources = load_resources(parts, None)
    found = {app: resources.find("state", "statestore", app) for app in ("kitchen", "bar", "shop")}
    prefixes = {app: part and part.metadata["keyprefix"] for app, part in found.items()}
    assert prefixes == {"kitchen": "kitchen", "bar": "bar", "shop": None}


def test_who_names_no_resources_has_the_components_of_daprs_own_installation() -> None:
    resources = load_resources([], None)
    assert resources.find("state", "statestore", "shop")
    assert resources.find("pubsub", "pubsub", "shop")


def test_scopes_hide_a_component_from_other_apps(tmp_path: Path) -> None:
    resources = load(tmp_path, STORE)
    assert resources.find("state", "statestore", "order").metadata == {"keyprefix": "none"}
    assert resources.find("state", "statestore", "kitchen") is None


def test_the_summary_says_what_is_kept_where_and_what_is_not_done(tmp_path: Path) -> None:
    text = (
        STORE
        + """---
kind: Component
metadata: {name: mail}
spec: {type: bindings.smtp}
---
kind: HTTPEndpoint
metadata: {name: e}
---
kind: Resiliency
spec:
  policies: {circuitBreakers: {cb: {maxRequests: 1}}}
  targets: {components: {statestore: {outbound: {circuitBreaker: cb}}}}
"""
    )
    summary = "\n".join(load(tmp_path, text).summary())
    assert "state store statestore (state.redis) is kept in SQLite" in summary
    assert "component mail (bindings.smtp) is not supported" in summary
    assert "HTTPEndpoint is not used" in summary
    assert "the circuit breaker of component statestore never trips" in summary


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "is not YAML"),
        ("- 1", "must be a mapping"),
        ("metadata: {name: x}", "kind: is missing"),
        ("kind: Component\nspec: {type: state.redis}", "metadata: is missing"),
        ("kind: Component\nmetadata: {name: x}", "spec: is missing"),
        ("kind: Component\nmetadata: {name: x}\nspec: 5", "spec: must be a mapping"),
        ("kind: Subscription\nspec: {pubsubname: p, topic: t}", "a route, a default or a rule"),
        ("kind: Subscription\nspec: {topic: t, route: /x}", "spec.pubsubname: is missing"),
        (
            "kind: Subscription\nspec: {pubsubname: p, topic: t, routes: {rules: [{match: 'x(',"
            " path: /y}]}}",
            "rule 'x\\('",
        ),
        (
            "kind: Component\nmetadata: {name: x}\nspec: {type: state.redis, metadata: "
            "[{name: outboxPublishPubsub, value: p}]}",
            "does not do the transactional outbox",
        ),
        (STORE + "---" + STORE, "is declared twice"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        load(tmp_path, text)


def test_an_error_names_file_key_and_line(tmp_path: Path) -> None:
    with pytest.raises(ManifestError) as caught:
        load(tmp_path, STORE + "---\nkind: Component\nmetadata: {name: x}\nspec: {type: [a]}")
    assert str(caught.value) == f"{tmp_path / 'a.yaml'}: spec.type: must be a text (line 10)"


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no such resources folder"):
        load_resources([ResourcesPath(tmp_path / "nowhere")], None)


@pytest.mark.parametrize(("rate", "value"), [("1", 1.0), ('""', 0.0), ("0.25", 0.25)])
def test_the_configuration_gives_the_sampling_rate(tmp_path: Path, rate: str, value: float) -> None:
    config = f"kind: Configuration\nspec: {{tracing: {{samplingRate: {rate}}}}}"
    assert load(tmp_path, STORE, config).configuration.sampling_rate == value


@pytest.mark.parametrize("rate", ["often", "2", "-1"])
def test_a_wrong_sampling_rate_is_refused(tmp_path: Path, rate: str) -> None:
    config = f"kind: Configuration\nspec: {{tracing: {{samplingRate: {rate}}}}}"
    with pytest.raises(ManifestError, match="samplingRate"):
        load(tmp_path, STORE, config)


SECRETS = """
kind: Component
metadata: {name: vault}
spec: {type: secretstores.local.file, metadata: [{name: secretsFile, value: "FILE"}]}
---
kind: Component
metadata: {name: statestore}
spec:
  type: state.redis
  metadata:
  - {name: redisPassword, secretKeyRef: {name: "redis:password", key: "redis:password"}}
  - {name: redisUser, envRef: PIZZA_TEST_USER}
auth: {secretStore: vault}
"""


def test_secret_references_are_filled_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secrets.json").write_text('{"redis": {"password": "hot"}}')
    monkeypatch.setenv("PIZZA_TEST_USER", "luigi")
    resources = load(tmp_path, SECRETS.replace("FILE", str(tmp_path / "secrets.json")))
    found = resources.find("state", "statestore", "any").metadata
    assert found == {"redispassword": "hot", "redisuser": "luigi"}


def test_a_reference_to_a_missing_secret_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="component statestore"):
        load(tmp_path, SECRETS.replace("FILE", str(tmp_path / "none.json")))


def test_secrets_are_read_by_name_and_in_bulk(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text('{"redis": {"password": "hot"}, "pin": 5}')
    resources = load(tmp_path, SECRETS.replace("FILE", str(tmp_path / "secrets.json")))
    stores = SecretStores(resources.components)
    assert stores.get("vault", "redis:password") == {"redis:password": "hot"}
    assert stores.get_all("vault")["pin"] == {"pin": "5"}
    for store, key, status in (("vault", "no", 500), ("nowhere", "pin", 401)):
        with pytest.raises(ApiError) as caught:
            stores.get(store, key)
        assert caught.value.status == status


def test_the_environment_is_a_secret_store_without_daprs_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "kind: Component\nmetadata: {name: env}\nspec: {type: secretstores.local.env}"
    monkeypatch.setenv("PIZZA_TEST_PIN", "1234")
    monkeypatch.setenv("DAPR_API_TOKEN", "hidden")
    stores = SecretStores(load(tmp_path, text).components)
    assert stores.get("env", "PIZZA_TEST_PIN") == {"PIZZA_TEST_PIN": "1234"}
    assert "DAPR_API_TOKEN" not in stores.get_all("env")
    assert "DAPR_API_TOKEN" in os.environ
