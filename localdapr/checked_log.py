"""The log of the open data file: what was acknowledged in it, and when it goes into the file.

Owns the check file and the checkpoints, which SQLite must not run by itself: after each one the
checksums of the pages that it wrote are on disk before SQLite begins the log anew.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import zlib
from pathlib import Path

from localdapr import wal
from localdapr.check_file import SUFFIX, CheckFile, Mark
from localdapr.damage import LOG

LONGEST = 4000  # pages of 4 kB in the log: rare enough not to be felt, quick enough to read
SHORTEST = 500  # a checkpoint syncs twice: not felt after so many
BLOCK = 64  # frames of a commit that are read at once
log = logging.getLogger(__name__)


class CheckedLog:
    """Used by one thread at a time, and never within a transaction."""

    def __init__(self, connection: sqlite3.Connection, path: Path, check: CheckFile) -> None:
        """Bring what the log holds into the file. The connection checkpoints nothing by itself."""
        self._db = connection
        self._path = path
        self._check = check
        self._mark = Mark()  # how far the log is; the check file's has 0 after a checkpoint
        self._limit = SHORTEST
        self._pages: dict[int, int] = {}  # by number: in which frame of the log each is last
        self._usual = 8  # frames of a commit, as far as the last one tells
        self._late = False  # whether the disk does not take a checkpoint that is due
        self._log = os.open(path.with_name(path.name + LOG), os.O_RDONLY | os.O_CLOEXEC)
        self.checkpoint()

    def note_commit(self) -> None:
        """To be called after each commit, before it is acknowledged."""
        try:
            self._note()
        except OSError as failure:
            self._stop_checks(failure)
        if self._mark.end >= self._limit:
            self.checkpoint()

    def checkpoint(self) -> bool:
        """Write what the log holds to the file; False when the disk does not take it now."""
        try:
            (pages,) = self._db.execute("PRAGMA page_count").fetchone()
            self._check.reserve(pages)
            _, length, written = self._db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        except (sqlite3.Error, OSError) as failure:
            if not self._late:
                log.warning("%s does not take its log now: %s", self._path, failure)
            self._late = True
            return False
        self._late = False
        self._limit = min(LONGEST, max(SHORTEST, pages))
        if length != written:
            return False
        try:
            self._check.write_sums(self._sums(length, pages), Mark(self._mark.salts))
        except OSError as failure:
            self._stop_checks(failure)
        return True

    def close(self) -> None:
        """Close the connection too, which removes the log if it can write all to the file."""
        known = self.checkpoint()
        self._db.close()
        os.close(self._log)
        if not known and not self._path.with_name(self._path.name + LOG).exists():
            self._stop_checks("the disk was full")  # until now
        self._check.close()

    def _note(self) -> None:
        """Follow the log over the frames of one commit, if there are new ones."""
        self._look_for_new_log()
        salts, begin, crc = self._mark
        end, ended = begin, False
        pages: dict[int, int] = {}
        while not ended:
            content = self._read(end, self._usual)
            found, ended = wal.next_commit(content, salts)
            pages |= {page: number for number, page in enumerate(found, end)}
            crc = zlib.crc32(memoryview(content)[: len(found) * wal.FRAME_SIZE], crc)
            end += len(found)
            if not ended and len(found) < self._usual:
                return
        self._usual = min(end - begin + 1, BLOCK)
        self._pages |= pages
        self._mark = Mark(salts, end, crc)
        self._check.write_mark(self._mark)

    def _look_for_new_log(self) -> None:
        """After a checkpoint SQLite begins with the first frame again."""
        header = os.pread(self._log, wal.HEADER_SIZE, 0)
        if (salts := header[wal.SALTS]) != self._mark.salts:
            self._mark = Mark(salts, 0, zlib.crc32(header))
            self._pages = {}

    def _sums(self, length: int, pages: int) -> dict[int, int]:
        """The checksums of the pages in the first frames; of each page the last version counts."""
        self._look_for_new_log()
        last = dict(self._pages)
        for number in range(self._mark.end, length):  # of commits that were not noted
            last |= {frame.page: number for frame in wal.frames(self._read(number, 1), 0)}
        return {
            page: zlib.crc32(memoryview(self._read(number, 1))[wal.FRAME_HEADER_SIZE :])
            for page, number in last.items()
            if page <= pages
        }

    def _read(self, begin: int, count: int) -> bytes:
        return os.pread(self._log, count * wal.FRAME_SIZE, wal.offset(begin))

    def _stop_checks(self, reason: object) -> None:
        """Better no check file than one that is not true: that would refuse what is whole."""
        log.warning(
            "%s: damage is not found until the next start: the check file cannot be written (%s)",
            self._path,
            reason,
        )
        try:
            self._check.remove()
        except OSError as failure:
            log.error("remove %s%s, which is out of date (%s)", self._path, SUFFIX, failure)
