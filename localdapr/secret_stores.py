"""Secret stores for development: a JSON file, or the environment. Read anew at each call."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from localdapr.components import SECRET_TYPES, Component
from localdapr.errors import ApiError
from localdapr.yaml_file import as_text

Secrets = dict[str, dict[str, str]]


class SecretStores:
    """The secret stores that one app may read."""

    def __init__(self, components: Sequence[Component]) -> None:
        self._stores = {part.name: part for part in components if part.block == "secretstores"}

    def get(self, store: str, key: str) -> dict[str, str]:
        """One secret as key to value. Raises ApiError for an unknown store or secret."""
        secrets = self.get_all(store)
        if key not in secrets:
            message = f"failed getting secret with key {key} from secret store {store}: "
            raise ApiError(500, "ERR_SECRET_GET", message + f"secret {key} not found")
        return secrets[key]

    def get_all(self, store: str) -> Secrets:
        """Every secret of a store. Raises ApiError for an unknown or unreadable store."""
        if not self._stores:
            message = "secret store is not configured"
            raise ApiError(
                500, "ERR_SECRET_STORES_NOT_CONFIGURED", message, grpc="FAILED_PRECONDITION"
            )
        if store not in self._stores:
            message = f"failed finding secret store with key {store}"
            raise ApiError(401, "ERR_SECRET_STORE_NOT_FOUND", message, grpc="INVALID_ARGUMENT")
        try:
            return read_secrets(self._stores[store])
        except (OSError, ValueError) as cause:
            message = f"failed getting secrets from secret store {store}: {cause}"
            raise ApiError(500, "ERR_SECRET_GET", message) from cause


def read_secrets(component: Component) -> Secrets:
    """All secrets of a store. Raises OSError or ValueError when it cannot be read."""
    if component.type == "secretstores.local.env":
        return _from_environment(component.metadata.get("prefix", ""))
    if component.type == "secretstores.local.file":
        return _from_file(component.metadata)
    raise ValueError(
        f"localdapr reads {' and '.join(SECRET_TYPES)}, not {component.type}; "
        "use the real Dapr for it"
    )


def _from_environment(prefix: str) -> Secrets:
    return {
        name.removeprefix(prefix): {name.removeprefix(prefix): value}
        for name, value in os.environ.items()
        if name.startswith(prefix) and name != "APP_API_TOKEN" and not name.startswith("DAPR_")
    }


def _from_file(metadata: Mapping[str, str]) -> Secrets:
    path = Path(metadata.get("secretsfile", ""))
    content = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ValueError(f"{path} must hold a JSON object")
    separator = metadata.get("nestedseparator", ":")
    if metadata.get("multivalued", "false").lower() == "true":
        return {name: dict(_flat(value, name, "", separator)) for name, value in content.items()}
    flat = dict(_flat(content, "", "", separator))
    return {name: {name: value} for name, value in flat.items()}


def _flat(value: Any, alone: str, prefix: str, separator: str) -> Iterator[tuple[str, str]]:
    """The leaves with their joined names; a value that is no container is named `alone`."""
    if isinstance(value, dict):
        children = value.items()
    elif isinstance(value, list):
        children = {str(index): entry for index, entry in enumerate(value)}.items()
    else:
        yield alone, str(as_text(value))
        return
    for name, child in children:
        joined = f"{prefix}{separator}{name}" if prefix else name
        yield from _flat(child, joined, joined, separator)
