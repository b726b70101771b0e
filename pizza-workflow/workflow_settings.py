"""The rows that only this service has."""

from pydantic import Field

from pizza_common.settings import Settings


class WorkflowSettings(Settings):
    """The settings of pizza-workflow."""

    pizza_validation_seconds: float = Field(
        default=86400.0,
        ge=1,
        le=30 * 86400,
        allow_inf_nan=False,
        description="Seconds a manager has for validating a pizza; then the order fails",
    )
    pizza_worker_threads: int = Field(
        default=128, ge=1, le=1024, description="Steps that the workflow worker runs at a time"
    )
