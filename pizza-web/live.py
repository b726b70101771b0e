"""Streams of Server-Sent Events that keep live regions of pages up to date."""

import contextlib
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Generator, Hashable, Iterable, Iterator
from dataclasses import dataclass, field

import structlog
from flask import Response, current_app, g, request, stream_with_context
from flask_wtf.csrf import generate_csrf  # type: ignore[import-untyped]

from changes import ORDERS, Changes
from person import person, session_name, signed_in_until
from pizza_common.errors import PizzaError
from pizza_common.metrics import Metrics
from region import Fragment, Region, Render
from sse import COMMENT, MEDIA_TYPE, RELOAD

KEEP_ALIVE_SECONDS = 5.0
"""So often a stream says something, so that it is noticed when nobody reads it any more."""

STREAM_SECONDS = 180.0
"""A stream ends after so long: its page asks again at once, with the session that it has then."""

NO_PLACE_SECONDS = 1.0
"""So long a stream without a place waits for its fragment."""

AWAY_MILLISECONDS = 500
FULL_MILLISECONDS = 3000
"""When a page asks again: after its stream broke, and when there were too many streams."""

BOARD_PAUSE_SECONDS = 0.5
"""Between two fragments of a region that shows all orders, of which some always change."""

CSRF_MARK = f"csrf-{secrets.token_hex(16)}"
"""Stands in a fragment, which is the same for all, for what is of each reader's session.

Nobody knows it: what somebody has typed is never taken for it.
"""

_SIGNED_OUT_KEPT = 1000

log = structlog.get_logger()


@dataclass(frozen=True)
class View:
    """What a stream shows; streams of the same key are sent what one of them rendered."""

    key: Hashable
    topics: tuple[str, ...]
    render: Render
    every: float | None = None

    @property
    def can_change(self) -> bool:
        """Whether there is anything to wait for."""
        return bool(self.topics) or self.every is not None


@dataclass(frozen=True)
class Reader:
    """Whom a stream is for: the session, and until when it is signed in; None when it is not."""

    session: str
    until: float | None
    seen: str = ""
    """The id of the fragment that the page has."""
    began: float = field(default_factory=time.monotonic)


def reserved(limit: int) -> int:
    """How many streams there may be beyond the limit, for who has signed in only."""
    return limit // 4


