"""How pages show values: money, moments and statuses in words."""

from datetime import UTC, datetime

from markupsafe import Markup

_SHAPES = {"time": "%H:%M", "seconds": "%H:%M:%S", "datetime": "%Y-%m-%d %H:%M"}


def money(cents: int) -> str:
    """`$12.50`; the shop's prices are in USD."""
    sign = "-" if cents < 0 else ""
    return f"{sign}${abs(cents) // 100}.{abs(cents) % 100:02d}"


def words(name: str) -> str:
    """`quattro_formaggi` and `waiting_for_validation` as people say them."""
    return name.replace("_", " ").capitalize()


def moment(at: str, shape: str = "time") -> Markup:
    """A time in UTC, which page.js puts into the zone of the browser.

    `shape` is time, seconds or datetime.
    """
    told = datetime.fromisoformat(at).astimezone(UTC)
    text = f"{told.strftime(_SHAPES[shape])} UTC"
    iso = f"{told:%Y-%m-%dT%H:%M:%S}Z"
    return Markup('<time datetime="{}" data-shape="{}">{}</time>').format(iso, shape, text)
