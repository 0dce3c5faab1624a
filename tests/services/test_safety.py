"""The safety log: what is recorded, what is refused, and what two people at once see."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from surveyapp.services import dosing, personal, pressure, safety, safetylog
from surveyapp.services.dosing import NewDose
from surveyapp.services.errors import InputError, NotFoundError, StaleError
from surveyapp.services.pressure import NewReading
from surveyapp.services.safety import NewEvent
from surveyapp.services.site import Site
from surveyapp.store import trail
from surveyapp.store.tables import AdverseEvent
from tests.world import DOSING, add_course

EVENING = datetime(2027, 3, 20, 17, tzinfo=UTC)
"""18:00 on the dosing day in Amsterdam."""
BY: dict[str, Any] = {"actor": "staff:1", "now": EVENING}
NAUSEA = NewEvent(
    term="Nausea",
    grade=1,
    on=DOSING,
    at=time(11, 30),
    ended_on=DOSING,
    ended_at=time(13),
    relatedness="probable",
    action="watched",
    outcome="recovered",
    source="volunteered",
)


@pytest.fixture
def dosed(site: Site) -> Site:
    """A person with 25 mg at 10:00 and a booster at 11:15."""
    add_course(site)
    dosing.record_dose(site, "P-01", 1, NewDose("first", "given", 25, DOSING, time(10)), **BY)
    dosing.record_dose(site, "P-01", 1, NewDose("booster", "given", 10, DOSING, time(11, 15)), **BY)
    return site


def log(site: Site) -> safetylog.CourseLog:
    return personal.person_view(site, "P-01", EVENING).courses[0].log


def test_an_event_stands_with_its_minutes_after_dose_and_booster(dosed: Site) -> None:
    safety.record_event(dosed, "P-01", 1, NAUSEA, **BY)
    (event,) = log(dosed).events
    assert (event.term, event.grade, event.serious) == ("Nausea", 1, False)
    assert (event.since_dose, event.since_booster) == (90, 15)
    assert event.after == "1 h 30 min after the dose, 15 min after the booster"
    assert f"{event.start:%H:%M}" == "11:30"
    with dosed.database.read() as session:
        assert trail.verify(session).fault is None


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"term": " "}, "term"),
        ({"term": "x" * 201}, "term"),
        ({"grade": 6}, "grade"),
        ({"grade": None}, "grade"),
        ({"on": None}, "on"),
        ({"on": date(1927, 3, 20)}, "on"),
        ({"at": None}, "at"),
        ({"at": time(19), "ended_on": None, "ended_at": None}, "on"),
        ({"at": time(9)}, "before"),
        ({"ended_at": time(11)}, "ended_at"),
        ({"ended_at": None}, "ended_at"),
        ({"ended_at": time(23)}, "ended_on"),
        ({"relatedness": ""}, "relatedness"),
        ({"relatedness": "surely"}, "relatedness"),
        ({"outcome": "died"}, "outcome"),
        ({"note": "x" * 1001}, "note"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(
    dosed: Site, change: dict[str, Any], field: str
) -> None:
    with pytest.raises(InputError) as caught:
        safety.record_event(dosed, "P-01", 1, replace(NAUSEA, **change), **BY)
    assert field in caught.value.problems
    assert log(dosed).events == ()


def test_an_event_before_the_dose_is_taken_when_it_is_meant(dosed: Site) -> None:
    early = replace(NAUSEA, at=time(9), before=True)
    safety.record_event(dosed, "P-01", 1, early, **BY)
    (event,) = log(dosed).events
    assert (event.before_dose, event.since_dose) == (True, None)
    assert event.after == "before the first dose"


def test_an_event_that_is_there_is_not_recorded_twice(dosed: Site) -> None:
    safety.record_event(dosed, "P-01", 1, NAUSEA, **BY)
    with pytest.raises(InputError) as caught:
        safety.record_event(dosed, "P-01", 1, replace(NAUSEA, term=" NAUSEA "), **BY)
    assert "already" in caught.value.problems["term"]


@pytest.mark.parametrize("grade", [4, 5])
def test_danger_to_life_and_death_are_serious(dosed: Site, grade: int) -> None:
    safety.record_event(dosed, "P-01", 1, replace(NAUSEA, grade=grade), **BY)
    assert log(dosed).events[0].serious


def test_a_change_keeps_what_stood_before_in_the_trail(dosed: Site) -> None:
    safety.record_event(dosed, "P-01", 1, NAUSEA, **BY)
    event = log(dosed).events[0]
    kept, edition = safety.event_of(dosed, "P-01", 1, event.id)
    assert kept == replace(NAUSEA)
    safety.change_event(dosed, "P-01", 1, event.id, replace(kept, grade=2), edition, **BY)
    assert log(dosed).events[0].grade == 2
    with dosed.database.read() as session:
        assert trail.verify(session).fault is None


def test_of_two_who_change_one_event_the_second_sees_what_the_first_did(dosed: Site) -> None:
    safety.record_event(dosed, "P-01", 1, NAUSEA, **BY)
    event = log(dosed).events[0]
    kept, edition = safety.event_of(dosed, "P-01", 1, event.id)
    safety.change_event(dosed, "P-01", 1, event.id, replace(kept, grade=3), edition, **BY)
    second = replace(kept, note="second", serious=True)
    with pytest.raises(StaleError) as caught:
        safety.change_event(dosed, "P-01", 1, event.id, second, edition, **BY)
    told = caught.value.problems[""]
    for words in ("the grade: “3” (you typed “1”)", "the note: none (you typed “second”)"):
        assert words in told
    assert "serious: no (you typed yes)" in told
    assert "the outcome" not in told
    assert caught.value.edition == edition + 1
    assert (log(dosed).events[0].grade, log(dosed).events[0].note) == (3, "")


def test_a_change_leaves_the_seconds_of_an_import_as_they_are(site: Site) -> None:
    course = add_course(site)
    at, end = (datetime(2027, 3, 20, 11, 0, second, tzinfo=UTC) for second in (17, 43))
    with site.database.write() as session:
        words = {"term": "Nausea", "grade": 1, "serious": False, "relatedness": "possible"}
        times = {"started_at": at, "ended_at": end, "recorded_at": at}
        session.add(AdverseEvent(course_id=course, **words, **times))
    event = log(site).events[0]
    kept, edition = safety.event_of(site, "P-01", 1, event.id)
    shown = replace(kept, at=time(12), ended_at=time(12), grade=2)
    safety.change_event(site, "P-01", 1, event.id, shown, edition, **BY)
    after = log(site).events[0]
    assert (after.grade, after.start, after.end) == (2, at, end)
    later = replace(shown, ended_at=time(12, 30))
    safety.change_event(site, "P-01", 1, event.id, later, edition + 1, **BY)
    assert log(site).events[0].start == at


def test_readings_of_yesterday_are_written_up_where_they_belong(dosed: Site) -> None:
    morning = datetime(2027, 3, 21, 9, tzinfo=UTC)
    for on, at in ((DOSING, time(14)), (date(2027, 3, 21), time(0, 30))):
        new = NewReading(140, 90, None, on, at)
        pressure.add_reading(dosed, "P-01", 1, new, actor="staff:1", now=morning)
    assert [r.since_dose for r in log(dosed).readings] == [14 * 60 + 30, 4 * 60]


def test_another_persons_event_is_not_found(dosed: Site) -> None:
    safety.record_event(dosed, "P-01", 1, NAUSEA, **BY)
    event = log(dosed).events[0]
    add_course(dosed, code="P-02")
    with pytest.raises(NotFoundError):
        safety.event_of(dosed, "P-02", 1, event.id)


def test_the_checklist_is_recorded_whole_or_not_at_all(dosed: Site) -> None:
    headache = replace(NAUSEA, term="Headache", at=time(15), ended_at=time(16), source="asked")
    bad = {"Headache": headache, "Nausea": replace(NAUSEA, at=None)}
    with pytest.raises(InputError) as caught:
        safety.record_checklist(dosed, "P-01", 1, bad, **BY)
    assert set(caught.value.problems) == {"Nausea: at"}
    assert log(dosed).events == ()
    assert safety.record_checklist(dosed, "P-01", 1, {"Headache": headache}, **BY) == 1
    assert [(e.term, e.source) for e in log(dosed).events] == [("Headache", "asked")]


def test_readings_stand_newest_first_and_can_be_withdrawn(dosed: Site) -> None:
    for at, upper in ((time(9, 50), 128), (time(11), 152), (time(12), 184)):
        high = pressure.add_reading(dosed, "P-01", 1, NewReading(upper, 90, 72, DOSING, at), **BY)
        assert high == (upper == 184)
    readings = log(dosed).readings
    assert [(r.systolic, r.since_dose, r.since_booster) for r in readings] == [
        (184, 120, 45),
        (152, 60, None),
        (128, None, None),
    ]
    with pytest.raises(InputError):
        pressure.withdraw_reading(dosed, "P-01", 1, readings[0].id, " ", **BY)
    pressure.withdraw_reading(dosed, "P-01", 1, readings[0].id, "typed wrongly", **BY)
    assert [r.systolic for r in log(dosed).readings] == [152, 128]
    with pytest.raises(NotFoundError):
        pressure.withdraw_reading(dosed, "P-01", 1, readings[0].id, "again", **BY)


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        (NewReading(None, 80, None, DOSING, time(11)), "systolic"),
        (NewReading(12.5, 80, None, DOSING, time(11)), "systolic"),
        (NewReading(301, 80, None, DOSING, time(11)), "systolic"),
        (NewReading(80, 120, None, DOSING, time(11)), "diastolic"),
        (NewReading(120, 80, 300, DOSING, time(11)), "pulse"),
        (NewReading(120, 80, 70, DOSING, None), "at"),
        (NewReading(120, 80, 70, None, time(11)), "on"),
        (NewReading(120, 80, 70, date(2027, 3, 19), time(11)), "on"),
        (NewReading(120, 80, 70, date(2027, 3, 23), time(11)), "on"),
        (NewReading(120, 80, 70, DOSING, time(20)), "at"),
    ],
)
def test_a_reading_that_cannot_be_is_refused(dosed: Site, typed: NewReading, field: str) -> None:
    with pytest.raises(InputError) as caught:
        pressure.add_reading(dosed, "P-01", 1, typed, **BY)
    assert field in caught.value.problems
    assert log(dosed).readings == ()


def test_the_table_for_authorities_holds_no_formula(dosed: Site) -> None:
    safety.record_event(dosed, "P-01", 1, replace(NAUSEA, term="=HYPERLINK(1)"), **BY)
    head, line = safetylog.as_csv(safetylog.retreat_log(dosed, 1)).split("\r\n")[:2]
    assert head.split(",") == list(safetylog.COLUMNS)
    assert line.startswith("P-01,1,'=HYPERLINK(1),1,no,2027-03-20T11:30:00+01:00,")
    assert ",90,15,no,probable," in line
