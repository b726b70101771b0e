"""An SDK worker with some versions of one workflow: python versioned_worker.py PORT LATEST KEPT...

LATEST is the version that new instances get; more names are versions that are kept.
"""

import sys
import threading
from typing import Any

from dapr.ext.workflow import WorkflowRuntime


def main(port: str, latest: str, *kept: str) -> None:
    runtime = WorkflowRuntime(host="127.0.0.1", port=port)
    for name in (latest, *kept):

        def told(ctx: Any, _given: Any, name: str = name) -> Any:
            return [name, (yield ctx.wait_for_external_event("go"))]

        runtime.register_versioned_workflow(
            told, name="told", version_name=name, is_latest=name == latest
        )
    runtime.start()
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
