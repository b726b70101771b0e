"""The format of SQLite's write-ahead log: https://www.sqlite.org/fileformat2.html#walformat

Owns the parsing of headers and frames, and the rule that tells a torn end from damage. It works
on bytes: it opens no file and knows nothing of what the pages hold.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

PAGE = 4096  # bytes; localdapr makes no file with other pages
HEADER_SIZE = 32
FRAME_HEADER_SIZE = 24
FRAME_SIZE = FRAME_HEADER_SIZE + PAGE
SALTS = slice(16, 24)  # in the header of the log
VERSION = 3007000
_HEADER = struct.Struct(">8I")
_FRAME = struct.Struct(">II8sII")
_ORDERS = {0x377F0682: "<", 0x377F0683: ">"}  # of the words that the checksums add up, by magic

Sums = tuple[int, int]  # SQLite's checksum; each frame's goes on from that of the frame before


class Frame(NamedTuple):
    """The header of one frame: a version of a page, and whether a commit ends with it."""

    page: int
    commit: int  # pages in the database after the commit, 0 within a transaction
    salts: bytes  # those of the log, unless the frame is left from an earlier one
    sums: Sums


class Found(NamedTuple):
    """What a log holds."""

    committed: int  # frames up to the last commit that SQLite recovers
    damaged: bool  # whether a commit beyond was on disk before a later frame was written


def offset(number: int) -> int:
    """Where in the log a frame begins; the first has number 0."""
    return HEADER_SIZE + number * FRAME_SIZE


def frames(log: bytes | memoryview, begin: int = HEADER_SIZE) -> Iterator[Frame]:
    """All that have a whole place from `begin` on, of whatever age and state."""
    for place in range(begin, len(log) - FRAME_SIZE + 1, FRAME_SIZE):
        page, commit, salts, first, second = _FRAME.unpack_from(log, place)
        yield Frame(page, commit, salts, (first, second))


def next_commit(content: bytes, salts: bytes) -> tuple[list[int], bool]:
    """The pages of the frames at the begin, up to the first commit, and whether one is there.

    It is called for each commit, and so makes no objects of frames.
    """
    pages = []
    for place in range(0, len(content) - FRAME_SIZE + 1, FRAME_SIZE):
        page, commit, own, _, _ = _FRAME.unpack_from(content, place)
        if own != salts:
            break
        pages.append(page)
        if commit:
            return pages, True
    return pages, False


def is_log(log: bytes | memoryview) -> bool:
    """Whether the header is whole; without it SQLite recovers nothing."""
    if len(log) < HEADER_SIZE:
        return False
    magic, version, page_size, _, _, _, *sums = _HEADER.unpack(log[:HEADER_SIZE])
    whole = magic in _ORDERS and (version, page_size) == (VERSION, PAGE)
    return whole and tuple(sums) == checksum(log[:24], (0, 0), _ORDERS[magic])


def scan(log: bytes | memoryview, known: int = 0) -> Found:
    """What SQLite recovers, and whether that is less than what was committed.

    The first `known` frames are known to be whole and to end with a commit.

    A commit is synced before the next transaction writes. So a frame that goes on from a commit
    proves it, also when something before is broken; a broken last transaction proves nothing: it
    may have been written when the power failed.
    """
    found = list(frames(log))
    if not found:
        return Found(0, False)
    whole = is_log(log)
    if not (whole or any(log[:HEADER_SIZE])):
        return Found(0, False)  # a new file whose bytes never came to the disk
    salts = bytes(log[SALTS]) if whole else found[0].salts
    order = _ORDERS.get(_HEADER.unpack(log[:HEADER_SIZE])[0], "<")
    intact = _count_intact(log, found, order, known) if whole else 0
    committed = max((n + 1 for n in range(known, intact) if found[n].commit), default=known)
    proofs = (
        number
        for number in range(intact, len(found) - 1)
        if found[number].commit and found[number].salts == found[number + 1].salts == salts
    )
    damaged = any(_goes_on(log, found, number + 1, order) for number in proofs)
    return Found(committed, damaged)


def _count_intact(log: bytes | memoryview, found: list[Frame], order: str, known: int) -> int:
    salts = bytes(log[SALTS])
    sums: Sums = found[known - 1].sums if known else _HEADER.unpack(log[:HEADER_SIZE])[6:]
    for number, frame in enumerate(found[known:], known):
        if frame.salts != salts or not frame.page:
            return number
        sums = _frame_sums(log, number, sums, order)
        if frame.sums != sums:
            return number
    return len(found)


def _goes_on(log: bytes | memoryview, found: list[Frame], number: int, order: str) -> bool:
    """Whether a frame is whole, given that the checksum of the frame before is."""
    return _frame_sums(log, number, found[number - 1].sums, order) == found[number].sums


def _frame_sums(log: bytes | memoryview, number: int, sums: Sums, order: str) -> Sums:
    begin = offset(number)
    sums = checksum(log[begin : begin + 8], sums, order)
    return checksum(log[begin + FRAME_HEADER_SIZE : begin + FRAME_SIZE], sums, order)


def checksum(data: bytes | memoryview, sums: Sums, order: str) -> Sums:
    """SQLite's checksum of pairs of words, on top of what came before."""
    first, second = sums
    for one, other in struct.iter_unpack(order + "II", data):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + other + first) & 0xFFFFFFFF
    return first, second
