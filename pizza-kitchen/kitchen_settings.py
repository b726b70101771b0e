"""The rows that only this service has."""

from pydantic import Field

from pizza_common.settings import Settings
from stock import MAX_UNITS


class KitchenSettings(Settings):
    """The settings of pizza-kitchen."""

    pizza_stock: int = Field(
        default=10_000,
        ge=0,
        le=MAX_UNITS,
        description="Units of each ingredient in the stock of a new shop",
    )
    pizza_stock_low: int = Field(
        default=200,
        ge=0,
        le=MAX_UNITS,
        description="Of an ingredient of which fewer units than this are available, the stock is "
        "marked as low",
    )
