"""When an order may be wanted: in the future, and not too far in it."""

from datetime import UTC, datetime, timedelta

FARTHEST = timedelta(days=30)


def why_not_at(scheduled_for: str) -> str | None:
    """What is wrong with this time (ISO 8601 with an offset), or None."""
    wait = datetime.fromisoformat(scheduled_for) - datetime.now(UTC)
    if wait <= timedelta():
        return "is not in the future"
    if wait > FARTHEST:
        return f"is more than {FARTHEST.days} days away"
    return None
