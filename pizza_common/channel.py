"""A connection of waitress, which answers with a problem what never reaches the app.

waitress itself refuses what is no HTTP, and what has too much of a header or body.
"""

import socket
import time
from http import HTTPStatus
from typing import Any

from waitress.channel import HTTPChannel  # type: ignore[import-untyped]
from waitress.parser import HTTPRequestParser, ParsingError  # type: ignore[import-untyped]
from waitress.task import ErrorTask  # type: ignore[import-untyped]

from pizza_common import request_id
from pizza_common.problems import MEDIA_TYPE, problem_body

_LINGER_SECONDS = 2.0
_LINGER_BYTES = 32 * 1024 * 1024
_READ_BYTES = 64 * 1024
_DETAILS = {
    HTTPStatus.BAD_REQUEST: "The request is not HTTP/1.1 as RFC 9112 has it.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is too long.",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "The header is too long.",
    HTTPStatus.NOT_IMPLEMENTED: "No transfer coding but chunked is understood.",
}


class Refusal(ErrorTask):  # type: ignore[misc]
    """The answer to a request that waitress does not hand over."""

    def execute(self) -> None:
        """Send it; nothing of what was sent is repeated."""
        status = HTTPStatus(self.request.error.code)
        body = problem_body(status, status.phrase, _DETAILS.get(status, "See the service's log."))
        given = self.request.headers.get("X_REQUEST_ID", "")
        self.status = f"{status.value} {status.phrase}"
        self.response_headers.append(("Content-Type", MEDIA_TYPE))
        self.response_headers.append((request_id.HEADER, request_id.request_id(given)))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.channel.refused = True
        self.write(body)


class Parser(HTTPRequestParser):  # type: ignore[misc]
    """Where waitress' own parser fails, or is more generous than RFC 9112."""

    def received(self, data: bytes) -> int:
        """Take in what came; no "100 Continue" is sent for a request that is refused."""
        taken: int = super().received(data)
        if self.error:
            self.expect_continue = False
        return taken

    def parse_header(self, header_plus: bytes) -> None:
        """Raises ParsingError, also for an address or a length that Python cannot read."""
        try:
            super().parse_header(header_plus)
        except ValueError as error:
            raise ParsingError("Start line or header is invalid") from error
        if self.proxy_netloc:  # the request is for this host, whatever its Host header says
            self.headers["HOST"] = self.proxy_netloc


class Channel(HTTPChannel):  # type: ignore[misc]
    """Closes in two steps after a refusal, and in between throws away what still comes.

    If a connection is closed before all is read, the system resets it, and the client may lose
    the answer. Who goes on sending all the same is cut off.
    """

    error_task_class = Refusal
    parser_class = Parser
    refused = False
    _until: float | None = None
    _unread = _LINGER_BYTES

    def handle_close(self) -> None:
        """Waitress calls this when all is sent, or nothing can be any more."""
        if not (self.refused and self._until is None and self._half_closed()):
            super().handle_close()

    def readable(self) -> Any:
        """Asked before each turn of the loop."""
        return True if self._until is not None else super().readable()

    def writable(self) -> Any:
        """Asked before each turn of the loop; true when it is time to close."""
        if self._until is not None:
            return time.monotonic() >= self._until
        return super().writable()

    def handle_read(self) -> None:
        """Something came, or the client has closed its side."""
        if self._until is None:
            super().handle_read()
            return
        try:
            self._unread -= len(self.recv(_READ_BYTES))
        except OSError:
            self._unread = -1
        if self._unread < 0:
            self.handle_close()

    def _half_closed(self) -> bool:
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            return False
        self._until = time.monotonic() + _LINGER_SECONDS
        return True
