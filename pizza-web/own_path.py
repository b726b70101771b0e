"""Where to go after signing in: a page of these, never one of another site."""

from urllib.parse import urlsplit

_LONGEST = 500


def own_path(wanted: str | None, otherwise: str = "/") -> str:
    """The path that was asked for, if it is one of this site's; else the other one.

    Browsers read a backslash as a slash and drop tabs and line ends, so that `/\\t/evil.example`
    is another site to them.
    """
    if not wanted or len(wanted) > _LONGEST or not wanted.startswith("/"):
        return otherwise
    if wanted.startswith("//") or "\\" in wanted or not wanted.isprintable() or " " in wanted:
        return otherwise
    parts = urlsplit(wanted)
    return otherwise if parts.scheme or parts.netloc else wanted
