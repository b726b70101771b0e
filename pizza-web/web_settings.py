"""The rows that only this service has."""

from pydantic import Field

from pizza_common.host_name import is_loopback
from pizza_common.settings import Settings


class WebSettings(Settings):
    """The settings of pizza-web."""

    pizza_web_streams: int = Field(
        default=200,
        ge=0,
        le=800,
        description="Number of live regions of pages that a replica serves at the same time, each"
        " by a thread besides `PIZZA_THREADS`, and a quarter as many for who has signed in only;"
        " those beyond it ask again every few seconds",
    )
    pizza_web_url: str = Field(
        default="",
        pattern=r"^(https?://[A-Za-z0-9.:\[\]-]+)?$",
        description="Address at which browsers find the pages, such as `https://pizza.example.com`;"
        " empty: the host that they name, with https where `PIZZA_HOST` is beyond loopback",
    )
    pizza_dashboard_url: str = Field(
        default="",
        pattern=r"^(https?://[!-~]+)?$",
        description="Address of localdapr's dashboard or of another workflow tool, to which the"
        " operator's pages link; `{instance_id}` in it stands for the workflow of the order",
    )

    @property
    def is_secure(self) -> bool:
        """Whether browsers come by https: to a proxy that ends TLS, since this service does not."""
        if self.pizza_web_url:
            return self.pizza_web_url.startswith("https:")
        return not is_loopback(self.pizza_host)
