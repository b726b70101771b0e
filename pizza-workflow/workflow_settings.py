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
        description="Seconds that a manager has to approve or reject a pizza before the "
        "order is cancelled",
    )
    pizza_validation_reminders: int = Field(
        default=2,
        ge=0,
        le=20,
        description="Number of reminders to the manager in that time, evenly spaced",
    )
    pizza_remakes: int = Field(
        default=2, ge=0, le=4, description="How many times a rejected order may be cooked again"
    )
    pizza_cook_tries: int = Field(
        default=5,
        ge=1,
        le=20,
        description="How many times the cooking of a pizza is tried before its order fails",
    )
    pizza_monitor_seconds: float = Field(
        default=60.0,
        ge=0,
        le=86400,
        allow_inf_nan=False,
        description="Seconds between two rounds of the monitor; 0: no monitor, and one that "
        "runs is ended",
    )
    pizza_restock_below: int = Field(
        default=100,
        ge=0,
        description="The monitor buys an ingredient of which fewer units than this are available",
    )
    pizza_restock_units: int = Field(
        default=500, ge=1, description="Units of an ingredient that the monitor buys at a time"
    )
    pizza_confirm_seconds: float = Field(
        default=5.0,
        gt=0,
        le=300,
        allow_inf_nan=False,
        description="Seconds to wait until a pause, resume, cancel or terminate took "
        "effect; then 503",
    )
    pizza_worker_threads: int = Field(
        default=128,
        ge=1,
        le=1024,
        description="Number of activities that the workflow worker runs at the same time",
    )
