"""The rows that only this service has."""

from pydantic import Field

from pizza_common.settings import Settings


class DeliverySettings(Settings):
    """The settings of pizza-delivery."""

    pizza_drivers: int = Field(
        default=50,
        ge=1,
        le=1000,
        description="Number of drivers; each delivers one order at a time",
    )
    pizza_driver_wait_seconds: float = Field(
        default=5.0,
        ge=0,
        le=60,
        allow_inf_nan=False,
        description="Seconds that POST /deliver waits for a free driver before it answers 202",
    )
