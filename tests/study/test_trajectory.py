"""Trajectory: points with their marks, gaps with their reasons, change from the own baseline."""

from __future__ import annotations

from datetime import date

import pytest

from surveyapp.study.record import Course, Person
from surveyapp.study.schedule import Facts
from surveyapp.study.trajectory import changes, line

from .samples import (
    FIRST,
    HADS,
    MEQ30,
    PROTOCOL,
    RATINGS,
    course,
    person,
    sheet,
    utc,
)

NOW = utc("2027-10-01 10:00")
BEFORE, DAY_8, WEEK_24 = "2027-03-13 10:00", "2027-03-28 10:00", "2027-09-04 10:00"
ANXIETY = HADS.scale("anxiety")


def anxiety(person: Person, course: Course, now=NOW):
    return line(person, course, HADS, ANXIETY, now)


def of_one(*sheets, **more):
    """The anxiety line of a person with one course."""
    only = course(1, *sheets, doses=[FIRST], **more)
    return only, anxiety(person(only), only)


def test_points_lie_at_true_days_with_their_bands():
    _, found = of_one(
        sheet("baseline", HADS, BEFORE, 2),
        sheet("day-8", HADS, "2027-03-30 10:00", 1),
        sheet("week-24", HADS, WEEK_24, 0),
    )
    assert [(p.timepoint, p.day, p.value, p.band) for p in found.points] == [
        ("baseline", -7, 14, "case"),
        ("day-8", 10, 7, "normal"),
        ("week-24", 168, 0, "normal"),
    ]
    assert found.gaps == ()
    assert found.baseline is found.points[0]


def test_days_are_local_dates():
    """23:30 UTC on the 27th is already day 8 in Amsterdam."""
    _, found = of_one(sheet("day-8", HADS, "2027-03-27 23:30", 1))
    assert (found.points[0].day, found.points[0].on) == (8, date(2027, 3, 28))
    _, west = of_one(sheet("day-8", HADS, "2027-03-28 05:00", 1), zone="America/Los_Angeles")
    assert (west.points[0].day, west.points[0].marks) == (7, ("early",))


def test_what_lies_outside_its_window_is_marked():
    _, found = of_one(
        sheet("baseline", HADS, "2027-02-01 10:00", 1),
        sheet("day-8", HADS, "2027-04-10 10:00", 1),
    )
    assert [p.marks for p in found.points] == [("early",), ("late",)]
    assert found.points[0].is_baseline


@pytest.mark.parametrize("at", ["2027-03-20 06:00", "2027-03-25 10:00"])
def test_a_baseline_on_or_after_the_dosing_day_is_none(at):
    only, found = of_one(sheet("baseline", HADS, at, 2), sheet("day-8", HADS, DAY_8, 1))
    assert found.points[0].marks == ("late", "after the dose")
    assert found.baseline is None
    assert changes(only, HADS, found) == []


def test_the_last_moment_before_the_dosing_day_is_a_baseline():
    _, found = of_one(sheet("baseline", HADS, "2027-03-19 22:59", 2))
    assert (found.baseline.day, found.baseline.marks) == (-1, ())


def second_dose_at(day: date, *, dosed: bool = True) -> tuple[Person, Course, Course]:
    first = course(
        1,
        sheet("baseline", HADS, BEFORE, 2),
        sheet("week-24", HADS, WEEK_24, 1),
        doses=[FIRST],
    )
    own = sheet("baseline", HADS, "2027-08-25 10:00", 3)
    second = course(2, own, dosing=day, doses=[FIRST] if dosed else [])
    return person(first, second), first, second


def test_answers_after_another_courses_dose_are_drawn_and_do_not_count():
    who, first, second = second_dose_at(date(2027, 9, 1))
    found = anxiety(who, first)
    assert found.points[-1].marks == ("after another dose",)
    assert changes(first, HADS, found) == []
    assert anxiety(who, second).baseline.value == 21


def test_the_day_of_the_other_dose_counts_as_after_it():
    who, first, _ = second_dose_at(date(2027, 9, 4))
    assert anxiety(who, first).points[-1].marks == ("after another dose",)
    who, first, _ = second_dose_at(date(2027, 9, 5))
    assert anxiety(who, first).points[-1].marks == ()


def test_a_second_course_without_a_dose_disturbs_nothing():
    who, first, _ = second_dose_at(date(2027, 9, 1), dosed=False)
    assert anxiety(who, first).points[-1].marks == ()
    assert len(changes(first, HADS, anxiety(who, first))) == 1


def test_gaps_say_why():
    only = course(
        1,
        sheet("baseline", HADS, BEFORE, [None] * 14),
        started=frozenset({("day-8", "hads")}),
        submitted={("baseline", "hads"): utc(BEFORE)},
    )
    found = anxiety(person(only), only, utc("2027-04-10 10:00"))
    assert [(g.timepoint, g.target_day, g.reason) for g in found.gaps] == [
        ("baseline", -7, "too few answers"),
        ("day-8", 8, "in progress"),
        ("week-24", 168, "upcoming"),
    ]
    assert found.points == ()


def test_without_an_anchor_there_are_only_gaps():
    lost = sheet("baseline", HADS, BEFORE, 1)
    only = Course(1, "Somewhere", PROTOCOL, Facts(zone="UTC", anchors={}), sheets=(lost,))
    found = anxiety(person(only), only)
    assert found.points == ()
    assert {g.reason for g in found.gaps} == {"not expected"}


def test_estimated_points_say_so():
    _, found = of_one(sheet("baseline", HADS, BEFORE, [2, 0] * 4 + [None] * 6))
    point = found.points[0]
    assert (point.estimated, point.answered, point.of) == (True, 4, 7)


def test_change_is_judged_by_the_protocols_pair():
    only, found = of_one(
        sheet("baseline", HADS, BEFORE, 2),
        sheet("day-8", HADS, DAY_8, [1, 2] * 7),
        sheet("week-24", HADS, WEEK_24, [1, 2] * 6 + [2, 2]),
    )
    to_day_8, to_week_24 = changes(only, HADS, found)
    assert (to_day_8.retest, to_week_24.retest) == ("2-6 weeks", "longer")
    assert (to_day_8.change.difference, to_week_24.change.difference) == (-7, -6)
    assert to_day_8.change.reliable.verdict == "fall"
    assert round(to_day_8.change.reliable.limit, 4) == 5.4155
    assert round(to_week_24.change.reliable.limit, 4) == 5.7085
    assert to_day_8.change.meaningful is None


def test_total_changes_without_a_verdict():
    only = course(1, sheet("baseline", HADS, BEFORE, 2), sheet("day-8", HADS, DAY_8, 0))
    total = line(person(only), only, HADS, HADS.scale("total"), NOW)
    (found,) = changes(only, HADS, total)
    assert (found.change.difference, found.change.reliable) == (-28, None)


def test_a_session_form_has_no_change():
    only = course(1, sheet("day-8", MEQ30, DAY_8, 4))
    found = line(person(only), only, MEQ30, MEQ30.scale("mystical"), NOW)
    assert (found.points[0].value, found.points[0].is_baseline) == (80, False)
    assert changes(only, MEQ30, found) == []


def test_an_instrument_that_is_not_asked_has_an_empty_line():
    only = course(1)
    found = line(person(only), only, RATINGS, RATINGS.scale("pain"), NOW)
    assert (found.points, found.gaps, found.baseline) == ((), (), None)
