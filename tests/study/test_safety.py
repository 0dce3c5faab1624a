"""Minutes since a dose."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from surveyapp.study.record import Dose
from surveyapp.study.safety import began_before, minutes_after

NOON = datetime(2027, 3, 20, 12, tzinfo=UTC)
MINUTES = st.integers(-20_000, 20_000)


def doses(*minutes: int) -> list[Dose]:
    times = [NOON + timedelta(minutes=m) for m in minutes]
    return [Dose("first", "given", 25, at, None) for at in times]


@given(st.lists(MINUTES, min_size=1, max_size=3), MINUTES)
def test_minutes_count_from_the_newest_dose_before(given_at: list[int], at: int) -> None:
    moment = NOON + timedelta(minutes=at)
    earlier = [m for m in given_at if m <= at]
    expected = at - max(earlier) if earlier else None
    assert minutes_after(doses(*given_at), "first", moment) == expected
    assert began_before(doses(*given_at), moment) == (not earlier)


def test_without_a_known_dose_nothing_is_before_it() -> None:
    declined = [Dose("first", "declined", None, None, None, "too ill")]
    assert not began_before(declined, NOON)
    assert minutes_after(declined, "first", NOON) is None
    assert minutes_after(doses(0), "booster", NOON) is None
