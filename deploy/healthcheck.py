"""Whether the service of this container answers, as exit code: `python healthcheck.py [PATH]`."""

import os
import sys
import urllib.error
import urllib.request

SECONDS = 4.0


def answers(path: str) -> bool:
    """Whether the service at APP_PORT gives a success at this path."""
    url = f"http://127.0.0.1:{os.environ['APP_PORT']}{path}"
    try:
        with urllib.request.urlopen(url, timeout=SECONDS):
            return True
    except (urllib.error.URLError, OSError):
        return False


if __name__ == "__main__":
    sys.exit(0 if answers(sys.argv[1] if len(sys.argv) > 1 else "/healthz") else 1)
