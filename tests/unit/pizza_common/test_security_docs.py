"""docs/security.md tells who may call what."""

from tests.unit.access_table import PAGE, table


def test_every_route_is_documented_with_those_who_may_call_it() -> None:
    assert table() in PAGE.read_text(), (
        "docs/security.md has another table of routes;"
        " `python -m tests.unit.access_table` writes it anew"
    )
