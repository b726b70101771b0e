"""Reads a file of requests as VS Code's REST Client does, and what its comments promise.

`###` begins a request; `@name = value` defines a variable for the whole file, used as {{name}},
also in the values of others. There is no arithmetic.
{{$datetime iso8601 N d}} is the time in N days.
Before the request line, comments say what to expect: `# -> STATUS`, `# see: FIELD = VALUE`
(FIELD is a path with dots, list positions from 0), `# wait: GET URL [FIELD = VALUE]`.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

VARIABLE = re.compile(r"^[ \t]*@([^\s=]+)[ \t]*=[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_TIME = re.compile(r"\{\{\$datetime iso8601 (\d+) d\}\}")
_USE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_REQUEST = re.compile(r"^(GET|POST|PUT|PATCH|DELETE) (\S+)$")
_STATUS = re.compile(r"^# -> (\d{3})$")
_SEE = re.compile(r"^# see: (\S+) = (.+)$")
_WAIT = re.compile(r"^# wait: GET (\S+)(?: (\S+) = (.+))?$")
_NAME = re.compile(r"^# @name (\w+)$")


@dataclass(frozen=True)
class Wait:
    """What has to be so before a request is sent; without a field, the answer 200."""

    url: str
    field: str | None
    value: str | None


@dataclass(frozen=True)
class Request:
    """A request, and what should come back."""

    title: str
    name: str | None
    method: str
    url: str
    headers: dict[str, str]
    body: str
    status: int
    sees: tuple[tuple[str, str], ...]
    waits: tuple[Wait, ...]


def read_requests(path: Path, variables: Mapping[str, str]) -> list[Request]:
    """The file's requests in order; `variables` are used instead of the file's own."""
    text = path.read_text()
    values = {**dict(VARIABLE.findall(text)), **variables}
    _, *blocks = re.split(r"^###", text, flags=re.MULTILINE)
    return [parse_request(insert(block, values)) for block in blocks]


def insert(text: str, values: Mapping[str, str]) -> str:
    """The text with its variables, and theirs, inserted. Raises KeyError for an unknown one."""
    text = _TIME.sub(lambda use: in_days(int(use[1])), text)
    while _USE.search(text):
        text = _USE.sub(lambda use: values[use[1]], text)
    return text


def in_days(days: int) -> str:
    time = datetime.now(UTC) + timedelta(days=days)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_request(block: str) -> Request:
    title, *lines = block.strip().splitlines()
    number = next(number for number, line in enumerate(lines) if _REQUEST.match(line))
    comments, (method, url) = lines[:number], lines[number].split(" ")
    head, _, body = "\n".join(drop_comments(lines[number + 1 :])).partition("\n\n")
    headers = dict(line.split(": ", 1) for line in head.splitlines() if line)
    (status,) = matches(_STATUS, comments)
    return Request(
        title=title,
        name=next((name[1] for name in matches(_NAME, comments)), None),
        method=method,
        url=url,
        headers=headers,
        body=body.strip(),
        status=int(status[1]),
        sees=tuple((see[1], see[2]) for see in matches(_SEE, comments)),
        waits=tuple(Wait(wait[1], wait[2], wait[3]) for wait in matches(_WAIT, comments)),
    )


def drop_comments(lines: list[str]) -> list[str]:
    """Without the headings between requests, which stand at the end of the one before."""
    return [line for line in lines if not line.startswith("# ---")]


def matches(pattern: re.Pattern[str], lines: list[str]) -> list[re.Match[str]]:
    return [match for line in lines if (match := pattern.match(line))]


def field_of(body: Any, path: str) -> str | None:
    """The field as text: a string as it is, anything else as JSON; None when there is none."""
    for part in path.split("."):
        try:
            body = body[int(part)] if isinstance(body, list) else body[part]
        except (KeyError, IndexError, TypeError):
            return None
    return body if isinstance(body, str) else json.dumps(body)
