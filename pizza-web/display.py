"""How pages show values: money, moments and names in words."""

from datetime import UTC, datetime

from markupsafe import Markup

_SHAPES = {"time": "%H:%M", "seconds": "%H:%M:%S", "datetime": "%Y-%m-%d %H:%M"}
_WITH_DAY = "day-"


def money(cents: int) -> str:
    """`$12.50`; the shop's prices are in USD."""
    sign = "-" if cents < 0 else ""
    return f"{sign}${abs(cents) // 100}.{abs(cents) % 100:02d}"


def words(name: str) -> str:
    """`quattro_formaggi` as people say it."""
    return name.replace("_", " ").capitalize()


def moment(at: str, shape: str = "time") -> Markup:
    """A time in UTC, which page.js puts into the zone of the browser.

    `shape` is time, seconds or datetime; day-time and day-seconds have the day if it is not today.
    """
    told = datetime.fromisoformat(at).astimezone(UTC)
    text = f"{told.strftime(_SHAPES[shape.removeprefix(_WITH_DAY)])} UTC"
    if shape.startswith(_WITH_DAY) and told.date() != datetime.now(UTC).date():
        text = f"{told:%Y-%m-%d} {text}"
    iso = f"{told:%Y-%m-%dT%H:%M:%S}Z"
    return Markup('<time datetime="{}" data-shape="{}">{}</time>').format(iso, shape, text)
