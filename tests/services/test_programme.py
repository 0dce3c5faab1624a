"""Programme, attendance, notes and reasons: days that move, the trail, records and the export."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyapp.services import (
    attendance,
    enrolment,
    missing,
    notes,
    people,
    programme,
    stewardship,
    stopping,
)
from surveyapp.services.attendance import Attended
from surveyapp.services.enrolment import NewRetreat
from surveyapp.services.errors import InputError, RefusedError, StaleError
from surveyapp.services.exchange.exporting import export_folder
from surveyapp.services.missing import Reason
from surveyapp.services.people import NewPerson
from surveyapp.services.programme import TypedSession, lines_of
from surveyapp.services.site import Site
from surveyapp.services.stopping import NewStop
from surveyapp.store.records import load_person
from surveyapp.store.tables_group import SessionDate
from tests.study.samples import LIBRARY

from .test_exchange_export import rows

NOW = datetime(2027, 4, 20, 9, tzinfo=UTC)
BY: dict[str, Any] = {"actor": "staff:1", "now": NOW}
DAY = date(2027, 3, 20)
PROTOCOL = LIBRARY.protocols["second-retreat"]
NEW = TypedSession(date(2027, 5, 30), time(10), label="Integration 5", kind="integration")


@pytest.fixture
def retreat(site: Site) -> int:
    """Two people; the dosing day was 20 March, it is 20 April."""
    before: dict[str, Any] = {"actor": "staff:1", "now": datetime(2027, 3, 1, 9, tzinfo=UTC)}
    wish = NewRetreat("Spring", "second-retreat", "Europe/Amsterdam", DAY)
    made = enrolment.add_retreat(site, wish, **before)
    people.add_people(site, made, [NewPerson("P-01"), NewPerson("P-02")], **before)
    return made


def test_sessions_follow_the_dosing_day_until_staff_set_another(site: Site, retreat: int) -> None:
    held = programme.programme(site, retreat)
    days = {line.id: line.on for line in held.sessions}
    assert days["preparation-1"] == date(2027, 2, 27)
    assert days["dosing"] == DAY
    assert days["integration-4"] == date(2027, 5, 15)
    fixed = TypedSession(date(2027, 6, 1), time(9))
    typed = {"integration-4": fixed, "dosing": fixed}
    assert programme.save_programme(site, retreat, typed, NEW, 0, **BY) == 3
    held = programme.programme(site, retreat)
    lines = {line.id: line for line in held.sessions}
    assert (lines["integration-4"].on, lines["integration-4"].proposed) == (fixed.on, False)
    assert (lines["dosing"].on, lines["dosing"].at) == (DAY, time(9))
    assert lines["added-1"].label == "Integration 5"
    assert held.sessions[-1].id == "integration-4"


def test_the_same_again_changes_nothing(site: Site, retreat: int) -> None:
    held = programme.programme(site, retreat)
    typed = {line.id: TypedSession(line.on, line.at) for line in held.sessions}
    assert programme.save_programme(site, retreat, typed, None, 0, **BY) == 0
    assert programme.programme(site, retreat).edition == 0


def test_of_two_who_change_the_programme_the_second_is_told(site: Site, retreat: int) -> None:
    typed = {"integration-1": TypedSession(date(2027, 3, 22), None)}
    programme.save_programme(site, retreat, typed, None, 0, **BY)
    other = {"integration-1": TypedSession(date(2027, 3, 23), None)}
    with pytest.raises(StaleError, match="Mon 22 Mar 2027") as stale:
        programme.save_programme(site, retreat, other, None, 0, **BY)
    assert programme.save_programme(site, retreat, other, None, stale.value.edition, **BY) == 1


def test_nothing_is_saved_when_one_thing_is_wrong(site: Site, retreat: int) -> None:
    typed = {"integration-1": TypedSession(date(2027, 3, 22), None)}
    with pytest.raises(InputError):
        programme.save_programme(site, retreat, typed, TypedSession(None, None, label="x"), 0, **BY)
    assert programme.programme(site, retreat).edition == 0


@given(
    shift=st.integers(-400, 400),
    own=st.none() | st.dates(date(2026, 1, 1), date(2029, 1, 1)),
    dropped=st.booleans(),
)
def test_a_day_that_was_set_stays_and_others_move_along(
    shift: int, own: date | None, dropped: bool
) -> None:
    row = SessionDate(
        retreat_id=1,
        session="integration-2",
        kind="integration",
        held_on=own,
        dropped=dropped,
        set_by="staff:1",
        set_at=NOW,
    )
    days = {"dosing": DAY + timedelta(days=shift)}
    lines = {line.id: line for line in lines_of(PROTOCOL, days, [row], (), 0)}
    assert lines["integration-2"].on == (own or days["dosing"] + timedelta(days=10))
    for session in PROTOCOL.sessions:
        if session.id != "integration-2":
            assert lines[session.id].on == days["dosing"] + timedelta(days=session.day)


def test_attendance_is_all_or_nothing_and_in_the_trail(site: Site, retreat: int) -> None:
    first, second = ("P-01", 1), ("P-02", 1)
    typed = {first: Attended("attended"), second: Attended("late")}
    with pytest.raises(InputError):
        attendance.record_attendance(site, retreat, "integration-1", typed, 0, **BY)
    assert attendance.attendance_sheet(site, retreat, "integration-1").edition == 0
    typed = {first: Attended("attended"), second: Attended("absent", "ill")}
    assert attendance.record_attendance(site, retreat, "integration-1", typed, 0, **BY) == 2
    other = {first: Attended("attended"), second: Attended("partly")}
    with pytest.raises(StaleError, match=r"P-02: not there \(“ill”\)"):
        attendance.record_attendance(site, retreat, "integration-1", other, 0, **BY)
    (line,) = [s for s in programme.programme(site, retreat).sessions if s.id == "integration-1"]
    assert (line.counts, line.open) == ({"attended": 1, "absent": 1}, 0)
    assert stewardship.verify_trail(site).fault is None


def test_nobody_was_in_a_session_that_was_not_held(site: Site, retreat: int) -> None:
    typed = {("P-01", 1): Attended("attended")}
    with pytest.raises(InputError, match="has not been held"):
        attendance.record_attendance(site, retreat, "integration-4", typed, 0, **BY)
    dropped = {"integration-1": TypedSession(None, None, dropped=True)}
    programme.save_programme(site, retreat, dropped, None, 0, **BY)
    with pytest.raises(RefusedError, match="is not held"):
        attendance.record_attendance(site, retreat, "integration-1", typed, 0, **BY)


def test_records_know_the_intention_and_why_a_form_is_missing(site: Site, retreat: int) -> None:
    notes.set_intention(site, "P-01", 1, " To be less afraid. ", 0, **BY)
    new = Reason("", "too unwell", "", 0)
    missing.record_reason(site, "P-01", 1, "day-8", new, **BY)
    stopping.record_stop(site, "P-02", 1, NewStop("died", since=date(2027, 3, 22)), **BY)
    with site.database.read() as session:
        (course,) = load_person(session, site.library, "P-01").courses  # pyright: ignore
        assert course.intention == "To be less afraid."
        assert course.missing == {"day-8": "too unwell"}
        (course,) = load_person(session, site.library, "P-02").courses  # pyright: ignore
        assert course.missing == {"day-8": "died", "week-24": "died"}


def test_what_is_not_missing_needs_no_reason(site: Site, retreat: int) -> None:
    with pytest.raises(RefusedError, match="opens on Sat 28 Aug 2027"):
        missing.record_reason(site, "P-01", 1, "week-24", Reason("", "declined", "", 0), **BY)
    with pytest.raises(InputError):
        missing.record_reason(site, "P-01", 1, "day-8", Reason("", "bored", "", 0), **BY)


def test_sessions_attendance_and_reasons_go_out(site: Site, retreat: int, tmp_path: Path) -> None:
    programme.save_programme(site, retreat, {}, NEW, 0, **BY)
    typed = {("P-01", 1): Attended("partly", "=left early"), ("P-02", 1): Attended()}
    attendance.record_attendance(site, retreat, "integration-1", typed, 0, **BY)
    missing.record_reason(site, "P-02", 1, "day-8", Reason("", "declined", "", 0), **BY)
    notes.add_note(site, "P-01", 1, "Slept well.", date(2027, 4, 1), **BY)
    export_folder(site, out := tmp_path / "out", NOW)
    (row,) = rows(out, "attendance.csv")
    assert (row["participant"], row["status"], row["note"]) == ("P-01", "partly", "'=left early")
    (row,) = rows(out, "missing_forms.csv")
    assert (row["participant"], row["timepoint"], row["reason"]) == ("P-02", "day-8", "declined")
    sessions = {row["session"]: row for row in rows(out, "sessions.csv")}
    assert len(sessions) == 9
    assert (sessions["added-1"]["held_on"], sessions["added-1"]["held_at"]) == (
        "2027-05-30",
        "10:00",
    )
    assert sessions["integration-1"]["proposed"] == "yes"
    assert "Slept well" not in "".join(p.read_text("utf-8") for p in out.iterdir())
