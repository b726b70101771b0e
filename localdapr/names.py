"""What may stand in a name: of an event, a workflow, an instance, a topic, a key.

The real runtime takes nearly anything. A name that ends a line of a log, or fills a disk, serves
nobody; what was stored under such a name by an earlier version can still be read and deleted.
"""

import re

from localdapr.errors import ApiError

LONGEST_NAME = 2048  # characters
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")  # a line's end, an escape sequence


def check_name(what: str, name: str) -> None:
    """Raise ApiError for a name that nothing new may have."""
    if len(name) > LONGEST_NAME:
        reason = f"is longer than {LONGEST_NAME} characters"
    elif CONTROL.search(name):
        reason = "contains a control character"
    else:
        return
    message = f"the {what} {reason}"
    raise ApiError(400, "ERR_MALFORMED_REQUEST", message, grpc="INVALID_ARGUMENT")
