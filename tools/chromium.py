"""Where the browser is that tests and screenshots use: the system's own chromium."""

import shutil
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")


class MissingChromiumError(Exception):
    """There is no chromium; the text says how to get it."""


def launch_args() -> dict[str, Any]:
    """What Playwright launches the browser with. Raises MissingChromiumError."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        raise MissingChromiumError("no chromium: `apt-get install chromium` installs it")
    # Its sandbox needs rights that containers seldom have; it visits the shop's own pages only.
    return {"executable_path": program, "args": ["--no-sandbox"]}
