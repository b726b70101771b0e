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
        description="Seconds a manager has for validating a pizza; then the order is cancelled",
    )
    pizza_validation_reminders: int = Field(
        default=2, ge=0, le=20, description="Reminders in that time, evenly spaced"
    )
    pizza_remakes: int = Field(
        default=2, ge=0, le=4, description="How often a rejected pizza may be made again"
    )
    pizza_cook_tries: int = Field(
        default=5, ge=1, le=20, description="How often a pizza that fails is cooked again, and once"
    )
    pizza_monitor_seconds: float = Field(
        default=60.0,
        ge=0,
        le=86400,
        allow_inf_nan=False,
        description="Seconds between two rounds of the monitor; 0 for none, also none from before",
    )
    pizza_restock_below: int = Field(
        default=100, ge=0, description="An ingredient with less than this is bought"
    )
    pizza_restock_units: int = Field(
        default=500, ge=1, description="How much of an ingredient is bought at a time"
    )
    pizza_confirm_seconds: float = Field(
        default=5.0,
        gt=0,
        le=300,
        allow_inf_nan=False,
        description="Seconds that a pause, resume, cancel or terminate may take to show; then 503",
    )
    pizza_worker_threads: int = Field(
        default=128, ge=1, le=1024, description="Steps that the workflow worker runs at a time"
    )
