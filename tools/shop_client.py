"""What customers, the manager and the operator ask of a running shop, over HTTP."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import requests

from tools.shop_engine import ShopError, until

Json = dict[str, Any]
T = TypeVar("T")

SAMPLE_ORDER: Json = {
    "order_id": "123",
    "pizza_type": "pepperoni",
    "size": "large",
    "customer": {"name": "John Doe", "address": "123 Main St", "phone": "555-0123"},
}
FINAL = ("COMPLETED", "FAILED", "TERMINATED")
WAIT_SECONDS = 240.0  # events whose receiver died come to another after 90 s, with Dapr
_TIMEOUT = 60.0
_AWAY = 503
_PAUSE = 0.05


class ShopAwayError(ShopError):
    """A service answered 503: what was asked may be asked again."""


@dataclass(frozen=True)
class Answer:
    """What came back; `body` is {} when it was no JSON object."""

    status: int
    body: Json
    media_type: str = ""


class ShopClient:
    """Asks the services at these addresses, by app id; `headers` are sent with each request."""

    def __init__(self, urls: Mapping[str, str], headers: Mapping[str, str] | None = None) -> None:
        self._urls = urls
        self._headers = dict(headers or {})

    def ask(
        self,
        method: str,
        service: str,
        path: str,
        body: Json | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request, whatever the answer. Raises requests.RequestException."""
        url = f"{self._urls[service]}{path}"
        headers = {**self._headers, **(headers or {})}
        answer = requests.request(method, url, json=body, headers=headers, timeout=_TIMEOUT)
        media_type = answer.headers.get("content-type", "").partition(";")[0]
        parsed = answer.json() if media_type.endswith("json") else {}
        return Answer(answer.status_code, parsed if isinstance(parsed, dict) else {}, media_type)

    def get(self, service: str, path: str) -> Json:
        """The body of a 200. Raises ShopError for any other answer."""
        return self._expect_ok(self.ask("GET", service, path), path)

    def post(self, path: str, body: Json) -> Json:
        """The body of the workflow service's 200. Raises ShopError for any other answer."""
        return self._expect_ok(self.ask("POST", "pizza-workflow", path, body), path)

    def start(self, order: Json) -> Json:
        """The answer to an order; asked for again while the shop answers 503."""
        return wait_for(lambda: self.post("/start-order", order), bool)

    def approve(self, order_id: str) -> None:
        """Approve the pizza. Raises ShopError when it is refused.

        An approval that got a 503 may have been heard, and then its repetition is a conflict.
        """
        body = {"order_id": order_id, "approved": True}
        fine = {200}
        for _ in until(WAIT_SECONDS, _PAUSE):
            answer = self.ask("POST", "pizza-workflow", "/validate-pizza", body)
            if answer.status != _AWAY:
                break
            fine = {200, 409}
        if answer.status not in fine:
            raise ShopError(f"{order_id} was not approved: {answer}")

    def status(self, order_id: str) -> Json:
        """Where the order's workflow is."""
        return self.get("pizza-workflow", f"/get-status/{order_id}")

    def timeline(self, order_id: str) -> list[Json]:
        """What the order book has noted of the order; [] before it knows it."""
        found = self.ask("GET", "pizza-order", f"/order/{order_id}")
        return list(found.body.get("timeline", []))

    def statuses(self, order_id: str) -> list[str]:
        """The statuses of the order's timeline."""
        return [entry["status"] for entry in self.timeline(order_id)]

    def is_ready(self) -> bool:
        """Whether every service says that it can work."""
        try:
            return all(self.ask("GET", name, "/readyz").status == 200 for name in self._urls)
        except requests.RequestException:
            return False

    def wait_for_place(self, order_id: str, place: str, seconds: float = WAIT_SECONDS) -> Json:
        """The status of the workflow once its custom status is `place`."""
        return wait_for(
            lambda: self.status(order_id), lambda at: at["custom_status"] == place, seconds
        )

    def wait_for_end(self, order_id: str, seconds: float = WAIT_SECONDS) -> Json:
        """The status of the workflow once it runs no more."""
        return wait_for(
            lambda: self.status(order_id), lambda at: at["runtime_status"] in FINAL, seconds
        )

    def wait_for_status(
        self, order_id: str, status: str, seconds: float = WAIT_SECONDS
    ) -> list[str]:
        """The statuses of the timeline once `status` is among them."""
        return wait_for(lambda: self.statuses(order_id), lambda seen: status in seen, seconds)

    def wait_for_statuses(self, order_id: str, statuses: Collection[str]) -> list[str]:
        """The statuses of the timeline once all of these are among them."""
        return wait_for(lambda: self.statuses(order_id), lambda seen: set(statuses) <= set(seen))

    def _expect_ok(self, answer: Answer, path: str) -> Json:
        if answer.status != 200:
            kind = ShopAwayError if answer.status == _AWAY else ShopError
            raise kind(f"{path} answered {answer.status}: {answer.body.get('detail')}")
        return answer.body


def wait_for(look: Callable[[], T], done: Callable[[T], bool], seconds: float = WAIT_SECONDS) -> T:
    """What is seen once it is as wanted; a 503 is looked past, as clients do.

    Raises ShopError, with what was last seen.
    """
    last: object = None
    for _ in until(seconds, _PAUSE):
        try:
            last = seen = look()
        except ShopAwayError as error:
            last = error
            continue
        if done(seen):
            return seen
    raise ShopError(f"waited {seconds:g} s in vain; last seen: {last}")
