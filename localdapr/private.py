"""Files that only their user can read, whatever the umask.

Owns the names of what lies in a data folder. A folder that holds anything else is its user's: its
files of localdapr are private, the folder itself is left as it is.
"""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path

LOCK = "lock"
SOCKET = "control.sock"
DATA_FILE = "localdapr.db"
BESIDE = ("-wal", "-shm", "-journal", "-check")  # what is kept beside the data file
KEPT = "damaged-"  # how the folder of a copy begins
FRESH = "-new"  # the data file that a recovery makes
NAMES = {LOCK, SOCKET, *(DATA_FILE + suffix for suffix in ("", FRESH, *BESIDE))}
OTHERS = stat.S_IRWXG | stat.S_IRWXO
log = logging.getLogger(__name__)


def make_folder(folder: Path) -> None:
    """A new folder is private from its first moment. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def make_file(path: Path) -> None:
    """Make it when it is not there: SQLite gives the log the mode of its file. Raises OSError."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


def tighten(folder: Path) -> None:
    """Take from others what they may do with a data folder and its files from before."""
    held = list(folder.iterdir())
    ours = [path for path in held if path.name in NAMES or path.name.startswith(KEPT)]
    for path in [*ours, folder] if len(ours) == len(held) else ours:
        status = path.lstat()
        private = stat.S_ISLNK(status.st_mode) or not status.st_mode & OTHERS
        if private or status.st_uid != os.geteuid():
            continue
        try:
            path.chmod(stat.S_IMODE(status.st_mode) & ~OTHERS)
        except OSError as cause:  # not every file system knows modes
            log.warning("others may read %s: %s", path, cause.strerror)
