"""Server-Sent Events: what every stream of a page may say."""

from flask import Response

MEDIA_TYPE = "text/event-stream"

COMMENT = ":\n\n"

RELOAD = "event: shop:reload\ndata:\n\n"
"""Loaded again, the page says what is wrong."""


def reload_answer() -> Response:
    """To a page that is not to be seen any more, or not by this person."""
    return Response(RELOAD, content_type=MEDIA_TYPE)
