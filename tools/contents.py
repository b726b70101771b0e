"""`python -m tools.contents [--write]`: a page's table of contents lists its headings, in order.

A heading that an edit or a merge lost is found in this way by `make check`. The table is a list of
links before the first section; --write writes it anew, so look at what that takes away.
"""

import re
import sys
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
ENOUGH = 4
"""A page with fewer headings needs no table."""

FENCE = re.compile(r"(?ms)^```.*?^```$")
HEADING = re.compile(r"(?m)^(##|###) +(.+?) *$")
ENTRY = re.compile(r"(?m)^ *- \[.*\]\(#.*\)\n")


def main(options: list[str]) -> int:
    """Exit code 1 when a page's table is not that of its headings; with --write it is made so."""
    wrong = [page for page in pages() if page.read_text() != mended(page.read_text())]
    for page in wrong:
        if "--write" in options:
            page.write_text(mended(page.read_text()))
        else:
            sys.stderr.write(f"{page.relative_to(REPO)}: {difference(page.read_text())}\n")
    return 1 if wrong and "--write" not in options else 0


def pages() -> list[Path]:
    """The pages for readers of the repository."""
    return [REPO / "README.md", *sorted((REPO / "docs").glob("*.md"))]


def headings(text: str) -> list[tuple[int, str]]:
    """Level and text of the headings below the title, without what only looks like one in code."""
    return [(len(marks), name) for marks, name in HEADING.findall(FENCE.sub("", text))]


def contents(text: str) -> str:
    """The table of contents that the page should have; empty when it has few headings."""
    found = headings(text)
    if len(found) < ENOUGH:
        return ""
    seen: dict[str, int] = {}
    return "".join(
        f"{'  ' * (level - 2)}- [{name}](#{anchor(name, seen)})\n" for level, name in found
    )


def anchor(heading: str, seen: dict[str, int]) -> str:
    """The fragment that GitHub gives a heading; `seen` counts those of the page so far."""
    slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
    seen[slug] = seen.get(slug, -1) + 1
    return f"{slug}-{seen[slug]}" if seen[slug] else slug


def mended(text: str) -> str:
    """The page with the table of contents that it should have."""
    first = re.search(r"(?m)^## ", text)
    if not first:
        return text
    opening = ENTRY.sub("", text[: first.start()]).rstrip("\n") + "\n\n"
    table = contents(text)
    return opening + (table + "\n" if table else "") + text[first.start() :]


def difference(text: str) -> str:
    """What is wrong with the page's table, in a few words."""
    there = ENTRY.findall(text.split("\n## ")[0] + "\n")
    wanted = contents(text).splitlines(keepends=True)
    lost = [line.strip(" -\n") for line in there if line not in wanted]
    new = [line.strip(" -\n") for line in wanted if line not in there]
    if lost or new:
        said = [("no such heading", lost), ("not in the table of contents", new)]
        return "; ".join(f"{what}: {', '.join(lines)}" for what, lines in said if lines)
    return "the table of contents is in another order than the headings, or in another place"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
