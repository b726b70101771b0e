"""The rows that only this service has."""

from pydantic import Field

from pizza_common.settings import Settings


class StorefrontSettings(Settings):
    """The settings of pizza-storefront."""

    pizza_receipt_days: float = Field(
        default=3650.0,
        ge=0,
        le=24000,
        allow_inf_nan=False,
        description="Days for which the receipt of a forgotten order is kept; 0: for ever",
    )
