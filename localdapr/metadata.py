"""What a sidecar says about itself: one document, shown over HTTP and gRPC."""

from typing import TYPE_CHECKING, Any

from localdapr.components import Component
from localdapr.errors import ApiError
from localdapr.names import check_name

if TYPE_CHECKING:
    from localdapr.sidecar import Sidecar

RUNTIME_VERSION = "1.18.0"  # the Dapr whose API localdapr answers like
OWN = {"daprRuntimeVersion": RUNTIME_VERSION, "localdapr": "true"}
CAPABILITIES = {"state": ["ETAG", "TRANSACTIONAL", "TTL"]}
MOST_EXTENDED, LONGEST_VALUE = 128, 64 * 1024
WORKFLOW_ACTORS = ("retentioner", "workflow", "activity")


def describe(sidecar: "Sidecar") -> dict[str, Any]:
    """The JSON of GET /v1.0/metadata."""
    app_id = sidecar.app.app_id
    actors = _actors(sidecar)
    document: dict[str, Any] = {
        "id": app_id,
        "runtimeVersion": RUNTIME_VERSION,
        "enabledFeatures": [],
        "components": [_component(part) for part in sidecar.resources.components_of(app_id)],
        "extended": OWN | sidecar.extended,
        "subscriptions": [wish.as_metadata() for wish in sidecar.pubsub.subscriptions_of(app_id)],
        "appConnectionProperties": _connection(sidecar),
        "actorRuntime": _actor_runtime(actors),
        "scheduler": {"connected_addresses": []},
    }
    if actors:
        document["actors"] = actors
        document["workflows"] = {"connectedWorkers": sidecar.connected_workers}
    return document


def extend(sidecar: "Sidecar", key: str, value: str) -> None:
    """Show one more value, or another for the same key, until the sidecar ends."""
    check_name("key", key)
    extended = sidecar.extended
    if len(value) > LONGEST_VALUE or (key not in extended and len(extended) >= MOST_EXTENDED):
        message = f"metadata has room for {MOST_EXTENDED} values of {LONGEST_VALUE} characters"
        raise ApiError(400, "ERR_MALFORMED_REQUEST", message)
    extended[key] = value


def _component(component: Component) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": component.name,
        "type": component.type,
        "version": component.version,
    }
    capabilities = CAPABILITIES.get(component.block)
    return shown | ({"capabilities": capabilities} if capabilities else {})


def _actors(sidecar: "Sidecar") -> list[dict[str, str]]:
    """The types under which Dapr shows a connected workflow worker; there are no other actors."""
    if not sidecar.connected_workers:
        return []
    return [
        {"type": f"dapr.internal.default.{sidecar.app.app_id}.{kind}"} for kind in WORKFLOW_ACTORS
    ]


def _actor_runtime(actors: list[dict[str, str]]) -> dict[str, Any]:
    runtime: dict[str, Any] = {
        "runtimeStatus": "RUNNING",
        "hostReady": True,
        "placement": "placement: not needed by localdapr",
    }
    return runtime | ({"activeActors": actors} if actors else {})


def _connection(sidecar: "Sidecar") -> dict[str, Any]:
    port = sidecar.app.app_port
    properties: dict[str, Any] = {"protocol": "http", "channelAddress": "127.0.0.1"}
    return properties | ({"port": port} if port else {})
