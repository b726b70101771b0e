"""The errors of localdapr: one tree, each raised where its cause is known.

LocalDaprError            shown to the user as one line, exit code 1
├── ManifestError         dapr.yaml or a file of resources/ is wrong
├── PortInUseError        a port that an app or its sidecar needs is taken
├── AppFailedError        an app did not start, or ended before it was ready
├── DatabaseError         the data file is corrupt, foreign or locked
│   ├── DamagedError      the data file or its log is damaged, or less than was acknowledged
│   └── FolderInUseError  another localdapr keeps the data of this folder
├── NobodyThereError      no localdapr runs on the data folder
├── RefusedError          the localdapr that keeps the data does not do what it was asked
├── UsageError             a test asks its environment for what cannot be
└── ApiError              a Dapr API call is answered with an error
"""

from collections.abc import Mapping, Sequence
from typing import Any


class LocalDaprError(Exception):
    """Anything that localdapr reports to its user; the text is one line that says what to do."""


class ManifestError(LocalDaprError):
    """A manifest or resource file cannot be used; the text begins with the file's path."""


class PortInUseError(LocalDaprError):
    """A port that an app or its sidecar needs is taken by another process."""


class AppFailedError(LocalDaprError):
    """An app could not be started, or ended before it was ready."""


class DatabaseError(LocalDaprError):
    """The data file is corrupt, was made by something else, or belongs to another process."""


class DamagedError(DatabaseError):
    """The data file or its log is damaged, or holds less than was acknowledged."""


class FolderInUseError(DatabaseError):
    """Another localdapr keeps the data of this folder."""


class NobodyThereError(LocalDaprError):
    """No localdapr runs on the data folder, or it ended before it answered."""


class RefusedError(LocalDaprError):
    """The localdapr that keeps the data does not do what it was asked; the text is its own."""


class UsageError(LocalDaprError):
    """A test asks its WorkflowEnvironment for what cannot be; the text says what to do."""


class ApiError(LocalDaprError):
    """A call of the Dapr API failed: `status` is HTTP's, `code` Dapr's (`ERR_...`).

    `details` are google.rpc details as JSON objects; `grpc` names the gRPC status where it is
    not the one that `status` maps to.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: Sequence[Mapping[str, Any]] = (),
        grpc: str = "",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = tuple(details)
        self.grpc = grpc


class InstanceExistsError(ApiError):
    """An active workflow instance has the id that a new one asked for."""

    def __init__(self, instance_id: str) -> None:
        text = f"an active workflow with ID '{instance_id}' already exists"
        super().__init__(500, "ERR_START_WORKFLOW", text)


class NoSuchInstanceError(ApiError):
    """No workflow instance has this id."""

    def __init__(self, instance_id: str) -> None:
        super().__init__(404, "ERR_INSTANCE_ID_NOT_FOUND", "no such instance exists")
        self.instance_id = instance_id


class LostWorkItemError(ApiError):
    """A worker answers a work item that was given to another worker meanwhile."""

    def __init__(self, token: str) -> None:
        super().__init__(404, "ERR_WORK_ITEM", f"unknown instance ID/task ID combo: {token}")


class NotCompletedError(ApiError):
    """An instance that still runs was to be purged."""

    def __init__(self) -> None:
        super().__init__(500, "ERR_PURGE_WORKFLOW", "orchestration has not yet completed")


class RerunRefusedError(ApiError):
    """A workflow cannot be run again from the event that was asked for."""

    def __init__(self, grpc: str, message: str) -> None:
        super().__init__(400, "ERR_RERUN_WORKFLOW", message, grpc=grpc)


def error_info(reason: str, metadata: Mapping[str, str] | None) -> dict[str, Any]:
    """A google.rpc detail: Dapr's own reason."""
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "domain": "dapr.io",
        "metadata": metadata,
        "reason": f"DAPR_{reason}",
    }


def resource_info(kind: str, name: str, description: str = "") -> dict[str, Any]:
    """A google.rpc detail: the component that is meant."""
    return {
        "@type": "type.googleapis.com/google.rpc.ResourceInfo",
        "description": description,
        "owner": "",
        "resource_name": name,
        "resource_type": kind,
    }
