"""The file beside the data file that tells what must be in it: a mark and a checksum of each page.

Owns the format. The mark says how far the log was when a commit was last acknowledged. A page's
entry holds its checksum twice, the second time inverted: what is torn, or was never written, does
not match itself and counts as unknown. So a crash between any two writes refuses nobody.
"""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from pathlib import Path
from typing import NamedTuple

SUFFIX = "-check"
MAGIC = b"ldapchk1"
SIZE = 64  # bytes of the mark; the entries follow
_MARK = struct.Struct("<8s8sII")  # and a checksum of these
_ENTRY = struct.Struct("<II")
_ALL = 0xFFFFFFFF
AHEAD = 1024  # entries for which space is taken at once


class Mark(NamedTuple):
    """The log up to its frame `end`, all of which was acknowledged; 0 asks nothing of the log."""

    salts: bytes = bytes(8)  # which log: SQLite gives new ones whenever it begins a log anew
    end: int = 0
    crc: int = 0  # of the log's bytes up to there


class CheckFile:
    """What is known of pages, by their number from 1, is in memory and, after a write, on disk."""

    def __init__(self, path: Path) -> None:
        """Read the file if there is one; the first write makes it. Raises OSError."""
        self._path = path
        self._removed = self._learned = False
        self._file = -1
        content = b""
        with contextlib.suppress(FileNotFoundError):
            self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            content = os.pread(self._file, os.fstat(self._file).st_size, 0)
        self.mark = _parse_mark(content[:SIZE])
        entries = content[SIZE:] if content.startswith(MAGIC) else b""
        self._entries = bytearray(entries[: len(entries) // _ENTRY.size * _ENTRY.size])

    def last(self) -> int:
        """The last page of which something is known, 0 when there is none."""
        return next((n for n in range(self._room(), 0, -1) if self.sum(n) is not None), 0)

    def sum(self, page: int) -> int | None:
        """The page's checksum, None when it is not known."""
        if page > self._room():
            return None
        crc, inverted = _ENTRY.unpack_from(self._entries, (page - 1) * _ENTRY.size)
        return int(crc) if crc == inverted ^ _ALL else None

    def learn(self, sums: dict[int, int]) -> None:
        """Checksums of pages that nothing was known of; they are written with the next ones."""
        self._put(sums)
        self._learned = self._learned or bool(sums)

    def reserve(self, pages: int) -> None:
        """Take the space that entries of so many pages need. Raises OSError on a full disk."""
        missing = pages - self._room()
        if missing > 0 and not self._removed:
            room = bytes((missing + AHEAD) * _ENTRY.size)
            self._write(room, SIZE + len(self._entries))
            self._entries += room

    def write_mark(self, mark: Mark) -> None:
        """Without a sync: when the power fails, an older mark asks for less."""
        self.mark = mark
        if not self._removed:
            content = _MARK.pack(MAGIC, *mark)
            self._write(content + zlib.crc32(content).to_bytes(4, "little"), 0)

    def write_sums(self, sums: dict[int, int], mark: Mark) -> None:
        """New checksums of pages, then the mark; returns when they are on disk."""
        if self._removed:
            return
        self._put(sums)
        first, last = min(sums, default=1), max(sums, default=0)
        if self._learned:
            first, last = 1, self._room()
        begin = (first - 1) * _ENTRY.size
        self._write(self._entries[begin : last * _ENTRY.size], SIZE + begin)
        self.write_mark(mark)
        os.fdatasync(self._file)
        self._learned = False

    def remove(self) -> None:
        """Know nothing any longer: for when the file cannot be kept true. Raises OSError."""
        self.close()
        self._removed = True
        self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """May be called twice."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _room(self) -> int:
        return len(self._entries) // _ENTRY.size

    def _put(self, sums: dict[int, int]) -> None:
        missing = max(sums, default=0) - self._room()
        self._entries += bytes(max(missing, 0) * _ENTRY.size)
        for page, crc in sums.items():
            _ENTRY.pack_into(self._entries, (page - 1) * _ENTRY.size, crc, crc ^ _ALL)

    def _write(self, content: bytes | bytearray, place: int) -> None:
        """All of it, or OSError: a full disk may take a part first."""
        if self._file < 0:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        view = memoryview(content)
        while view:
            written = os.pwrite(self._file, view, place)
            view, place = view[written:], place + written


def _parse_mark(content: bytes) -> Mark | None:
    """None for one that is torn, damaged or not there."""
    if len(content) < _MARK.size + 4:
        return None
    magic, salts, end, crc = _MARK.unpack_from(content)
    own = int.from_bytes(content[_MARK.size : _MARK.size + 4], "little")
    whole = magic == MAGIC and own == zlib.crc32(content[: _MARK.size])
    return Mark(salts, end, crc) if whole else None
