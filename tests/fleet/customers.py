"""Customers and their manager, who ask another replica when one is away, as a load balancer does.

They repeat what got a 503 or no connection, which every client of the shop must be ready for, and
count it. Any other 5xx is an error of the shop.
"""

import itertools
import random
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import requests
from urllib3.exceptions import MaxRetryError

from tools.shop_client import FINAL, Answer, Json
from tools.shop_engine import ShopError, until

ORDER_SECONDS = 600.0
ANSWER_SECONDS = 30.0
LOOK_SECONDS = 0.4
AGAIN_SECONDS = 0.2
AWAY = 503


class Customers:
    """Asks the services at any of their `doors`, addresses by app id; used by many threads."""

    def __init__(self, doors: Callable[[str], list[str]]) -> None:
        self._doors = doors
        self._guard = threading.Lock()
        self.asked = 0
        self.repeated: Counter[str] = Counter()

    def ask(self, method: str, service: str, path: str, body: Json | None = None) -> Answer:
        """The first answer of any replica that is no 503. Raises ShopError for another 5xx."""
        return self._ask(method, service, path, body)[0]

    def order(self, order: Json, before_decision: Callable[[], object] = bool) -> Json:
        """An order from its start over its approval to its end; the status at its end."""
        order_id = order["order_id"]
        started = self.ask("POST", "pizza-workflow", "/start-order", order)
        if started.status != 200:
            raise ShopError(f"{order_id} was not started: {started}")
        self.wait_for(order_id, "waiting_for_validation")
        before_decision()
        self.approve(order_id)
        return self.wait_for(order_id)

    def approve(self, order_id: str) -> None:
        """A repeated approval whose first answer was lost may be told that it is decided."""
        body = {"order_id": order_id, "approved": True}
        answer, tries = self._ask("POST", "pizza-workflow", "/validate-pizza", body)
        if answer.status != 200 and not (answer.status == 409 and tries > 1):
            raise ShopError(f"{order_id} was not approved: {answer}")

    def wait_for(self, order_id: str, *places: str) -> Json:
        """The order's status once it is at one of these places, or at its end."""
        at: Json = {}
        for _ in until(ORDER_SECONDS, LOOK_SECONDS):
            at = self.ask("GET", "pizza-workflow", f"/get-status/{order_id}").body
            if at.get("custom_status") in places or at.get("runtime_status") in FINAL:
                return at
        raise ShopError(f"{order_id} did not come to {places or 'its end'}: {at}")

    def report(self) -> str:
        """How often an answer had to be asked for again."""
        return f"{self.asked} requests, repeated: {dict(self.repeated) or 'none'}"

    def _ask(self, method: str, service: str, path: str, body: Json | None) -> tuple[Answer, int]:
        """The answer, and how often it was asked for."""
        doors = self._doors(service)
        start = random.randrange(len(doors))
        turns = itertools.cycle(doors[start:] + doors[:start])
        for tries, _ in enumerate(until(ORDER_SECONDS, AGAIN_SECONDS), 1):
            answer = self._try(method, next(turns) + path, body)
            if answer is not None:
                if answer.status >= 500:
                    raise ShopError(f"{method} {path} got {answer}")
                return answer, tries
        raise ShopError(f"{method} {path} never had an answer: {self.report()}")

    def _try(self, method: str, url: str, body: Json | None) -> Answer | None:
        """What one replica answers; None for a 503 or no answer, which are counted."""
        try:
            answer = requests.request(method, url, json=body, timeout=ANSWER_SECONDS)
        except requests.RequestException as error:
            return self._count(_why(error))
        self._count(None)
        if answer.status_code == AWAY:
            return self._count(f"503 {_object(answer).get('title')}")
        return Answer(answer.status_code, _object(answer))

    def _count(self, repeated: str | None) -> None:
        with self._guard:
            self.asked += 1 if repeated is None else 0
            if repeated is not None:
                self.repeated[repeated] += 1


def _object(answer: requests.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except requests.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}


def _why(error: requests.RequestException) -> str:
    """Nobody listened, the connection broke, or no answer came."""
    if isinstance(error, requests.Timeout):
        return "no answer"
    cause = error.args[0] if error.args else None
    return "not connected" if isinstance(cause, MaxRetryError) else "cut off"
