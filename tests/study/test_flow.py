"""Flow: everybody who was enrolled is in exactly one place at every timepoint."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from surveyapp.study.flow import Flow, flow
from surveyapp.study.record import MISSING, Course, Ending, Person

from .samples import DOSING, FIRST, HADS, MEQ30, course, facts, person, sheet, utc

NOW = utc("2027-12-01 12:00")
BEFORE, AFTER = "2027-03-13 10:00", "2027-03-28 10:00"


def taken(*sheets, dosing: date = DOSING, ended: Ending | None = None, **missing: str) -> Course:
    """A first course with what was sent."""
    sent = {(s.timepoint, s.instrument): s.submitted_at for s in sheets}
    known = facts(dosing, submitted=sent, ended_on=ended.on if ended else None)
    endings = (ended,) if ended else ()
    made = replace(course(1, *sheets, doses=[FIRST]), facts=known, endings=endings)
    return replace(made, missing={k.replace("_", "-"): v for k, v in missing.items()})


def day_8(*courses: Course, now=NOW) -> Flow:
    people = [person(c, code=str(i)) for i, c in enumerate(courses)]
    return next(r for r in flow(people, now) if r.timepoint == "day-8")


def both(at: str) -> tuple:
    return sheet("day-8", HADS, at, 1), sheet("day-8", MEQ30, at, 1)


def test_whoever_sent_all_has_answered_and_late_after_the_window():
    found = day_8(taken(*both(AFTER)), taken(*both("2027-05-01 10:00")))
    assert (found.enrolled, found.expected, found.answered, found.late) == (2, 2, 2, 1)
    assert (found.missed, found.in_part, found.waiting, found.reasons) == (0, 0, 0, {})


def test_what_is_missing_and_why():
    part = taken(both(AFTER)[0])
    found = day_8(part, taken(), taken(day_8="too unwell"), taken(day_8="declined"))
    assert (found.in_part, found.missed) == (1, 3)
    assert list(found.reasons.items()) == [("too unwell", 1), ("declined", 1), ("not recorded", 2)]


def test_what_may_still_come_is_not_missed_unless_a_reason_says_so():
    early = utc("2027-03-29 12:00")
    found = day_8(taken(), taken(both(AFTER)[0]), taken(day_8="declined"), now=early)
    assert (found.waiting, found.missed, found.reasons) == (2, 1, {"declined": 1})


def test_who_left_or_died_is_not_expected_but_keeps_what_was_sent():
    on = date(2027, 3, 25)
    found = day_8(
        taken(ended=Ending("withdrawn", on)),
        taken(ended=Ending("died", on)),
        taken(*both(AFTER), ended=Ending("died", date(2027, 3, 29))),
        taken(ended=Ending("died", date(2027, 9, 1))),
    )
    assert (found.enrolled, found.expected, found.withdrawn, found.died) == (4, 2, 1, 1)
    assert (found.answered, found.missed) == (1, 1)


def test_who_left_before_a_day_was_set_has_left_and_others_wait():
    ended = Ending("withdrawn", DOSING)
    bare = replace(course(1), facts=replace(facts(), anchors={}))
    gone = replace(bare, endings=(ended,), facts=replace(bare.facts, ended_on=ended.on))
    found = day_8(bare, gone)
    assert (found.expected, found.waiting, found.withdrawn) == (1, 1, 1)


def test_an_answer_that_no_figure_counts_is_told():
    people: list[Person] = [person(taken(sheet("baseline", HADS, "2027-03-20 10:00", 1)))]
    found = flow(people, NOW)[0]
    assert (found.timepoint, found.answered, found.late, found.left_out) == ("baseline", 1, 1, 1)


def test_nobody_has_no_flow():
    assert flow([], NOW) == []


SENT = st.sampled_from([BEFORE, AFTER, "2027-05-01 10:00", None])
ENDED = st.one_of(
    st.none(),
    st.builds(
        Ending,
        st.sampled_from(["withdrawn", "died"]),
        st.dates(date(2027, 3, 1), date(2027, 12, 1)),
    ),
)


@given(
    st.lists(st.tuples(SENT, SENT, ENDED, st.sampled_from(["", *MISSING])), max_size=6),
    st.sampled_from([utc("2027-03-01 12:00"), utc("2027-04-20 12:00"), NOW]),
)
def test_everybody_is_in_one_place(lives, now):
    courses = []
    for hads_at, meq_at, ended, why in lives:
        forms = [(HADS, hads_at), (MEQ30, meq_at)]
        sheets = [sheet("day-8", i, at, 1) for i, at in forms if at]
        courses.append(taken(*sheets, ended=ended, **({"day_8": why} if why else {})))
    for row in flow([person(c, code=str(i)) for i, c in enumerate(courses)], now):
        assert row.expected == row.answered + row.in_part + row.missed + row.waiting
        assert row.enrolled == len(lives) == row.expected + row.withdrawn + row.died
        assert sum(row.reasons.values()) == row.in_part + row.missed
        assert row.late <= row.answered
