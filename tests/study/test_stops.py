"""Stops, pauses and quiet hours, as the schedule sees them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyapp.study.protocol import EARLIEST, LATEST
from surveyapp.study.schedule import (
    ENDED,
    QUIET,
    Hold,
    Send,
    Skip,
    hour_within,
    is_quiet,
    judge,
    next_prompt,
    prompts_of,
    state_of,
    waking,
    why_missing,
)

from .samples import BASELINE, DAY_8, WEEK_24, facts, utc

FIRST, SECOND = utc("2027-03-28 08:00"), utc("2027-03-30 08:00")
CLOSES = utc("2027-04-03 22:00")
ZONE = ZoneInfo("Europe/Amsterdam")
TIMES = st.times().map(lambda t: t.replace(second=0, microsecond=0))


def verdict(now: datetime, **more):
    ((_, found),) = judge(DAY_8, facts(**more), now)
    return found


def test_to_a_dead_persons_phone_nothing_goes():
    assert verdict(FIRST, silent="the person died") == Hold("the person died")
    assert next_prompt(DAY_8, facts(silent="the person died")) == CLOSES
    found = judge(DAY_8, facts(silent="the person died"), CLOSES)
    assert {v for _, v in found} == {Skip("the person died")}


@pytest.mark.parametrize(
    ("ended", "states"),
    [
        (date(2027, 4, 4), ["missed", "missed", "not expected"]),
        (date(2027, 4, 3), ["missed", "not expected", "not expected"]),
        (date(2027, 3, 19), ["not expected", "not expected", "not expected"]),
    ],
)
def test_windows_after_death_are_not_expected_and_never_missed(ended: date, states: list[str]):
    known, late = facts(ended_on=ended), utc("2028-01-01 09:00")
    assert [state_of(t, known, late) for t in (BASELINE, DAY_8, WEEK_24)] == states
    assert why_missing(WEEK_24, known, late) == ENDED


def test_what_was_answered_stays_answered():
    sent = {("day-8", "hads"): FIRST, ("day-8", "meq30"): FIRST}
    known = facts(submitted=sent, ended_on=date(2027, 3, 29))
    assert state_of(DAY_8, known, CLOSES) == "submitted"


def test_a_pause_holds_and_then_the_newest_goes():
    known = facts(paused_until=date(2027, 3, 31))
    ends = datetime(2027, 3, 31, tzinfo=ZONE)
    assert judge(DAY_8, known, FIRST)[-1][1] == Hold("paused until 2027-03-31", ends)
    assert next_prompt(DAY_8, known) == ends
    assert judge(DAY_8, known, ends)[-1][1] == Hold(QUIET, utc("2027-03-31 06:00"))
    found = judge(DAY_8, known, utc("2027-03-31 06:00"))
    assert [(p.number, v) for p, v in found][-1] == (1, Send())


def test_a_pause_longer_than_the_window_ends_with_it():
    known = facts(paused_until=date(2027, 5, 1))
    assert judge(DAY_8, known, FIRST)[-1][1] == Hold("paused until 2027-05-01", CLOSES)
    assert next_prompt(DAY_8, known) == CLOSES


@pytest.mark.parametrize(
    ("quiet", "planned"),
    [
        ((time(9), time(12)), time(12)),
        ((time(20), time(8)), time(10)),
        ((time(18), time(13, 30)), time(13, 30)),
        ((time(9, 30), time(8)), time(8)),
        ((time(9), time(20)), time(8)),
        ((time(9), time(23)), time(8)),
        ((time(10, 1), time(11)), time(10)),
    ],
)
def test_a_prompt_stays_on_its_day(quiet: tuple[time, time], planned: time):
    assert hour_within(time(10), quiet) == planned
    local = [p.local for p in prompts_of(DAY_8, facts(quiet=quiet))]
    assert [at.time() for at in local] == [planned] * 3
    assert [at.date() for at in local] == [date(2027, 3, 28), date(2027, 3, 30), date(2027, 4, 2)]


def test_the_reason_names_the_persons_own_hours():
    found = verdict(FIRST + timedelta(hours=3), quiet=(time(12, 30), time(15)))
    assert found == Hold("this person's quiet hours (12:30 to 15:00)", utc("2027-03-28 13:00"))


def open_minutes(quiet: tuple[time, time]) -> int:
    return sum(not is_quiet(time(m // 60, m % 60), quiet) for m in range(24 * 60))


@given(
    quiet=st.tuples(TIMES, TIMES).filter(lambda q: q[0] != q[1] and open_minutes(q) >= 60),
    now=st.datetimes(datetime(2027, 1, 1), datetime(2028, 12, 31), timezones=st.just(ZONE)),  # noqa: DTZ001
    at=st.times(EARLIEST, time(19, 59)),
)
def test_nobody_is_ever_written_to_in_quiet_hours(
    quiet: tuple[time, time], now: datetime, at: time
):
    woken = waking(now, "Europe/Amsterdam", quiet)
    assert not is_quiet(woken.astimezone(ZONE).time(), quiet)
    assert now <= woken <= now + timedelta(hours=25)
    hour = hour_within(at, quiet)
    assert EARLIEST <= hour < LATEST
    assert not is_quiet(hour, quiet)
    for prompt in prompts_of(replace(DAY_8, at=at), facts(quiet=quiet)):
        assert not is_quiet(prompt.local.time(), quiet)
