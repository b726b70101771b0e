"""Pages say in plain words what the services' validation says in its own."""

from typing import Annotated

import pytest
from pydantic import BaseModel, Field, ValidationError

from pizza_common.faults import Fault
from pizza_common.problems import bad_input
from plain_words import plain


class Named(BaseModel):
    name: Annotated[str, Field(min_length=1, max_length=200)]


@pytest.mark.parametrize(
    ("model", "sent", "said"),
    [
        (Fault, {"step": "cook", "status": 200}, "must be at least 400"),
        (Fault, {"step": "cook", "status": 600}, "must be at most 599"),
        (Fault, {"step": "cook", "status": "many"}, "must be a number"),
        (Fault, {"step": "Cook!", "status": 500}, "has characters that cannot be used here"),
        (Fault, {"step": "cook"}, "send status, delay_seconds or both"),
        (Named, {"name": "x" * 201}, "must have at most 200 characters"),
        (Named, {"name": ""}, "must not be empty"),
        (Named, {}, "is missing"),
    ],
)
def test_what_validation_says_is_said_plainly(model, sent, said):
    with pytest.raises(ValidationError) as caught:
        model.model_validate(sent)
    ((_, message),) = bad_input(caught.value).errors
    assert plain(message) == said


def test_what_is_not_known_stays_as_it_is():
    assert plain("is too long") == "is too long"
