"""Mends how the SDK 1.19 reads what anybody may give to a workflow: its input, and events.

Data that Python cannot read as JSON (half an object, a number of 5,000 digits, 1,000 levels of
nesting) ends the workflow as FAILED before any code of ours runs, with nothing undone. Here it is
read as text, which the workflow passes over or refuses as it does with any text.
"""

from typing import Any

from dapr.ext.workflow._durabletask.internal import shared as _sdk


def read_unreadable_json_as_text() -> None:
    """Mend it for this process; may be called twice."""
    read: Any = _sdk.from_json
    if getattr(read, "reads_all", False):
        return

    def from_json(text: str) -> Any:
        try:
            return read(text)
        except (ValueError, RecursionError):
            return text

    from_json.reads_all = True  # type: ignore[attr-defined]
    _sdk.from_json = from_json
