"""One sidecar for the app `hub` and nothing else: quick to start, and meant to be killed.

python host_process.py FOLDER HTTP_PORT GRPC_PORT
"""

import asyncio
import sys
from pathlib import Path

from localdapr.host import open_host
from localdapr.manifest import App
from localdapr.resources import Resources
from localdapr.run import Run


async def main(folder: str, http_port: str, grpc_port: str) -> None:
    run = Run((App("hub", int(http_port), int(grpc_port)),))
    async with open_host(Path(folder), run, Resources()):
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
