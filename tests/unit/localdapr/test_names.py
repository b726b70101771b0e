"""Names that end a line or fill a disk are taken for nothing new, whichever way they come."""

from pathlib import Path

import pytest

from localdapr.errors import ApiError
from localdapr.names import LONGEST_NAME, check_name
from tests.unit.localdapr.http_api import Api

STATE = "/v1.0/state/statestore"
ODD = "a%0A%1B%5B2Jb"


@pytest.mark.parametrize(
    "name", ["a\nb", "\x1b[2J", "a\x00", "\x7f", "\x9b1m", "a\u2028b", "x" * (LONGEST_NAME + 1)]
)
def test_an_odd_name_is_refused(name: str) -> None:
    with pytest.raises(ApiError, match="the topic "):
        check_name("topic", name)


@pytest.mark.parametrize("name", ["", "a", "über order/1:x", "👩‍🍳", "../..", "x" * LONGEST_NAME])
def test_all_other_names_are_taken(name: str) -> None:
    check_name("topic", name)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", f"/v1.0/workflows/dapr/one/raiseEvent/{ODD}", b""),
        ("POST", f"/v1.0/workflows/dapr/{ODD}/start", b""),
        ("POST", f"/v1.0/publish/pubsub/{ODD}", b"1"),
        ("POST", f"/v1.0/publish/bulk/pubsub/{ODD}", b'[{"entryId":"1","event":1}]'),
        ("POST", STATE, b'[{"key":"a\\nb","value":1}]'),
        ("PUT", f"/v1.0/metadata/{ODD}", b"1"),
    ],
)
def test_over_http_it_is_a_400(tmp_path: Path, method: str, path: str, body: bytes) -> None:
    (answer,) = Api(tmp_path).ask((method, path, {"data": body}))
    assert answer.status == 400
    assert b"contains a control character" in answer.body


def test_a_key_of_an_earlier_version_can_be_read_and_deleted(tmp_path: Path) -> None:
    got, deleted = Api(tmp_path).ask(("GET", f"{STATE}/{ODD}"), ("DELETE", f"{STATE}/{ODD}"))
    assert (got.status, deleted.status) == (204, 204)


def test_metadata_has_room_for_so_many_values(tmp_path: Path) -> None:
    puts = [("PUT", f"/v1.0/metadata/key-{number}", {"data": b"1"}) for number in range(130)]
    *_, last, again, long = Api(tmp_path).ask(
        *puts, puts[0], ("PUT", "/v1.0/metadata/key-0", {"data": b"x" * 70_000})
    )
    assert (last.status, again.status, long.status) == (400, 204, 400)
