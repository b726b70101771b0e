"""Questions to several services, asked at the same time, each answered or not."""

import contextvars
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from flask import current_app
from flask.sansio.app import App

from pizza_common.errors import NotFound, PeerRefused, PeerUnavailable, PizzaError
from shop import Json

THREADS = 16

WAIT_SECONDS = 5.0
"""A little longer than an answer may take: while services hang, questions wait for threads."""

Question = Callable[[], Json]


@dataclass(frozen=True)
class Answer:
    """What was answered, or why nothing was."""

    said: Json | None = None
    error: PizzaError | None = None

    @property
    def is_unknown(self) -> bool:
        """Whether the service answered that there is no such thing."""
        return isinstance(self.error, PeerRefused) and self.error.status == NotFound.status


class Parallel:
    """Asks with at most so many threads, whoever and how many ask."""

    def __init__(self, threads: int = THREADS) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="ask")

    def answers(self, questions: Mapping[str, Question]) -> dict[str, Answer]:
        """The answer to each; one that does not come in time is PeerUnavailable."""
        deadline = time.monotonic() + WAIT_SECONDS
        asked = {
            # Each thread asks as the person of this request.
            name: self._pool.submit(contextvars.copy_context().run, _answer, question)
            for name, question in questions.items()
        }
        return {name: _until(deadline, future) for name, future in asked.items()}

    def close(self) -> None:
        """Ask nothing any more; may be called twice."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def answers(questions: Mapping[str, Question]) -> dict[str, Answer]:
    """Ask with the threads of the app whose request is answered."""
    parallel: Parallel = current_app.extensions["parallel"]
    return parallel.answers(questions)


def install_parallel(app: App) -> None:
    """Give this app its threads, until it has stopped."""
    parallel = Parallel()
    app.extensions["parallel"] = parallel
    app.extensions["hooks"].stopped.append(parallel.close)


def _until(deadline: float, future: Future[Answer]) -> Answer:
    try:
        return future.result(max(0.0, deadline - time.monotonic()))
    except TimeoutError:
        future.cancel()
        return Answer(error=PeerUnavailable("Too many pages wait for the shop's services."))


def _answer(question: Question) -> Answer:
    try:
        return Answer(said=question())
    except PizzaError as error:
        return Answer(error=error)