class Live:
    """The regions that somebody looks at, and the bound on their streams."""

    def __init__(self, changes: Changes, limit: int, metrics: Metrics) -> None:
        self._changes = changes
        self._limit = limit
        self._lock = threading.Lock()
        self._regions: dict[Hashable, tuple[Region, contextlib.ExitStack]] = {}
        self._open = 0
        self._open_unsigned = 0
        self._signed_out: OrderedDict[str, float] = OrderedDict()
        self._stopped = False
        self._rendered = metrics.counter(
            "pizza_web_fragments_rendered_total", "Fragments rendered, each for all its pages."
        )
        self._sent = metrics.counter(
            "pizza_web_fragments_sent_total", "Fragments sent, each to one page."
        )
        self._without_place = metrics.counter(
            "pizza_web_streams_without_place_total", "Streams that ended after one answer."
        )
        metrics.gauge("pizza_web_streams", "Streams that are open.", lambda: self._open)

    def stop(self) -> None:
        """End all streams, now and from now on."""
        with self._lock:
            self._stopped = True
            regions = [region for region, _ in self._regions.values()]
        for region in regions:
            region.stop()

    def sign_out(self, session: str) -> None:
        """Let no stream that this session has begun say anything more."""
        with self._lock:
            self._signed_out[session] = time.monotonic()
            if len(self._signed_out) > _SIGNED_OUT_KEPT:
                self._signed_out.popitem(last=False)

    def events(self, view: View, reader: Reader) -> Generator[str]:
        """What a stream sends."""

        def counted() -> str:
            self._rendered.inc()
            return view.render()

        yield COMMENT  # the page shall know at once that it is connected
        with self._place(view, reader) as has_place, self._region(view) as region:
            g.has_own_thread = has_place
            events = self._all_of if has_place else self._one_of
            try:
                yield from self._allowed(events(region, counted, reader.seen), reader)
            except PizzaError as error:  # there is no such page any more, or it is another's
                log.info("a page is loaded again", error=error.title, detail=error.detail)
                yield RELOAD

    def _allowed(self, events: Iterable[str], reader: Reader) -> Iterator[str]:
        """The events, of which one comes every few seconds, until the session or the time ends."""
        for event in events:
            if self._is_signed_out(reader):
                yield RELOAD
                return
            if time.monotonic() - reader.began > STREAM_SECONDS:
                return
            yield event

    def _is_signed_out(self, reader: Reader) -> bool:
        if reader.until is not None and time.time() >= reader.until:
            return True
        signed_out = self._signed_out.get(reader.session)
        return signed_out is not None and reader.began <= signed_out

    def _all_of(self, region: Region, render: Render, seen: str) -> Iterator[str]:
        version, stale, said = 0, False, time.monotonic()
        while not region.stopped:
            wait = said + KEEP_ALIVE_SECONDS - time.monotonic()
            fragment = region.after(version, render, wait)
            if stale != region.failing:
                stale = region.failing
                yield _said("shop:stale" if stale else "shop:current", AWAY_MILLISECONDS)
            if fragment is None:
                yield COMMENT
            else:
                version = fragment.version
                if fragment.id == seen:
                    continue  # what is not sent does not show whether somebody reads
                seen = fragment.id
                self._sent.inc()
                yield _event(fragment, AWAY_MILLISECONDS)
            said = time.monotonic()

    def _one_of(self, region: Region, render: Render, seen: str) -> Iterator[str]:
        fragment = region.after(0, render, NO_PLACE_SECONDS)
        if fragment is None or fragment.id == seen:
            yield _said("shop:stale" if region.failing else "shop:current", FULL_MILLISECONDS)
        else:
            self._sent.inc()
            yield _event(fragment, FULL_MILLISECONDS)

    @contextlib.contextmanager
    def _place(self, view: View, reader: Reader) -> Iterator[bool]:
        """Whether the stream may stay; some more places are for who has signed in only."""
        unsigned = reader.until is None
        with self._lock:
            has_place = view.can_change and self._open < self._limit + reserved(self._limit)
            if unsigned:
                has_place &= self._open_unsigned < self._limit
            self._open += has_place
            self._open_unsigned += has_place and unsigned
        if view.can_change and not has_place:
            self._without_place.inc()
        try:
            yield has_place
        finally:
            with self._lock:
                self._open -= has_place
                self._open_unsigned -= has_place and unsigned

    @contextlib.contextmanager
    def _region(self, view: View) -> Iterator[Region]:
        """The region of this view, which lives as long as one stream shows it."""
        key = view.key
        with self._lock:
            if key not in self._regions:
                pause = BOARD_PAUSE_SECONDS if ORDERS in view.topics else None
                region, stack = Region(view.every, pause), contextlib.ExitStack()
                stack.enter_context(self._changes.watched(view.topics, region.wake))
                self._regions[key] = region, stack
            region, stack = self._regions[key]
            region.streams += 1
            if self._stopped:
                region.stop()
        try:
            yield region
        finally:
            with self._lock:
                region.streams -= 1
                if not region.streams:
                    del self._regions[key]
                    stack.close()


def stream(
    topics: tuple[str, ...],
    render: Render,
    *,
    shared: Hashable | None = None,
    every: float | None = None,
) -> Response:
    """The answer of a route `/live/...`: the region as `render` makes it, whenever it changes.

    With `shared`, streams of the same address, for people of the same roles, get what one of them
    rendered; it names what else the fragment depends on. `every` so many seconds it is rendered
    without a change, too.
    """
    live: Live = current_app.extensions["live"]
    token = generate_csrf()
    key = object() if shared is None else (*_address(), person().roles, shared)
    seen = request.headers.get("Last-Event-ID", "")

    def for_all() -> str:
        g.csrf_mark = CSRF_MARK
        return render().strip()

    reader = Reader(session_name(), signed_in_until(), seen)
    events = live.events(View(key, topics, for_all, every), reader)
    with_token = (event.replace(CSRF_MARK, token) for event in events)
    answer = Response(stream_with_context(with_token), content_type=MEDIA_TYPE)
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Accel-Buffering"] = "no"  # a proxy shall pass it on at once
    answer.call_on_close(events.close)
    return answer


def _address() -> tuple[Hashable, ...]:
    return request.path, tuple(sorted(request.args.items(multi=True)))


def _event(fragment: Fragment, retry_milliseconds: int) -> str:
    lines = "".join(f"data: {line}\n" for line in fragment.text.splitlines())
    return f"id: {fragment.id}\nretry: {retry_milliseconds}\n{lines}\n"


def _said(name: str, retry_milliseconds: int) -> str:
    """An event for page.js; hx-sse takes `retry` from events only, not from comments."""
    return f"event: {name}\nretry: {retry_milliseconds}\ndata:\n\n"
