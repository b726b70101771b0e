"""A run of a manifest as the command line makes it, with a host that only notes what it is told.

Usage: supervised_run.py FOLDER LIMITS [alone] [quiet]; LIMITS are the supervisor's, as JSON.
The notes are lines of FOLDER/host.log.
"""

import asyncio
import json
import sys
from pathlib import Path

from localdapr.console import Console
from localdapr.errors import LocalDaprError
from localdapr.manifest import read_manifest
from localdapr.supervisor import Limits, Supervisor


class NotingHost:
    def __init__(self, log: Path) -> None:
        self._log = log

    async def start(self) -> None:
        self._note("start")

    async def app_started(self, app_id: str) -> None:
        self._note(f"started {app_id}")

    async def app_stopped(self, app_id: str) -> None:
        self._note(f"stopped {app_id}")

    async def close(self) -> None:
        self._note("close")

    def _note(self, text: str) -> None:
        with self._log.open("a") as log:
            log.write(f"{text}\n")


def main() -> None:
    folder, limits, flags = Path(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3:]
    apps = read_manifest(folder).apps
    console = Console(app_log="quiet" not in flags)
    supervisor = Supervisor(
        apps,
        NotingHost(folder / "host.log"),
        console,
        template=None if "alone" in flags else "dapr.yaml",
        limits=Limits(**limits),
    )
    try:
        asyncio.run(supervisor.run())
    except LocalDaprError as error:
        console.close()
        sys.exit(f"localdapr: {error}")
    console.close()


if __name__ == "__main__":
    main()
