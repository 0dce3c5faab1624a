"""Summary: a group's figures, checked against scipy and by hand."""

from __future__ import annotations

import math
import statistics
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from surveyapp.study.record import Dose, Person
from surveyapp.study.scoring import score
from surveyapp.study.summary import (
    Share,
    booster_shares,
    criterion_shares,
    describe,
    group_medians,
    group_scores,
    t_quantile,
)

from .samples import BOOSTER, DECLINED, FIRST, HADS, LIBRARY, MEQ30, course, person, sheet

BEFORE, AFTER = "2027-03-13 10:00", "2027-03-28 10:00"
FOUR = [2, 0] * 4 + [None] * 6
"""Anxiety estimated from four answers, no depression to speak of."""


@pytest.mark.parametrize("df", [*range(1, 31), 40, 99, 100, 500])
@pytest.mark.parametrize("p", [0.6, 0.9, 0.975, 0.995])
def test_t_quantile_is_scipys(p, df):
    assert t_quantile(p, df) == pytest.approx(stats.t.ppf(p, df), rel=1e-9)


def test_describe_by_hand():
    mean, sd, low, high = describe([2, 4, 4, 4, 5, 5, 7, 9])
    half = 2.364624252 * math.sqrt(32 / 7) / math.sqrt(8)
    assert (mean, sd) == (5, pytest.approx(math.sqrt(32 / 7)))
    assert (low, high) == (pytest.approx(5 - half), pytest.approx(5 + half))


def test_describe_of_too_few():
    assert describe([]) == (None, None, None, None)
    assert describe([3]) == (3, None, None, None)
    assert describe([3, 3]) == (3, 0, 3, 3)


@given(st.lists(st.integers(0, 42), min_size=2, max_size=40))
def test_describe_is_the_librarys(values):
    mean, sd, low, high = describe(values)
    assert mean == pytest.approx(statistics.mean(values))
    assert sd == pytest.approx(statistics.stdev(values))
    if sd:
        error = sd / math.sqrt(len(values))
        interval = stats.t.interval(0.95, len(values) - 1, mean, error)
        assert (low, high) == pytest.approx(interval)


@given(st.lists(st.one_of(st.none(), st.integers(0, 3)), max_size=9))
def test_medians_stand_beside_every_score_and_leave_out_who_has_none(points):
    group = people(*([sheet("baseline", HADS, BEFORE, [p] * 14)] for p in points))
    medians = group_medians(group, LIBRARY.instruments)
    rows = group_scores(group, LIBRARY.instruments)
    keys = [(r.course, r.timepoint, r.instrument, r.scale) for r in rows]
    assert [(m.course, m.timepoint, m.instrument, m.scale) for m in medians] == keys
    known = [7 * p for p in points if p is not None]
    found = {m.scale: m.median for m in medians if m.timepoint == "baseline"}
    assert found.get("anxiety") == (statistics.median(known) if known else None)


def people(*sheets_of_each) -> list[Person]:
    return [
        person(course(1, *sheets, doses=[FIRST]), code=f"P-{n:02d}")
        for n, sheets in enumerate(sheets_of_each, 1)
    ]


def row(group, timepoint="baseline", scale="anxiety", number=1):
    found = [
        r
        for r in group_scores(group, LIBRARY.instruments)
        if (r.course, r.timepoint, r.scale) == (number, timepoint, scale)
    ]
    assert len(found) == 1
    return found[0]


def test_every_row_that_the_protocol_asks_exists_even_when_empty():
    rows = group_scores(people([]), LIBRARY.instruments)
    assert [(r.timepoint, r.instrument, r.scale, r.n, r.mean) for r in rows] == [
        (timepoint, name, scale.id, 0, None)
        for timepoint, name in [
            ("baseline", "hads"),
            ("day-8", "hads"),
            ("day-8", "meq30"),
            ("week-24", "hads"),
        ]
        for scale in LIBRARY.instruments[name].scales
    ]


def test_estimated_scores_count_in_n_and_not_in_complete_n():
    group = people(
        [sheet("baseline", HADS, BEFORE, 1)],
        [sheet("baseline", HADS, BEFORE, 2)],
        [sheet("baseline", HADS, BEFORE, FOUR)],
        [sheet("baseline", HADS, BEFORE, [None] * 14)],
        [],
    )
    found = row(group)
    assert (found.n, found.complete_n) == (3, 2)
    assert found.mean == pytest.approx((7 + 14 + 14) / 3)


def test_one_person_has_a_mean_and_no_spread():
    found = row(people([sheet("baseline", HADS, BEFORE, 1)]))
    assert (found.n, found.mean, found.sd, found.ci_low, found.ci_high) == (1, 7, None, None, None)


def test_a_baseline_after_the_dose_is_left_out():
    late = sheet("baseline", HADS, "2027-03-20 10:00", 3)
    assert row(people([late], [sheet("baseline", HADS, BEFORE, 1)])).n == 1


def test_answers_outside_their_window_count():
    assert row(people([sheet("baseline", HADS, "2027-01-13 10:00", 1)])).n == 1
    assert row(people([sheet("day-8", HADS, "2027-04-13 10:00", 1)]), "day-8").n == 1


def test_answers_after_another_courses_dose_are_left_out():

    first = course(1, sheet("week-24", HADS, "2027-09-04 10:00", 1), doses=[FIRST])
    second = course(2, dosing=date(2027, 6, 1), doses=[FIRST])
    assert row([person(first, second)], "week-24").n == 0
    not_dosed = course(2, dosing=date(2027, 6, 1))
    assert row([person(first, not_dosed)], "week-24").n == 1


def test_courses_are_apart():

    first = course(1, sheet("baseline", HADS, BEFORE, 1))
    second = course(2, sheet("baseline", HADS, "2028-01-13 10:00", 2), dosing=date(2028, 1, 20))
    group = [person(first, second)]
    assert (row(group).mean, row(group, number=2).mean) == (7, 14)


def test_complete_mystical_counts_those_for_whom_it_is_decided():
    undecided = [3] * 28 + [None, 3]
    group = people(
        [sheet("day-8", MEQ30, AFTER, 5)],
        [sheet("day-8", MEQ30, AFTER, 0)],
        [sheet("day-8", MEQ30, AFTER, undecided)],
        [],
    )
    assert score(MEQ30, group[2].courses[0].sheets[0].answers).criteria == {
        "complete_mystical": None
    }
    assert criterion_shares(group, "meq30", "complete_mystical") == [Share(1, 2, 1, 50)]


def test_shares_of_nobody():
    assert criterion_shares(people([]), "meq30", "complete_mystical") == [Share(1, 0, 0, None)]
    assert criterion_shares([], "meq30", "complete_mystical") == []
    assert criterion_shares(people([]), "ratings", "complete_mystical") == []


def test_boosters_of_those_who_had_a_dose():
    doses: list[list[Dose]] = [[FIRST, BOOSTER], [FIRST, DECLINED], [FIRST], []]
    group = [person(course(1, doses=d), code=str(n)) for n, d in enumerate(doses)]
    assert booster_shares(group) == [Share(1, 3, 1, pytest.approx(100 / 3))]
    assert booster_shares([person(course(4))]) == [Share(4, 0, 0, None)]
