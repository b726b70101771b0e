"""What services say of a field, as people say it: theirs are the texts of their validation."""

import re

_PLAIN = (
    (r"Input should be greater than or equal to (\S+)", r"must be at least \1"),
    (r"Input should be less than or equal to (\S+)", r"must be at most \1"),
    (r"Input should be greater than (\S+)", r"must be more than \1"),
    (r"Input should be less than (\S+)", r"must be less than \1"),
    (r"Input should be a valid (?:integer|number).*", "must be a number"),
    (r"Input should be a finite number", "must be a number"),
    (r"(?:String|Value) should have at least 1 \S+.*", "must not be empty"),
    (r"(?:String|Value) should have at least (\d+ \S+).*", r"must have at least \1"),
    (r"(?:String|Value) should have at most (\d+ \S+).*", r"must have at most \1"),
    (r"does not match .*", "has characters that cannot be used here"),
    (r"Field required", "is missing"),
    (r"Value error, (.*)", r"\1"),
)


def plain(message: str) -> str:
    """The message in plain words; one that is not known as it is."""
    for pattern, words in _PLAIN:
        found = re.fullmatch(pattern, message, re.DOTALL)
        if found:
            return found.expand(words)
    return message
