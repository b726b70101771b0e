"""W3C trace context: the traceparent that goes on with a call or an event.

Pure but for the random ids; localdapr passes traces on and exports none.
"""

import random
import re
import secrets
from dataclasses import dataclass

TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
NONE = "00-" + "0" * 32 + "-" + "0" * 16 + "-00"


@dataclass(frozen=True)
class Trace:
    """What a caller sent on; `given` tells whether it sent a trace at all."""

    traceparent: str = NONE
    tracestate: str = ""
    baggage: str = ""
    given: bool = False

    def headers(self) -> dict[str, str]:
        named = {
            "traceparent": self.traceparent,
            "tracestate": self.tracestate,
            "baggage": self.baggage,
        }
        return {name: value for name, value in named.items() if value}


NO_TRACE = Trace()


def next_trace(traceparent: str, tracestate: str, baggage: str, sampling_rate: float) -> Trace:
    """The caller's trace and span, or a new trace; all zeros when tracing is off.

    A span made here would be exported by nobody, and break the line from child to parent.
    """
    if TRACEPARENT.fullmatch(traceparent):
        return Trace(traceparent, tracestate, baggage, True)
    if sampling_rate <= 0:
        return Trace(NONE, "", baggage)
    sampled = random.random() < sampling_rate  # noqa: S311  a share, not a secret
    trace, span = secrets.token_hex(16), secrets.token_hex(8)
    return Trace(f"00-{trace}-{span}-{'01' if sampled else '00'}", "", baggage)
