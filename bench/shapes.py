"""The workflows that every engine runs: what they do, what they are given, what must come out.

Knows no engine; the code of the steps is here, how they are chained is each engine's own.
"""

import random
import string
from dataclasses import dataclass

FAN = 20  # activities at once
CHAIN = 4  # activities one after the other
PAYLOAD_SIZE = 100_000  # characters, all ASCII: 100 kB on the wire


@dataclass(frozen=True)
class Shape:
    """A workflow by name, with its input and the output that proves it was run."""

    name: str
    title: str
    input: int | str
    output: int


def _payload() -> str:
    """Letters that no compression makes small, the same in every process."""
    return "".join(random.Random(1).choices(string.ascii_letters, k=PAYLOAD_SIZE))


SHAPES = {
    shape.name: shape
    for shape in (
        Shape("chain", f"{CHAIN} activities in a chain", 1, 1 + CHAIN),
        Shape("fan", f"fan-out of {FAN} activities", FAN, sum(range(1, FAN + 1))),
        Shape("payload", "1 activity with 100 kB", _payload(), PAYLOAD_SIZE),
    )
}


def increase(value: int) -> int:
    """The step of the chain and of the fan."""
    return value + 1


def measure(text: str) -> int:
    """The step that is given the large payload."""
    return len(text)
