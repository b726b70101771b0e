"""The tool of `make check` that compares each page's headings with its table of contents."""

from pathlib import Path

import pytest

from tools import contents

PAGE = """\
# Title

Opening.

## One

### Part: `a/b`

## Two

## Part: `a/b`

```sh
## no heading
```

## Four

## Five
"""
TABLE = """\
- [One](#one)
  - [Part: `a/b`](#part-ab)
- [Two](#two)
- [Part: `a/b`](#part-ab-1)
- [Four](#four)
- [Five](#five)
"""


def test_the_table_stands_before_the_first_section_and_is_written_once() -> None:
    page = contents.mended(PAGE)
    assert page == PAGE.replace("## One", f"{TABLE}\n## One")
    assert contents.mended(page) == page


def test_a_page_with_few_sections_needs_none() -> None:
    short = "# Title\n\nOpening.\n\n## One\n\n## Two\n"
    assert contents.mended(short) == short


@pytest.mark.parametrize("broken", ["Two\n", "", "## Deux\n"])
def test_a_heading_that_was_lost_is_named(
    broken: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(contents, "REPO", tmp_path)
    (tmp_path / "README.md").write_text(contents.mended(PAGE))
    assert contents.main([]) == 0
    (tmp_path / "README.md").write_text(contents.mended(PAGE).replace("## Two\n", broken))
    assert contents.main([]) == 1
    assert "README.md: no such heading: [Two](#two)" in capsys.readouterr().err
