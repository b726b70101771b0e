"""What a browser complains of: errors on the console, which refusals by the CSP are, too, errors
of scripts, and requests that failed."""

import re

from playwright.sync_api import BrowserContext, ConsoleMessage, Request, WebError

LOST = "htmx:sse:error|Failed to fetch|net::ERR_"
"""What it says when a page loses its service."""

# The browser's own end of a request, as when a page is left while its stream is open.
_OWN_END = "net::ERR_ABORTED"


class Watch:
    """Collects the complaints of all pages of a test."""

    def __init__(self) -> None:
        self._complaints: list[str] = []
        self._forgiven: list[str] = []

    def over(self, context: BrowserContext) -> None:
        """Watch every page of the context from now on."""
        context.on("console", self._on_console)
        context.on("weberror", self._on_error)
        context.on("requestfailed", self._on_failed)

    def forgive(self, pattern: str) -> None:
        """What the test itself brings about, such as an answer of 503, is no fault."""
        self._forgiven.append(pattern)

    def complaints(self) -> list[str]:
        """Those that nothing forgives."""
        return [each for each in self._complaints if not self._is_forgiven(each)]

    def _is_forgiven(self, complaint: str) -> bool:
        return any(re.search(pattern, complaint) for pattern in self._forgiven)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            where = message.location.get("url", "")
            self._complaints.append(f"console: {message.text} ({where})")

    def _on_error(self, error: WebError) -> None:
        self._complaints.append(f"script: {error.error}")

    def _on_failed(self, request: Request) -> None:
        if request.failure != _OWN_END:
            self._complaints.append(f"request: {request.failure} ({request.url})")
