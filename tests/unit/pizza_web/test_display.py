from datetime import UTC, datetime, timedelta

import pytest

from display import moment, money, words


@pytest.mark.parametrize(
    ("cents", "shown"), [(0, "$0.00"), (5, "$0.05"), (1450, "$14.50"), (-1450, "-$14.50")]
)
def test_money_is_shown_in_dollars(cents, shown):
    assert money(cents) == shown


def test_names_are_shown_in_words():
    assert words("quattro_formaggi") == "Quattro formaggi"


def test_a_time_is_of_its_zone_to_the_browser_and_utc_without_script():
    shown = moment("2026-11-28T12:30:00.123+02:00")
    assert 'datetime="2026-11-28T10:30:00Z"' in shown
    assert ">10:30 UTC</time>" in shown
    assert ">2026-11-28 10:30 UTC</time>" in moment("2026-11-28T10:30:00Z", "datetime")


def test_a_time_has_its_day_where_that_is_not_today():
    now = datetime.now(UTC)
    ago = now - timedelta(days=1)
    assert f'data-shape="day-seconds">{ago:%Y-%m-%d %H:%M:%S} UTC<' in moment(
        ago.isoformat(), "day-seconds"
    )
    # In the moment before midnight today's time is of yesterday when it is shown.
    shown = moment(now.isoformat(), "day-time")
    assert f">{now:%H:%M} UTC<" in shown or datetime.now(UTC).date() != now.date()
