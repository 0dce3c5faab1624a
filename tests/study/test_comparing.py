"""Comparing: change from baseline and first course against second, by hand and against numpy."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from surveyapp.study.comparing import GroupChange, courses_compared, group_changes
from surveyapp.study.record import Person

from .samples import FIRST, HADS, LIBRARY, MEQ30, course, person, sheet

AGAIN = date(2028, 1, 20)
BEFORE = {1: "2027-03-13 10:00", 2: "2028-01-13 10:00"}
AFTER = {1: "2027-03-28 10:00", 2: "2028-01-28 10:00"}
ANXIETY = [i in range(0, 14, 2) for i in range(14)]
POINTS = st.one_of(st.none(), st.integers(0, 3))


def hads(points: int) -> list[int | None]:
    """Anxiety of 7 x `points`, depression of 7."""
    return [points if odd else 1 for odd in ANXIETY]


def someone(code: str, *courses: tuple[int | None, int | None]) -> Person:
    """Baseline and day 8 of each course, in points an item; None was not answered."""
    made = []
    for number, (before, after) in enumerate(courses, 1):
        sheets = [
            sheet(name, HADS, when[number], hads(points))
            for name, when, points in (("baseline", BEFORE, before), ("day-8", AFTER, after))
            if points is not None
        ]
        more = {"dosing": AGAIN} if number == 2 else {}
        made.append(course(number, *sheets, doses=[FIRST], **more))
    return person(*made, code=code)


def change(people: list[Person], number: int = 1, scale: str = "anxiety") -> GroupChange:
    rows = group_changes(people, LIBRARY.instruments)
    key = (number, "baseline", "day-8", scale)
    return next(r for r in rows if (r.course, r.start, r.end, r.scale) == key)


def compared(people: list[Person], measure: str, timepoint: str = "day-8"):
    return next(
        r
        for r in courses_compared(people, LIBRARY.instruments)
        if (r.measure, r.scale, r.timepoint) == (measure, "anxiety", timepoint)
    )


def test_change_is_over_those_with_both_scores():
    people = [someone("a", (3, 1)), someone("b", (2, 1)), someone("c", (1, None))]
    found = change([*people, someone("d", (None, 0))])
    half = stats.t.ppf(0.975, 1) * np.std([-14, -7], ddof=1) / np.sqrt(2)
    assert (found.n, found.mean) == (2, -10.5)
    assert (found.ci_low, found.ci_high) == pytest.approx((-10.5 - half, -10.5 + half))
    assert found.effect_size == pytest.approx(-10.5 / np.std([21, 14], ddof=1))


def test_change_of_one_person_or_from_one_level_has_no_effect_size():
    alone, level = change([someone("a", (2, 1))]), change([someone(c, (2, 1)) for c in "abc"])
    assert (alone.n, alone.mean, alone.sd, alone.effect_size) == (1, -7, None, None)
    assert (level.n, level.mean, level.sd, level.effect_size) == (3, -7, 0, None)


def test_change_of_nobody_and_what_has_a_change_at_all():
    rows = group_changes([person(course(1))], LIBRARY.instruments)
    assert [(r.start, r.end, r.instrument, r.scale, r.n, r.mean) for r in rows] == [
        ("baseline", end, "hads", scale, 0, None)
        for end in ("day-8", "week-24")
        for scale in ("anxiety", "depression", "total")
    ]
    assert group_changes([], LIBRARY.instruments) == []
    assert courses_compared([], LIBRARY.instruments) == []


def test_a_baseline_after_the_dose_is_no_baseline():
    late = sheet("baseline", HADS, "2027-03-20 10:00", hads(3))
    people = [person(course(1, late, sheet("day-8", HADS, AFTER[1], hads(1)), doses=[FIRST]))]
    assert change(people).n == 0


def test_courses_are_compared_for_the_same_people():
    people = [
        someone("a", (3, 2), (2, 0)),
        someone("b", (2, 2), (3, 1)),
        someone("c", (1, 1)),
        someone("d", (3, 3), (1, None)),
    ]
    level, moved = compared(people, "score"), compared(people, "change")
    assert (level.n, level.mean_first, level.mean_second, level.difference) == (2, 14, 3.5, -10.5)
    assert (moved.n, moved.mean_first, moved.mean_second) == (2, -3.5, -14)
    assert moved.difference == -10.5
    assert compared(people, "score", "baseline").n == 3


def test_who_has_a_second_course_alone_is_in_no_comparison():
    second = course(2, sheet("day-8", HADS, AFTER[2], hads(1)), dosing=AGAIN)
    assert courses_compared([person(second)], LIBRARY.instruments) == []
    rows = courses_compared([person(second, code="x"), someone("a", (1, 1))], LIBRARY.instruments)
    assert {(r.n, r.mean_first, r.mean_second, r.difference) for r in rows} == {
        (0, None, None, None)
    }


def test_a_session_is_compared_by_its_scores_and_has_no_change():
    sheets = {n: sheet("day-8", MEQ30, AFTER[n], n + 2) for n in (1, 2)}
    people = [person(course(1, sheets[1]), course(2, sheets[2], dosing=AGAIN))]
    rows = [r for r in courses_compared(people, LIBRARY.instruments) if r.instrument == "meq30"]
    assert {r.measure for r in rows} == {"score"}
    assert {(r.mean_first, r.mean_second) for r in rows} == {(60, 80)}


@given(st.lists(st.tuples(POINTS, POINTS, POINTS, POINTS), min_size=1, max_size=8))
def test_any_group_is_numpys(points):
    people = [someone(str(i), (a, b), (c, d)) for i, (a, b, c, d) in enumerate(points)]
    table = 7 * np.array([[np.nan if v is None else v for v in row] for row in points], float)
    both = table[~np.isnan(table[:, :2]).any(axis=1)]
    found = change(people)
    assert found.n == len(both)
    if len(both) > 1:
        moved, spread = both[:, 1] - both[:, 0], both[:, 0].std(ddof=1)
        assert (found.mean, found.sd) == pytest.approx((moved.mean(), moved.std(ddof=1)))
        expected = pytest.approx(moved.mean() / spread) if spread else None
        assert found.effect_size == expected
    all_four = table[~np.isnan(table).any(axis=1)]
    moved = compared(people, "change")
    assert moved.n == len(all_four)
    if len(all_four):
        first, second = all_four[:, 1] - all_four[:, 0], all_four[:, 3] - all_four[:, 2]
        assert moved.difference == pytest.approx((second - first).mean())
        assert (moved.mean_first, moved.mean_second) == pytest.approx((first.mean(), second.mean()))
