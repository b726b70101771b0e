"""Becomes the command it is given, but ends when the process that started it was killed.

On Linux only; elsewhere it just becomes the command. Standard library only, so that it is quick.
"""

import ctypes
import os
import signal
import sys

SET_PARENT_DEATH_SIGNAL = 1


def main(parent: int, command: list[str]) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
        if os.getppid() != parent:
            sys.exit("the process that started this has ended")
    os.execv(command[0], command)  # noqa: S606 - becoming it is the point


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
