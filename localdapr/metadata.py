"""What a sidecar says about itself: one document, shown over HTTP and gRPC."""

from typing import Any

from localdapr.components import Component
from localdapr.front import Front

RUNTIME_VERSION = "1.18.0"  # the Dapr whose API localdapr answers like
CAPABILITIES = {"state": ["ETAG", "TRANSACTIONAL", "TTL"]}
WORKFLOW_ACTORS = ("retentioner", "workflow", "activity")


def describe(front: Front) -> dict[str, Any]:
    """The JSON of GET /v1.0/metadata."""
    app_id = front.app.app_id
    actors = _actors(front)
    document: dict[str, Any] = {
        "id": app_id,
        "runtimeVersion": RUNTIME_VERSION,
        "enabledFeatures": [],
        "components": [_component(part) for part in front.resources.components_of(app_id)],
        "extended": extended(front),
        "subscriptions": [wish.as_metadata() for wish in front.pubsub.subscriptions_of(app_id)],
        "appConnectionProperties": _connection(front),
        "actorRuntime": _actor_runtime(actors),
        "scheduler": {"connected_addresses": []},
    }
    if actors:
        document["actors"] = actors
        document["workflows"] = {"connectedWorkers": front.connected_workers}
    return document


def extended(front: Front) -> dict[str, str]:
    """What apps have set, after what localdapr tells of itself."""
    return {"daprRuntimeVersion": RUNTIME_VERSION, "localdapr": "true"} | front.extended


def _component(component: Component) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": component.name,
        "type": component.type,
        "version": component.version,
    }
    capabilities = CAPABILITIES.get(component.block)
    return shown | ({"capabilities": capabilities} if capabilities else {})


def _actors(front: Front) -> list[dict[str, str]]:
    """The types under which Dapr shows a connected workflow worker; there are no other actors."""
    if not front.connected_workers:
        return []
    return [
        {"type": f"dapr.internal.default.{front.app.app_id}.{kind}"} for kind in WORKFLOW_ACTORS
    ]


def _actor_runtime(actors: list[dict[str, str]]) -> dict[str, Any]:
    runtime: dict[str, Any] = {
        "runtimeStatus": "RUNNING",
        "hostReady": True,
        "placement": "placement: not needed by localdapr",
    }
    return runtime | ({"activeActors": actors} if actors else {})


def _connection(front: Front) -> dict[str, Any]:
    port = front.app.app_port
    properties: dict[str, Any] = {"protocol": "http", "channelAddress": "127.0.0.1"}
    return properties | ({"port": port} if port else {})
