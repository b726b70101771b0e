"""Finding damage in a data file and its log, before SQLite opens and so changes them.

It compares them with what the check file knows, and writes nothing: a page that was not known is
learned, and comes to the check file when the data is used.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

from localdapr import wal
from localdapr.check_file import CheckFile, Mark

LOG = "-wal"


def find_damage(path: Path, check: CheckFile) -> str | None:
    """What is damaged or missing, in words that fit into a line; None when nothing is.

    What the log holds may be old or half written in the file: it is not compared there.
    """
    log = read_log(path)
    return _find_in_log(path.name + LOG, log, check.mark or Mark()) or _find_in_pages(
        path, log, check
    )


def read_log(path: Path) -> bytes:
    """The log of a data file, empty when there is none."""
    try:
        return path.with_name(path.name + LOG).read_bytes()
    except FileNotFoundError:
        return b""


def _find_in_log(name: str, log: bytes, mark: Mark) -> str | None:
    if mark.end:
        end = wal.offset(mark.end)
        if len(log) < end:
            return f"its log {name} is cut or missing"
        if log[wal.SALTS] != mark.salts or zlib.crc32(memoryview(log)[:end]) != mark.crc:
            return f"its log {name} is damaged"
    return f"its log {name} is damaged" if wal.scan(log, mark.end).damaged else None


def _find_in_pages(path: Path, log: bytes, check: CheckFile) -> str | None:
    logged, last = _logged_pages(log), check.last()
    sums = dict(_sums(path))
    if len(sums) < last:
        return "it is cut or missing"
    for number, crc in sums.items():
        if number not in logged and check.sum(number) not in (None, crc):
            return f"page {number} of {last} is damaged"
    check.learn({n: crc for n, crc in sums.items() if n not in logged and check.sum(n) is None})
    return None


def _logged_pages(log: bytes) -> set[int]:
    if not wal.is_log(log):
        return set()
    salts = log[wal.SALTS]
    return {frame.page for frame in wal.frames(log) if frame.salts == salts}


def _sums(path: Path) -> Iterator[tuple[int, int]]:
    """The number and checksum of each whole page."""
    if path.exists():
        with path.open("rb") as file:
            number = 0
            while len(page := file.read(wal.PAGE)) == wal.PAGE:
                yield (number := number + 1), zlib.crc32(page)
