"""The cursor of a listing: a place in the list of orders, as text for a URL."""

import base64
import re

from order_index import Place
from pizza_common.errors import BadInput


def format_cursor(place: Place) -> str:
    """The text of a place."""
    return base64.urlsafe_b64encode(f"{place[0]}.{place[1]}".encode()).decode()


def parse_cursor(cursor: str) -> Place:
    """The place. Raises BadInput."""
    try:
        text = base64.urlsafe_b64decode(cursor.encode()).decode()
    except ValueError as error:
        raise _bad_cursor() from error
    if not re.fullmatch(r"[0-9]{1,9}\.[0-9]{1,3}", text):
        raise _bad_cursor()
    page, position = text.split(".")
    return int(page), int(position)


def _bad_cursor() -> BadInput:
    return BadInput("Cannot use: cursor", [("cursor", "is no cursor of a listing")])
