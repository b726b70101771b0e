"""What the two front ends (HTTP and gRPC) need of one app's sidecar.

Owns no behaviour: `sidecar.Sidecar` has this shape, tests give smaller ones.
"""

from typing import Protocol

from localdapr.invoke import Invoker
from localdapr.manifest import App
from localdapr.pubsub import PubSub
from localdapr.resources import Resources
from localdapr.secret_stores import SecretStores
from localdapr.state import StateStores
from localdapr.workflows import Workflows


class Front(Protocol):
    """One app's sidecar as its front ends see it."""

    app: App
    resources: Resources
    state: StateStores
    pubsub: PubSub  # one for the whole process; its calls name the app
    invoker: Invoker
    secrets: SecretStores
    workflows: Workflows
    extended: dict[str, str]  # what PUT /v1.0/metadata/<key> has set

    @property
    def ready(self) -> bool:
        """The app's port has answered once (or the app has none)."""

    @property
    def connected_workers(self) -> int:
        """How many workflow workers hold a stream now."""

    def request_shutdown(self) -> None:
        """End the process as SIGTERM would; returns at once."""
