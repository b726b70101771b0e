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
SHORTEST = 250  # a checkpoint syncs twice: not felt after so many
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
        header = os.pread(self._log, wal.HEADER_SIZE, 0)
        salts = header[wal.SALTS]
        same = salts == self._mark.salts
        _, number, crc = self._mark if same else Mark(salts, 0, zlib.crc32(header))
        while True:
            content = self._frame(number)
            if len(content) < wal.FRAME_SIZE:
                return
            frame = wal.parse_frame(content)
            if frame.salts != salts:
                return
            number, crc = number + 1, zlib.crc32(content, crc)
            if frame.commit:
                break
        self._mark = Mark(salts, number, crc)
        self._check.write_mark(self._mark)

    def _sums(self, length: int, pages: int) -> dict[int, int]:
        """The checksums of the pages in the first frames; of each page the last version counts."""
        sums = {}
        for number in range(length):
            content = memoryview(self._frame(number))
            page = wal.parse_frame(content).page
            if page <= pages:
                sums[page] = zlib.crc32(content[wal.FRAME_HEADER_SIZE :])
        return sums

    def _frame(self, number: int) -> bytes:
        return os.pread(self._log, wal.FRAME_SIZE, wal.offset(number))

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
