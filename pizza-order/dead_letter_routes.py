"""What operators do with dead letters, and the route that the sidecar delivers them to."""

from typing import Annotated, Any, Literal

from flask import current_app
from flask_openapi.blueprint import APIBlueprint
from flask_openapi.openapi import OpenAPI
from pydantic import BaseModel, ConfigDict, Field

from dead_letters import DeadLetters
from pizza_common.access import EVENT, allow
from pizza_common.problems import problem_docs
from pizza_common.subscription import TAKEN, Delivery, subscription_api

LetterId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]

letters_api = APIBlueprint("dead_letters", __name__, abp_responses=problem_docs(400, 413, 503))
delivery_api = subscription_api("dead_letters_subscription")


class LetterPath(BaseModel):
    """Which dead letter."""

    letter_id: LetterId


class LetterQuery(BaseModel):
    """How many to list."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=100)] = 20


class DeadLetter(BaseModel):
    """An event of topic `orders` that a subscriber did not take.

    `times` is how often it came here, `at` when it did last; `order_id`, `status` and `service` are
    those of the event, null when it cannot be understood and so not be published again.
    """

    id: LetterId
    event_id: str
    order_id: str | None
    status: str | None
    service: str | None
    reason: str
    publishable: bool
    times: int
    first_at: str
    at: str


class WholeLetter(DeadLetter):
    """A dead letter with the CloudEvent as it was delivered."""

    event: dict[str, Any]


class LetterList(BaseModel):
    """Dead letters, the one that came last first."""

    dead_letters: list[DeadLetter]


class DeadEvent(BaseModel):
    """A CloudEvent, whatever is wrong with it."""

    model_config = ConfigDict(extra="allow")


class LetterDone(BaseModel):
    """What became of a dead letter."""

    id: LetterId
    status: Literal["published", "deleted"]


@delivery_api.post("/dead-letters-sub", responses={200: Delivery})
@allow(EVENT)
def keep_dead_letter(body: DeadEvent) -> dict[str, Any]:
    """Keep an event of topic `orders-dead`; what raises is delivered again."""
    _letters().keep(body.model_dump())
    return TAKEN


@letters_api.get("/dead-letters", responses={200: LetterList})
@allow("operator")
def list_dead_letters(query: LetterQuery) -> dict[str, Any]:
    """The events that no subscriber took, newest first."""
    found = _letters().newest(query.limit)
    return LetterList(dead_letters=[DeadLetter(**letter) for letter in found]).model_dump()


@letters_api.get("/dead-letters/<letter_id>", responses={200: WholeLetter, **problem_docs(404)})
@allow("operator")
def find_dead_letter(path: LetterPath) -> dict[str, Any]:
    """A dead letter and its event."""
    return WholeLetter(**_letters().find(path.letter_id)).model_dump()


@letters_api.post(
    "/dead-letters/<letter_id>/publish", responses={200: LetterDone, **problem_docs(404, 409)}
)
@allow("operator")
def publish_dead_letter(path: LetterPath) -> dict[str, Any]:
    """Publish the event to topic `orders` again, under its own id, and strike it out here."""
    _letters().publish(path.letter_id)
    return LetterDone(id=path.letter_id, status="published").model_dump()


@letters_api.delete("/dead-letters/<letter_id>", responses={200: LetterDone, **problem_docs(404)})
@allow("operator")
def delete_dead_letter(path: LetterPath) -> dict[str, Any]:
    """Forget a dead letter."""
    _letters().delete(path.letter_id)
    return LetterDone(id=path.letter_id, status="deleted").model_dump()


def install_dead_letters(app: OpenAPI, letters: DeadLetters) -> None:
    """Serve these routes from these letters."""
    app.extensions["dead_letters"] = letters
    app.register_api(delivery_api)
    app.register_api(letters_api)


def _letters() -> DeadLetters:
    letters: DeadLetters = current_app.extensions["dead_letters"]
    return letters
