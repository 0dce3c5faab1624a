"""Schedule: windows, states and prompts over clock changes, zones and every edge."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyapp.study.schedule import (
    GRACE,
    AnchorFact,
    Facts,
    instant,
    plan,
    prompts_of,
    state_of,
    waking,
    window_of,
    windows,
)

from .samples import AMSTERDAM, BASELINE, DAY_8, PROTOCOL, WEEK_24, facts, utc

SECOND = timedelta(seconds=1)
DAY_8_HADS, DAY_8_MEQ30 = ("day-8", "hads"), ("day-8", "meq30")


# Windows and prompts across clock changes -------------------------------------------------


def test_spring_change_in_amsterdam_falls_on_day_8():
    """Dosed Saturday 20 March 2027; the clocks go forward on Sunday 28 March."""
    assert [(p.timepoint, p.number, p.utc) for p in plan(PROTOCOL, facts())] == [
        ("baseline", 0, utc("2027-03-10 09:00")),
        ("baseline", 1, utc("2027-03-13 09:00")),
        ("baseline", 2, utc("2027-03-17 09:00")),
        ("day-8", 0, utc("2027-03-28 08:00")),
        ("day-8", 1, utc("2027-03-30 08:00")),
        ("day-8", 2, utc("2027-04-02 08:00")),
        ("week-24", 0, utc("2027-09-04 08:00")),
        ("week-24", 1, utc("2027-09-08 08:00")),
        ("week-24", 2, utc("2027-09-14 08:00")),
    ]


def test_the_day_of_the_spring_change_has_23_hours():
    window = window_of(DAY_8, facts(date(2027, 3, 20)))
    assert window.opens_at == utc("2027-03-27 23:00")
    assert (window.opens, window.closes) == (date(2027, 3, 28), date(2027, 4, 3))
    assert window.closes_at == utc("2027-04-03 22:00")


def test_autumn_change_in_amsterdam():
    """Dosed 24 October 2026, the clocks go back on the 25th: week 24 is in summer time again."""
    found = facts(date(2026, 10, 24))
    prompts = plan(PROTOCOL, found)
    assert {p.local.time() for p in prompts} == {time(10)}
    assert [p.utc.hour for p in prompts] == [8, 8, 8, 9, 9, 9, 8, 8, 8]
    assert window_of(BASELINE, found).closes_at == utc("2026-10-23 22:00")
    assert window_of(DAY_8, found).opens_at == utc("2026-10-31 23:00")


def test_the_last_local_day_of_a_window_may_have_25_hours():
    """A dose on 26 October: the baseline closes at the end of the day of the change."""
    window = window_of(BASELINE, facts(date(2026, 10, 26)))
    assert window.closes == date(2026, 10, 25)
    assert window.closes_at == utc("2026-10-25 23:00")
    assert window.closes_at - instant(window.closes, time(0), AMSTERDAM) == timedelta(hours=25)


def test_southern_hemisphere():
    """Sydney leaves summer time on 4 April 2027 and returns on 3 October."""
    prompts = plan(PROTOCOL, facts(date(2027, 3, 27), "Australia/Sydney"))
    assert {p.local.time() for p in prompts} == {time(10)}
    assert [p.utc for p in prompts[3:5]] == [utc("2027-04-04 00:00"), utc("2027-04-06 00:00")]
    assert prompts[2].utc == utc("2027-03-23 23:00")
    assert prompts[-3].local.utcoffset() == timedelta(hours=10)


def test_half_hour_change():
    """Lord Howe Island moves its clocks by thirty minutes, on the same days as Sydney."""
    prompts = plan(PROTOCOL, facts(date(2027, 3, 27), "Australia/Lord_Howe"))
    assert {p.local.time() for p in prompts} == {time(10)}
    assert prompts[2].utc == utc("2027-03-23 23:00")
    assert prompts[3].utc == utc("2027-04-03 23:30")
    window = window_of(DAY_8, facts(date(2027, 3, 27), "Australia/Lord_Howe"))
    assert window.opens_at == utc("2027-04-03 13:00")
    assert window.closes_at == utc("2027-04-10 13:30")


def test_utc():
    assert {p.utc.time() for p in plan(PROTOCOL, facts(zone="UTC"))} == {time(10)}
    assert {p.local.utcoffset() for p in plan(PROTOCOL, facts(zone="UTC"))} == {timedelta(0)}


def test_a_time_that_the_clocks_skip_moves_forward():
    assert instant(date(2027, 3, 28), time(2, 30), AMSTERDAM) == utc("2027-03-28 01:30")
    local = utc("2027-03-28 01:30").astimezone(ZoneInfo(AMSTERDAM))
    assert local.time() == time(3, 30)


def test_a_time_that_comes_twice_is_its_first():
    assert instant(date(2026, 10, 25), time(2, 30), AMSTERDAM) == utc("2026-10-25 00:30")


def test_a_day_whose_midnight_is_skipped_starts_at_its_first_instant():
    """Cairo jumps from 00:00 to 01:00 on the last Friday of April."""
    start = instant(date(2026, 4, 24), time(0), "Africa/Cairo")
    zone = ZoneInfo("Africa/Cairo")
    assert start.astimezone(zone).replace(tzinfo=None) == datetime(2026, 4, 24, 1)  # noqa: DTZ001
    assert (start - SECOND).astimezone(zone).date() == date(2026, 4, 23)


def test_every_zone_over_two_years_keeps_the_wall_clock():
    """Around every change of offset, a prompt leaves at 10:00 and a window opens with its day."""
    first = date(2026, 1, 1)
    days = [first + timedelta(days=n) for n in range(731)]
    for name in sorted(available_timezones()):
        zone = ZoneInfo(name)
        offsets = [datetime.combine(day, time(12), zone).utcoffset() for day in days]
        changes = [day for day, (a, b) in zip(days, pairwise(offsets), strict=False) if a != b]
        for near in (day + timedelta(days=n) for day in changes for n in (-1, 0, 1, 2)):
            local = instant(near, time(10), name).astimezone(zone)
            assert (local.date(), local.time()) == (near, time(10)), name
            opens = instant(near, time(0), name)
            assert opens.astimezone(zone).date() == near, name
            assert (opens - SECOND).astimezone(zone).date() < near, name


@given(
    st.dates(date(2000, 1, 1), date(2100, 1, 1)),
    st.sampled_from(["UTC", AMSTERDAM, "America/Los_Angeles", "Australia/Lord_Howe"]),
)
def test_prompts_lie_in_their_windows_and_rise(dosing, zone):
    for timepoint, window in windows(PROTOCOL, facts(dosing, zone)):
        prompts = prompts_of(timepoint, facts(dosing, zone))
        assert [p.number for p in prompts] == list(range(len(timepoint.prompts)))
        assert list(prompts) == sorted(prompts, key=lambda p: p.utc)
        for prompt in prompts:
            assert window.opens_at <= prompt.utc < window.closes_at
            assert (prompt.local, prompt.local.time()) == (prompt.utc, time(10))


# States -----------------------------------------------------------------------------------


def state(now: datetime, timepoint=DAY_8, **more) -> str:
    return state_of(timepoint, facts(**more), now)


OPENS, CLOSES = utc("2027-03-27 23:00"), utc("2027-04-03 22:00")
SENT_BOTH = {DAY_8_HADS: CLOSES - SECOND, DAY_8_MEQ30: CLOSES - 2 * SECOND}


def test_without_a_date_nothing_is_expected():
    nowhere = Facts(zone=AMSTERDAM, anchors={})
    assert state_of(DAY_8, nowhere, OPENS) == "not expected"
    assert window_of(DAY_8, nowhere) is None
    assert plan(PROTOCOL, nowhere) == []


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (OPENS - SECOND, "upcoming"),
        (OPENS, "open"),
        (CLOSES - SECOND, "open"),
        (CLOSES, "missed"),
    ],
)
def test_untouched(now, expected):
    assert state(now) == expected


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (OPENS, "in progress"),
        (CLOSES, "in progress"),
        (CLOSES + GRACE - SECOND, "in progress"),
        (CLOSES + GRACE, "missed"),
    ],
)
def test_started_takes_answers_for_sixty_more_days(now, expected):
    assert state(now, started=frozenset({DAY_8_HADS})) == expected


def test_one_of_two_instruments_sent_is_in_progress():
    assert state(CLOSES - SECOND, submitted={DAY_8_HADS: OPENS}) == "in progress"
    assert state(CLOSES + GRACE, submitted={DAY_8_HADS: OPENS}) == "missed"


def test_submitted_and_late():
    assert state(CLOSES + GRACE, submitted=SENT_BOTH) == "submitted"
    assert state(CLOSES + GRACE, submitted={**SENT_BOTH, DAY_8_HADS: CLOSES}) == "late"


def test_another_timepoints_answers_do_not_count():
    assert state(OPENS, submitted={("week-24", "hads"): OPENS}) == "open"


def test_a_zone_further_west_opens_later():
    assert state(OPENS, zone="America/New_York") == "upcoming"
    assert state(OPENS + timedelta(hours=5), zone="America/New_York") == "open"


# Quiet hours ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2027-03-28 05:59", "2027-03-28 06:00"),
        ("2027-03-28 06:00", "2027-03-28 06:00"),
        ("2027-03-28 17:59", "2027-03-28 17:59"),
        ("2027-03-28 18:00", "2027-03-29 06:00"),
        ("2027-03-27 19:00", "2027-03-28 06:00"),  # the night has one hour less
        ("2026-10-24 18:00", "2026-10-25 07:00"),  # the night has one hour more
    ],
)
def test_waking_hours_in_amsterdam(now, until):
    assert waking(utc(now), AMSTERDAM) == utc(until)


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1)),  # noqa: DTZ001
    st.sampled_from(sorted(available_timezones())),
)
def test_waking_is_the_next_hour_between_8_and_20(naive, zone):
    now = naive.replace(tzinfo=UTC)
    found = waking(now, zone)
    assert now <= found <= now + timedelta(hours=14)
    assert time(8) <= found.astimezone(ZoneInfo(zone)).time() < time(20)
    assert waking(found, zone) == found


def test_anchors_of_one_course_may_differ():
    both = Facts(
        zone="UTC",
        anchors={
            "dosing": AnchorFact(date(2027, 3, 20), confirmed=True),
            "other": AnchorFact(date(2027, 5, 1), confirmed=False),
        },
    )
    assert window_of(WEEK_24, both).target == date(2027, 9, 4)
