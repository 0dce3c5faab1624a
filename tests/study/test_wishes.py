"""Wished reminders: only inside the window, in the day, and prompts like any other."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyapp.study import schedule
from surveyapp.study.schedule import WISHED, AnchorFact, Send, Skip, judge, next_prompt
from surveyapp.study.wishes import choices

from .samples import DAY_8, facts, utc

OPEN = utc("2027-03-28 09:00")
LAST_DAY = utc("2027-04-03 09:00")
CLOSES = utc("2027-04-03 22:00")
EVENING = utc("2027-03-28 16:00")


def offered(now: datetime, **more) -> dict[str, str]:
    found = choices(DAY_8, facts(**more), now)
    return {when: f"{at:%Y-%m-%d %H:%M}" for when, at in found.items()}


def test_this_evening_and_tomorrow():
    assert offered(OPEN) == {"evening": "2027-03-28 18:00", "tomorrow": "2027-03-29 10:00"}


def test_in_the_evening_only_tomorrow():
    assert list(offered(utc("2027-03-28 15:29"))) == ["evening", "tomorrow"]
    assert list(offered(utc("2027-03-28 15:30"))) == ["tomorrow"]


def test_on_the_last_day_only_the_evening():
    assert list(offered(LAST_DAY)) == ["evening"]


@pytest.mark.parametrize("now", [utc("2027-03-27 09:00"), CLOSES])
def test_outside_the_window_nothing(now: datetime):
    assert offered(now) == {}


def test_to_somebody_who_may_not_be_written_to_nothing():
    assert offered(OPEN, consented=False) == {}


def wished(*times: datetime):
    return {"day-8": tuple(enumerate(times, start=1))}


def test_a_wish_is_sent_when_due_and_counts_as_a_reminder():
    first = frozenset({("day-8", 0)})
    known = facts(wished=wished(EVENING), settled=first)
    assert judge(DAY_8, known, EVENING - timedelta(minutes=1)) == []
    ((prompt, verdict),) = judge(DAY_8, known, EVENING)
    assert (prompt.number, verdict) == (WISHED + 1, Send())
    assert next_prompt(DAY_8, known) == EVENING


def test_a_prompt_of_the_same_moment_makes_no_second_message():
    same = utc("2027-03-30 08:00")
    known = facts(wished=wished(same), settled=frozenset({("day-8", 0)}))
    verdicts = [(p.number, v) for p, v in judge(DAY_8, known, same)]
    assert verdicts == [(1, Skip(schedule.NEWER)), (WISHED + 1, Send())]


def test_a_wish_for_a_window_that_has_moved_away_is_skipped():
    later = {"dosing": AnchorFact(date(2027, 4, 20), confirmed=True)}
    known = replace(facts(wished=wished(EVENING)), anchors=later)
    ((prompt, verdict),) = judge(DAY_8, known, EVENING)
    assert (prompt.number, verdict) == (WISHED + 1, Skip(schedule.NOT_OPEN))


def test_after_everything_was_sent_a_wish_is_skipped():
    sent = {("day-8", "hads"): OPEN, ("day-8", "meq30"): OPEN}
    known = facts(wished=wished(EVENING), submitted=sent)
    assert {v for _, v in judge(DAY_8, known, EVENING)} == {Skip(schedule.ANSWERED)}
    assert next_prompt(DAY_8, known) is None


@given(st.integers(0, 21 * 24 * 60), st.integers(0, 2000))
def test_what_is_offered_lies_ahead_in_the_day_and_in_the_window(minutes: int, later: int):
    now = utc("2027-03-20 00:00") + timedelta(minutes=minutes)
    for due in choices(DAY_8, facts(), now).values():
        assert now < due < CLOSES
        assert time(8) <= due.time() <= time(20)
        moment = due + timedelta(minutes=later)
        known = facts(wished=wished(due.astimezone(ZoneInfo("UTC"))))
        sends = [p for p, v in judge(DAY_8, known, moment) if isinstance(v, Send)]
        assert len(sends) <= 1
        if sends:
            local = moment.astimezone(ZoneInfo("Europe/Amsterdam"))
            assert moment < CLOSES
            assert time(8) <= local.time() <= time(20)


MINUTES = st.integers(0, 24 * 24 * 60).map(lambda n: utc("2027-03-20 00:00") + timedelta(minutes=n))


@given(st.lists(MINUTES, max_size=5), st.lists(MINUTES, max_size=60), st.none() | MINUTES)
def test_however_the_worker_wakes_each_wish_is_sent_once_at_most(
    dues: list[datetime], wakes: list[datetime], answered: datetime | None
):
    known = facts(wished=wished(*sorted(dues)))
    for now in sorted([*wakes, *dues]):
        if answered and now >= answered:
            sent_in = {("day-8", name): answered for name in ("hads", "meq30")}
            known = replace(known, submitted=sent_in)
        for prompt, verdict in judge(DAY_8, known, now):
            key = (prompt.timepoint, prompt.number)
            assert key not in known.settled
            if isinstance(verdict, Send):
                assert not known.submitted
                assert prompt.utc <= now < CLOSES
                assert time(8) <= now.astimezone(ZoneInfo("Europe/Amsterdam")).time() < time(20)
            if isinstance(verdict, (Send, Skip)):
                known = replace(known, settled=known.settled | {key})


def test_an_evening_that_is_quiet_to_its_end_is_not_offered():
    assert set(offered(OPEN, quiet=(time(17), time(21)))) == {"tomorrow"}
    assert offered(OPEN, quiet=(time(9), time(12)))["tomorrow"] == "2027-03-29 12:00"
