"""The protocols that come with the program: weeks that do not overlap, and three dosing days."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyapp.config import Settings
from surveyapp.study.library import load_library
from surveyapp.study.protocol import EARLIEST, LATEST
from surveyapp.study.schedule import (
    AnchorFact,
    Facts,
    Hold,
    barrier,
    plan,
    prompts_of,
    state_of,
    window_of,
    windows,
)

LIBRARY = load_library(Settings().instruments)
PAIN, MDMA = LIBRARY.protocols["chronic-pain"], LIBRARY.protocols["mdma"]
ZONES = ("Europe/Amsterdam", "America/St_Johns", "Pacific/Auckland", "Asia/Kathmandu", "UTC")
START = date(2027, 3, 20)

days = st.dates(date(2000, 1, 1), date(2090, 1, 1))
zones = st.sampled_from(ZONES)
gaps = st.tuples(st.integers(14, 60), st.integers(14, 60))


def three(first: date, gap: tuple[int, int], *confirmed: bool) -> dict[str, AnchorFact]:
    dates = (first, first + timedelta(gap[0]), first + timedelta(gap[0] + gap[1]))
    sure = (*confirmed, True, True, True)
    return {f"dosing-{n}": AnchorFact(on, sure[n - 1]) for n, on in enumerate(dates, 1)}


def test_twelve_weeks_stand_in_the_protocol() -> None:
    assert [t.id for t in PAIN.timepoints] == ["baseline", *(f"week-{n:02}" for n in range(1, 13))]
    assert PAIN.timepoint("week-12").label == "Week 12"
    assert PAIN.timepoint("week-12").target == 84
    assert not PAIN.main_anchor.dosing
    assert all(anchor.dosing for anchor in MDMA.anchors)


@given(days, zones)
def test_weeks_never_overlap_and_leave_no_day_out(start: date, zone: str) -> None:
    facts = Facts(zone, {"start": AnchorFact(start, True)})
    found = [window for _timepoint, window in windows(PAIN, facts)]
    assert len(found) == 13
    for one, other in pairwise(found[1:]):
        assert one.closes_at == other.opens_at
    assert found[0].closes_at <= found[1].opens_at


@given(days, gaps, zones)
def test_every_prompt_lies_in_its_window_by_day(
    first: date, gap: tuple[int, int], zone: str
) -> None:
    anchors = {"start": AnchorFact(first, True), **three(first, gap)}
    facts = Facts(zone, anchors)
    for timepoint in (*PAIN.timepoints, *MDMA.timepoints):
        window = window_of(timepoint, facts)
        assert window is not None
        prompts = prompts_of(timepoint, facts)
        assert len(prompts) >= 2
        for prompt in prompts:
            assert window.opens_at <= prompt.utc < window.closes_at
            assert EARLIEST <= prompt.local.time() <= LATEST


def test_every_week_has_one_message_and_one_reminder() -> None:
    facts = Facts(ZONES[0], {"start": AnchorFact(START, True)})
    assert len(plan(PAIN, facts)) == 13 * 2
    assert len({p.utc for p in plan(PAIN, facts)}) == 26


def test_what_counts_from_a_day_without_date_is_not_expected() -> None:
    anchors = {"dosing-1": AnchorFact(START, True)}
    facts = Facts(ZONES[0], anchors)
    window = window_of(MDMA.timepoint("session-1"), facts)
    assert window is not None
    states = {t.id: state_of(t, facts, window.opens_at) for t in MDMA.timepoints}
    assert states["session-1"] == "open"
    assert {states[n] for n in ("session-2", "ratings-3", "week-8-after-third")} == {"not expected"}
    assert {p.timepoint for p in plan(MDMA, facts)} == {"baseline", "session-1", "ratings-1"}


@pytest.mark.parametrize("number", [1, 2, 3])
def test_each_dosing_day_holds_its_own_prompts_alone(number: int) -> None:
    sure = tuple(n != number for n in (1, 2, 3))
    facts = Facts(ZONES[0], three(START, (28, 28), *sure))
    held = {t.id for t in MDMA.timepoints if barrier(t, facts)}
    wanted = {t.id for t in MDMA.timepoints if t.after_anchor and t.anchor == f"dosing-{number}"}
    assert held == wanted
    ordinal = ("first", "second", "third")[number - 1]
    assert barrier(MDMA.timepoint(f"session-{number}"), facts) == Hold(
        f"the {ordinal} dosing day is not confirmed"
    )


def test_a_start_is_not_called_a_dosing_day() -> None:
    facts = Facts(ZONES[0], {"start": AnchorFact(START, False)})
    assert barrier(PAIN.timepoint("week-01"), facts) == Hold("the start is not confirmed")
    assert barrier(PAIN.timepoint("baseline"), facts) is None
