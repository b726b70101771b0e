"""What the engines read at start: components, configuration, and localdapr's run template."""

import sys
from pathlib import Path
from typing import Any

import yaml

from bench.callee import PUBSUB


def write_daprd(folder: Path, ports: Any) -> None:
    """`resources/` on Redis and `config.yaml` with names that stay on this machine."""
    _write_resources(folder / "resources", ports.redis)
    names = {"connectionString": str(folder / "names.db")}
    resolution = {"component": "sqlite", "version": "v1", "configuration": names}
    _write(
        folder / "config.yaml",
        {
            "apiVersion": "dapr.io/v1alpha1",
            "kind": "Configuration",
            "metadata": {"name": "bench"},
            "spec": {"nameResolution": resolution},
        },
    )


def write_localdapr(folder: Path, ports: Any) -> Path:
    """A template with the worker and the callee, and the same resources; gives its path."""
    _write_resources(folder / "resources", ports.redis)
    apps = [
        _app("bench", ports.http, ports.grpc, "bench.worker", ports.grpc),
        _app("callee", ports.callee_http, ports.callee_grpc, "bench.callee", ports.app)
        | {"appPort": ports.app},
    ]
    template = folder / "dapr.yaml"
    _write(template, {"version": 1, "common": {"resourcesPath": "resources"}, "apps": apps})
    return template


def _app(app_id: str, http: int, grpc: int, module: str, argument: int) -> dict[str, Any]:
    return {
        "appID": app_id,
        "appDirPath": ".",
        "daprHTTPPort": http,
        "daprGRPCPort": grpc,
        "command": [sys.executable, "-m", module, str(argument)],
    }


def _write_resources(folder: Path, redis_port: int) -> None:
    folder.mkdir()
    redis = {"redisHost": f"127.0.0.1:{redis_port}"}
    _write_component(folder, "statestore", "state.redis", {**redis, "actorStateStore": "true"})
    _write_component(folder, PUBSUB, "pubsub.redis", redis)


def _write_component(folder: Path, name: str, kind: str, settings: dict[str, str]) -> None:
    metadata = [{"name": key, "value": value} for key, value in settings.items()]
    _write(
        folder / f"{name}.yaml",
        {
            "apiVersion": "dapr.io/v1alpha1",
            "kind": "Component",
            "metadata": {"name": name},
            "spec": {"type": kind, "version": "v1", "metadata": metadata},
        },
    )


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(content, sort_keys=False))
