"""Streams of Server-Sent Events that keep live regions of pages up to date."""

import contextlib
import threading
from collections.abc import Generator, Hashable, Iterator

import structlog
from flask import Response, current_app, g, request, stream_with_context
from flask_wtf.csrf import generate_csrf  # type: ignore[import-untyped]

from changes import ORDERS, Changes
from pizza_common.errors import PizzaError
from pizza_common.metrics import Metrics
from region import Fragment, Region, Render

MEDIA_TYPE = "text/event-stream"

KEEP_ALIVE_SECONDS = 5.0
"""So often a stream says something, so that it is noticed when nobody reads it any more."""

AWAY_MILLISECONDS = 500
FULL_MILLISECONDS = 3000
"""When a page asks again: after its stream broke, and when there were too many streams."""

BOARD_PAUSE_SECONDS = 0.5
"""Between two fragments of a region that shows all orders, of which some always change."""

CSRF_MARK = "csrf-token-of-the-reader"
"""Stands in a fragment, which is the same for all, for what is of each reader's session."""

RELOAD = "event: shop:reload\ndata:\n\n"
"""Loaded again, the page says what is wrong."""

_COMMENT = ":\n\n"

log = structlog.get_logger()


class Live:
    """The regions that somebody looks at, and the bound on their streams."""

    def __init__(self, changes: Changes, limit: int, metrics: Metrics) -> None:
        self._changes = changes
        self._limit = limit
        self._lock = threading.Lock()
        self._regions: dict[Hashable, tuple[Region, contextlib.ExitStack]] = {}
        self._open = 0
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

    def events(
        self, key: Hashable, topics: tuple[str, ...], render: Render, seen: str, every: float | None
    ) -> Generator[str]:
        """What a stream sends; `seen` is the id of the fragment that its page has."""

        def counted() -> str:
            self._rendered.inc()
            return render()

        yield _COMMENT  # the page shall know at once that it is connected
        with self._place() as has_place, self._region(key, topics, every) as region:
            try:
                if has_place:
                    yield from self._all_of(region, counted, seen)
                else:
                    yield self._one_of(region, counted, seen)
            except PizzaError as error:  # there is no such page any more, or it is another's
                log.info("a page is loaded again", error=error.title, detail=error.detail)
                yield RELOAD

    def _all_of(self, region: Region, render: Render, seen: str) -> Iterator[str]:
        version, stale = 0, False
        while not region.stopped:
            fragment = region.after(version, render, KEEP_ALIVE_SECONDS)
            if stale != region.failing:
                stale = region.failing
                yield _said("shop:stale" if stale else "shop:current", AWAY_MILLISECONDS)
            if fragment is None:
                yield _COMMENT
                continue
            version = fragment.version
            if fragment.id != seen:
                seen = fragment.id
                self._sent.inc()
                yield _event(fragment, AWAY_MILLISECONDS)

    def _one_of(self, region: Region, render: Render, seen: str) -> str:
        self._without_place.inc()
        fragment = region.after(0, render, KEEP_ALIVE_SECONDS)
        if fragment is None or fragment.id == seen:
            return _said("shop:stale" if region.failing else "shop:current", FULL_MILLISECONDS)
        self._sent.inc()
        return _event(fragment, FULL_MILLISECONDS)

    @contextlib.contextmanager
    def _place(self) -> Iterator[bool]:
        with self._lock:
            has_place = self._open < self._limit
            self._open += has_place
        try:
            yield has_place
        finally:
            with self._lock:
                self._open -= has_place

    @contextlib.contextmanager
    def _region(
        self, key: Hashable, topics: tuple[str, ...], every: float | None
    ) -> Iterator[Region]:
        """The region of this key, which lives as long as one stream shows it."""
        with self._lock:
            if key not in self._regions:
                pause = BOARD_PAUSE_SECONDS if ORDERS in topics else None
                region, stack = Region(every, pause), contextlib.ExitStack()
                stack.enter_context(self._changes.watched(topics, region.wake))
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

    `shared` names what the region shows and to whom: streams of the same name get what one of
    them rendered. `every` so many seconds it is rendered without a change, too.
    """
    live: Live = current_app.extensions["live"]
    token = generate_csrf()
    key = object() if shared is None else (request.endpoint, shared)

    def for_all() -> str:
        g.csrf_mark = CSRF_MARK
        return render().strip()

    events = live.events(key, topics, for_all, request.headers.get("Last-Event-ID", ""), every)
    with_token = (event.replace(CSRF_MARK, token) for event in events)
    answer = Response(stream_with_context(with_token), content_type=MEDIA_TYPE)
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Accel-Buffering"] = "no"  # a proxy shall pass it on at once
    answer.call_on_close(events.close)
    return answer


def _event(fragment: Fragment, retry_milliseconds: int) -> str:
    lines = "".join(f"data: {line}\n" for line in fragment.text.splitlines())
    return f"id: {fragment.id}\nretry: {retry_milliseconds}\n{lines}\n"


def _said(name: str, retry_milliseconds: int) -> str:
    """An event for page.js; hx-sse takes `retry` from events only, not from comments."""
    return f"event: {name}\nretry: {retry_milliseconds}\ndata:\n\n"
