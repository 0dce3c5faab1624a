"""Judging: what becomes of every prompt that is due, and when the worker looks again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from surveyapp.study import schedule
from surveyapp.study.schedule import Hold, Send, Skip, barrier, judge, next_prompt, open_prompts

from .samples import BASELINE, DAY_8, WEEK_24, facts, utc

FIRST, SECOND, THIRD = utc("2027-03-28 08:00"), utc("2027-03-30 08:00"), utc("2027-04-02 08:00")
CLOSES = utc("2027-04-03 22:00")
CLEARED = frozenset({"week-24"})
MINUTE = timedelta(minutes=1)
ALL_SENT = {("day-8", "hads"): FIRST, ("day-8", "meq30"): FIRST}


def verdicts(now, timepoint=DAY_8, **more):
    return [(p.number, v) for p, v in judge(timepoint, facts(**more), now)]


def test_nothing_is_due_before_its_time():
    assert verdicts(FIRST - MINUTE) == []
    assert next_prompt(DAY_8, facts()) == FIRST


def test_the_invitation_is_sent_when_due():
    assert verdicts(FIRST) == [(0, Send())]


def test_only_the_newest_of_several():
    """Somebody enrolled late gets one message."""
    assert verdicts(THIRD) == [
        (0, Skip(schedule.NEWER)),
        (1, Skip(schedule.NEWER)),
        (2, Send()),
    ]


def test_what_is_settled_is_left_alone():
    settled = frozenset({("day-8", 0)})
    assert verdicts(FIRST, settled=settled) == []
    assert verdicts(SECOND, settled=settled) == [(1, Send())]
    assert next_prompt(DAY_8, facts(settled=settled)) == SECOND


def test_answers_end_the_prompts():
    assert verdicts(SECOND, submitted=ALL_SENT) == [
        (0, Skip(schedule.ANSWERED)),
        (1, Skip(schedule.ANSWERED)),
    ]
    assert next_prompt(DAY_8, facts(submitted=ALL_SENT)) is None


def test_half_the_answers_do_not_end_them():
    half = {("day-8", "hads"): FIRST}
    assert verdicts(SECOND, submitted=half)[-1] == (1, Send())


def test_a_closed_window_skips_the_rest():
    assert verdicts(CLOSES - MINUTE)[-1][1] == Hold(schedule.QUIET, utc("2027-04-04 06:00"))
    assert verdicts(CLOSES) == [(n, Skip(schedule.CLOSED)) for n in range(3)]


@pytest.mark.parametrize(
    ("timepoint", "now", "more", "reason"),
    [
        (DAY_8, FIRST, {"dosed": False}, schedule.NOT_CONFIRMED),
        (DAY_8, FIRST, {"consented": False}, schedule.NO_CONSENT),
        (WEEK_24, utc("2027-09-04 08:00"), {}, schedule.NOT_CLEARED),
    ],
)
def test_held_until_somebody_does_something(timepoint, now, more, reason):
    assert verdicts(now, timepoint, **more) == [(0, Hold(reason))]
    assert barrier(timepoint, facts(**more)) == Hold(reason)


def test_before_the_dose_no_confirmation_is_needed():
    assert verdicts(utc("2027-03-10 09:00"), BASELINE, dosed=False) == [(0, Send())]
    assert barrier(BASELINE, facts(dosed=False)) is None


def test_a_person_who_was_confirmed_is_asked():
    assert barrier(WEEK_24, facts(confirmed=CLEARED)) is None
    assert verdicts(utc("2027-09-04 08:00"), WEEK_24, confirmed=CLEARED) == [(0, Send())]


def test_the_worker_looks_at_held_prompts_when_the_window_closes():
    assert next_prompt(DAY_8, facts(dosed=False)) == CLOSES
    assert next_prompt(WEEK_24, facts()) == utc("2027-09-18 22:00")
    assert next_prompt(WEEK_24, facts(confirmed=CLEARED)) == utc("2027-09-04 08:00")


def test_quiet_hours_put_off_to_the_morning():
    """Enrolled at 22:30 local time, with an invitation due since ten in the morning."""
    assert verdicts(utc("2027-03-28 20:30")) == [(0, Hold(schedule.QUIET, utc("2027-03-29 06:00")))]


def test_a_retry_moves_the_next_look():
    later = FIRST + timedelta(minutes=10)
    assert next_prompt(DAY_8, facts(retry={("day-8", 0): later})) == later


def test_a_reminder_that_falls_due_does_not_wait_for_the_retry():
    late = THIRD - MINUTE
    assert next_prompt(DAY_8, facts(retry={("day-8", 0): late})) == SECOND
    assert verdicts(SECOND, retry={("day-8", 0): late})[-1] == (1, Send())


def test_nothing_from_before_an_import_is_sent():
    imported = facts(not_before=SECOND)
    assert [p.number for p in open_prompts(DAY_8, imported)] == [1, 2]
    assert next_prompt(DAY_8, imported) == SECOND
    assert next_prompt(DAY_8, facts(not_before=CLOSES)) is None


def test_without_a_date_there_is_nothing_to_do():
    nowhere = schedule.Facts(zone="UTC", anchors={})
    assert judge(DAY_8, nowhere, FIRST) == []
    assert next_prompt(DAY_8, nowhere) is None
    assert barrier(DAY_8, nowhere) == Hold(schedule.NOT_CONFIRMED)


def test_following_the_verdicts_sends_each_message_once_and_ends():
    """The worker's whole life with one timepoint: look when told, do as told."""
    settled: frozenset[tuple[str, int]] = frozenset()
    sent = []
    while (now := next_prompt(DAY_8, facts(settled=settled))) is not None:
        for prompt, verdict in judge(DAY_8, facts(settled=settled), now):
            sent += [prompt.utc] if isinstance(verdict, Send) else []
            settled |= {(prompt.timepoint, prompt.number)}
    assert sent == [FIRST, SECOND, THIRD]
