"""The rows that only this service has."""

from pydantic import Field

from pizza_common.settings import Settings


class WebSettings(Settings):
    """The settings of pizza-web."""

    pizza_web_streams: int = Field(
        default=200,
        ge=0,
        le=800,
        description="Number of live regions of pages that a replica serves at the same time, each"
        " by a thread besides `PIZZA_THREADS`; those beyond it ask again every few seconds",
    )
