"""The dead letters: events that a subscriber did not take."""

import json
import re
from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for

from person import needs
from pizza_common.errors import NotFound, PeerRefused, Unavailable
from service_path import path_of
from shop import Json, shop

pages = Blueprint("operator_letters", __name__)

BOOK = "pizza-order"
SHOWN = 50


@pages.get("/operator/dead-letters")
@needs("operator")
def letters_page() -> str:
    """The newest ones."""
    found = shop().get(BOOK, f"/dead-letters?limit={SHOWN}")["dead_letters"]
    return render_template("operator/letters.html", letters=found, most=SHOWN)


@pages.get("/operator/dead-letters/<letter_id>")
@needs("operator")
def letter_page(letter_id: str) -> str:
    """One letter with its event, and what may be done with it."""
    letter = shop().get(BOOK, _path(letter_id))
    event = json.dumps(letter["event"], indent=2, ensure_ascii=False)
    return render_template("operator/letter.html", letter=letter, event=event)


@pages.post("/operator/dead-letters/<letter_id>/publish")
@needs("operator")
def publish(letter_id: str) -> Any:
    """Have it delivered again."""

    def ask(path: str) -> Json:
        return shop().post(BOOK, path + "/publish", {})

    return _done(letter_id, "published again", ask)


@pages.post("/operator/dead-letters/<letter_id>/delete")
@needs("operator")
def delete(letter_id: str) -> Any:
    """Forget it."""
    return _done(letter_id, "deleted", lambda path: shop().delete(BOOK, path))


def _done(letter_id: str, done: str, ask: Any) -> Any:
    try:
        ask(_path(letter_id))
    except (PeerRefused, Unavailable) as error:
        flash(error.detail, "error")
    else:
        flash(f"The event is {done}.", "done")
    return redirect(url_for(".letters_page"), 303)


def _path(letter_id: str) -> str:
    if not re.fullmatch("[0-9a-f]{32}", letter_id):
        raise NotFound("There is no such dead letter.")
    return path_of("dead-letters", letter_id)
