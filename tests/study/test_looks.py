"""Looks: whatever the facts, each look the worker is told to take leads somewhere.

A look that settles nothing and names the same moment again would keep a worker spinning.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import available_timezones

from hypothesis import given
from hypothesis import strategies as st

from surveyapp.study.schedule import (
    WISHED,
    AnchorFact,
    Facts,
    Hold,
    Prompt,
    Send,
    Skip,
    Verdict,
    is_quiet,
    judge,
    next_prompt,
)

from .samples import PROTOCOL, utc

LEASE = timedelta(minutes=2)
LOOK_AGAIN = timedelta(hours=6)
MINUTES = st.integers(0, 60 * 24 * 20)
ANY_TIME = MINUTES.map(lambda m: utc("2027-03-25 00:00") + timedelta(minutes=m))
KEYS = st.tuples(st.just("day-8"), st.sampled_from([0, 1, 2, WISHED + 1]))
HOURS = st.integers(0, 95).map(lambda quarter: time(quarter // 4, 15 * (quarter % 4)))
ZONES = st.sampled_from(sorted(available_timezones()))


@st.composite
def any_facts(draw: st.DrawFn) -> Facts:
    """Day 8 in any zone with any retries, settled prompts, wish, pause, silence and quiet hours."""
    until = draw(st.none() | st.dates(date(2027, 3, 20), date(2027, 4, 10)))
    wish = draw(st.none() | ANY_TIME)
    return Facts(
        zone=draw(ZONES),
        anchors={"dosing": AnchorFact(date(2027, 3, 20), draw(st.booleans()))},
        consented=draw(st.booleans()),
        consent_ends=draw(st.none() | st.dates(date(2027, 3, 20), date(2027, 4, 10))),
        settled=frozenset(draw(st.sets(KEYS))),
        retry=draw(st.dictionaries(KEYS, ANY_TIME)),
        not_before=draw(st.none() | ANY_TIME),
        wished={"day-8": ((1, wish),)} if wish else {},
        silent=draw(st.sampled_from(["", "", "messages were stopped"])),
        paused_until=until,
        quiet=draw(st.none() | st.tuples(HOURS, HOURS).filter(lambda h: _leaves_an_hour(*h))),
    )


def _leaves_an_hour(start: time, end: time) -> bool:
    minutes = (time(m // 60, m % 60) for m in range(8 * 60, 20 * 60, 15))
    return start != end and sum(not is_quiet(at, (start, end)) for at in minutes) >= 4


def after(facts: Facts, prompt: Prompt, verdict: Verdict, now: datetime) -> Facts:
    """What a worker writes down whose mail server puts every message off."""
    key = prompt.timepoint, prompt.number
    if isinstance(verdict, Skip):
        return replace(facts, settled=facts.settled | {key})
    again = verdict.until or now + LOOK_AGAIN if isinstance(verdict, Hold) else now + LEASE
    return replace(facts, retry={**facts.retry, key: again})


@given(any_facts())
def test_every_look_finds_something_and_the_next_is_later(facts: Facts) -> None:
    timepoint = PROTOCOL.timepoint("day-8")
    for _ in range(30):
        now = next_prompt(timepoint, facts)
        if now is None:
            return
        found = judge(timepoint, facts, now)
        assert found, f"nothing to do at {now}"
        for prompt, verdict in found:
            if isinstance(verdict, Send):
                local = now.astimezone(prompt.local.tzinfo)
                assert not is_quiet(local.time(), facts.quiet)
                assert facts.consented
                assert facts.consent_ends is None or local.date() < facts.consent_ends
            facts = after(facts, prompt, verdict, now)
        following = next_prompt(timepoint, facts)
        assert following is None or following > now
