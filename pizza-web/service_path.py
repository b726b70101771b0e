"""Paths of the services that are made of what people type, or of what stands in an address."""

from urllib.parse import quote

from pizza_common.errors import NotFound


def path_of(*parts: str) -> str:
    """The path of these parts. Raises NotFound for one that would lead to another route."""
    if not all(map(is_part, parts)):
        raise NotFound("There is no such thing.")
    return "/" + "/".join(quote(part, safe="") for part in parts)


def is_part(text: str) -> bool:
    """Whether it stays one part, however often it is decoded on its way."""
    return text not in ("", ".", "..") and not set(text) & set("/\\%")
