"""Numbers as pages say them in a row: `first`, `tenth`, `21st`."""

_WORDS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
_ENDINGS = {1: "st", 2: "nd", 3: "rd"}


def ordinal(number: int) -> str:
    """In a word up to the tenth."""
    if 1 <= number <= 10:
        return (*_WORDS, "tenth")[number - 1]
    ending = "th" if number % 100 in (11, 12, 13) else _ENDINGS.get(number % 10, "th")
    return f"{number}{ending}"
