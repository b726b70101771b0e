"""What an open page has shown, and how late."""

from datetime import UTC, datetime, timedelta

from bench.open_pages import OpenPage

OPENED = datetime(2026, 11, 28, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return OPENED + timedelta(seconds=seconds)


def a_page(**seen: float) -> OpenPage:
    """It was opened then, and showed each status so many seconds later."""
    page = OpenPage("1", "/orders/1", opened=OPENED.timestamp())
    page.seen = {status: after(seconds).timestamp() for status, seconds in seen.items()}
    return page


def test_the_delay_is_from_the_event_to_the_page():
    page = a_page(Cooked=1.25, Delivered=3.5)
    assert page.delays({"cooked": after(1), "delivered": after(3)}) == [0.25, 0.5]


def test_what_was_before_the_page_is_left_out_and_what_it_never_showed_is_missed():
    page = a_page(Validating=0, Cooked=1.25)
    events = {"validating": after(-1), "cooked": after(1), "delivered": after(2)}
    assert page.delays(events) == [0.25, None]


def test_a_status_counts_when_it_is_shown_first():
    page = OpenPage("1", "/orders/1")
    page.show("<p><strong>Cooking baking</strong></p>")
    first = dict(page.seen)
    page.show("<li><strong>Cooking baking</strong></li>")
    assert list(page.seen) == ["Cooking baking"]
    assert page.seen == first
