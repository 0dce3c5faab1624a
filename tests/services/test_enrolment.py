"""Retreats, people, consent, doses: what staff may enter, and what it changes."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from sqlalchemy import select

from surveyapp.services import dosing, enrolment, people, personal, reaching
from surveyapp.services.dosing import NewDose
from surveyapp.services.enrolment import NewRetreat, StudySettings
from surveyapp.services.errors import InputError, NotFoundError, RefusedError
from surveyapp.services.people import NewPerson
from surveyapp.services.reaching import Contacts
from surveyapp.services.site import Site
from surveyapp.store import contacts, roster, trail
from surveyapp.store.facts import course_contexts
from surveyapp.store.tables import Anchor, Course, DoseRow, Participant, WindowRow
from surveyapp.store.windows import window_rows
from surveyapp.web.staff.desk import By
from tests.conftest import NOON

DOSING = date(2027, 3, 20)
BY: By = {"actor": "staff:1", "now": NOON}
AFTER: By = {"actor": "staff:1", "now": NOON + timedelta(days=25)}


def retreat(site: Site, name: str = "Spring 2027", on: date | None = DOSING) -> int:
    return enrolment.add_retreat(
        site, NewRetreat(name, "second-retreat", "Europe/Amsterdam", on), **BY
    )


def one(site: Site, code: str = "S-01") -> int:
    made = retreat(site)
    people.add_person(site, made, NewPerson(code, f"{code}@example.org".lower()), **BY)
    return made


def anchor(site: Site, code: str = "S-01", number: int = 1) -> Anchor:
    with site.database.read() as session:
        course = roster.find_course(session, code, number)
        assert course is not None
        found = roster.anchor(session, course, "dosing")
        assert found is not None
        session.expunge(found)
        return found


def assert_whole(site: Site) -> None:
    """The trail verifies, and the windows equal what they are derived from."""
    with site.database.read() as session:
        assert trail.verify(session).fault is None
        ids = list(session.scalars(select(Course.id)))
        contexts = course_contexts(session, site.library, ids)
        derived = [row for context in contexts for row in window_rows(context)]
        kept = [
            {name: getattr(w, name) for name in derived[0]}
            for w in session.scalars(select(WindowRow))
        ]
        assert sorted(map(str, kept)) == sorted(map(str, derived))


def problems(error: pytest.ExceptionInfo[InputError]) -> dict[str, str]:
    return error.value.problems


def test_retreat_brings_its_practice_study_once(site: Site) -> None:
    retreat(site)
    retreat(site, "Summer 2027")
    with site.database.read() as session:
        (found,) = roster.studies(session)
        study, count = found.study, found.retreats
    assert (study.mode, study.protocol, count) == ("practice", "second-retreat", 2)


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        (NewRetreat("", "second-retreat", "Europe/Amsterdam"), "name"),
        (NewRetreat("  spring   2027 ", "second-retreat", "Europe/Amsterdam"), "name"),
        (NewRetreat("x" * 81, "second-retreat", "Europe/Amsterdam"), "name"),
        (NewRetreat("New", "none", "Europe/Amsterdam"), "protocol"),
        (NewRetreat("New", "second-retreat", "Amsterdam"), "time_zone"),
        (NewRetreat("New", "second-retreat", "UTC", date(2025, 3, 20)), "dosing_date"),
    ],
)
def test_wrong_retreat_is_refused_with_a_sentence(site: Site, wish: NewRetreat, field: str) -> None:
    retreat(site)
    with pytest.raises(InputError) as error:
        enrolment.add_retreat(site, wish, **BY)
    assert list(problems(error)) == [field]
    assert problems(error)[field].endswith(".")


def test_retreat_with_one_window_ahead_is_taken(site: Site) -> None:
    """Week 24 of a day in October 2026 is still to close in March 2027."""
    assert retreat(site, on=date(2026, 10, 1))


def test_person_takes_the_retreats_day_and_zone(site: Site) -> None:
    one(site)
    view = personal.person_view(site, "S-01", NOON)
    assert (view.zone, view.language) == ("Europe/Amsterdam", "en")
    assert view.contacts[0].value == "s…@example.org"
    assert view.courses[0].dosing_date == DOSING
    assert not view.courses[0].confirmed
    assert_whole(site)


def test_returning_person_gets_the_next_course(site: Site) -> None:
    one(site)
    second = retreat(site, "Autumn 2027", date(2027, 10, 2))
    assert people.add_course(site, "S-01", second, **BY) == 2
    view = personal.person_view(site, "S-01", NOON)
    assert [c.number for c in view.courses] == [2, 1]
    assert view.contacts[0].value == "s…@example.org"
    with pytest.raises(InputError) as error:
        people.add_course(site, "S-01", second, **BY)
    assert "already in Autumn 2027" in problems(error)["code"]


@pytest.mark.parametrize(
    ("person", "field"),
    [
        (NewPerson(""), "code"),
        (NewPerson("two words"), "code"),
        (NewPerson("s-01"), "code"),
        (NewPerson("S-02", "nobody"), "email"),
        (NewPerson("S-02", "a@b@example.org"), "email"),
        (NewPerson("S-02", "", "English!"), "language"),
        (NewPerson("S-02", "", "en", "Mars/Olympus"), "time_zone"),
    ],
)
def test_wrong_person_is_refused(site: Site, person: NewPerson, field: str) -> None:
    made = one(site)
    with pytest.raises(InputError) as error:
        people.add_person(site, made, person, **BY)
    assert list(problems(error)) == [field]


def test_pasted_list_is_all_or_nothing(site: Site) -> None:
    made = retreat(site)
    listed = people.parse_people("S-01, s01@example.org\n\nS-02; wrong\nS-01, again@example.org")
    with pytest.raises(InputError) as error:
        people.add_people(site, made, listed, **BY)
    assert list(problems(error)) == ["line 3", "line 4"]
    with site.database.read() as session:
        assert session.scalars(select(Participant)).all() == []


def test_pasted_list_takes_tabs_zones_and_shared_addresses(site: Site) -> None:
    made = retreat(site)
    text = "code, e-mail\nS-01\tboth@example.org\nS-02,both@example.org,nl,Europe/Lisbon"
    listed = people.parse_people(text)
    preview = people.preview_people(site, made, listed, BY["now"])
    assert [(p.line, p.code, p.language, p.time_zone) for p in preview] == [
        (2, "S-01", "en", "Europe/Amsterdam"),
        (3, "S-02", "nl", "Europe/Lisbon"),
    ]
    assert people.add_people(site, made, listed, **BY) == preview
    with site.database.read() as session:
        assert len(contacts.participants_sharing(session, site.vault, "BOTH@example.org")) == 2
    assert_whole(site)


@pytest.mark.parametrize("text", ["", " \n ", "code,email"])
def test_empty_list_says_what_to_write(text: str) -> None:
    with pytest.raises(InputError) as error:
        people.parse_people(text)
    assert "one person a line" in problems(error)["rows"]


def test_practice_study_holds_an_ordinary_address_and_says_so(site: Site) -> None:
    made = retreat(site)
    planned = people.add_person(site, made, NewPerson("S-01", "someone@hospital.nl"), **BY)
    assert planned.note == people.HELD_NOTE
    assert "held" in personal.person_view(site, "S-01", NOON).contacts[0].note


def test_consent_counts_by_its_newest_scope(site: Site) -> None:
    one(site)
    for scope, consented in (("answers and messages", True), ("answers only", False)):
        enrolment.record_consent(site, "S-01", 1, date(2027, 2, 27), scope, **BY)
        with site.database.read() as session:
            (context,) = course_contexts(session, site.library, roster.course_ids(session, 1))
        assert context.facts.consented is consented
    assert_whole(site)


def test_consent_needs_a_day_that_has_come_and_a_known_scope(site: Site) -> None:
    one(site)
    with pytest.raises(InputError) as error:
        enrolment.record_consent(site, "S-01", 1, date(2027, 3, 2), "everything", **BY)
    assert set(problems(error)) == {"given_on", "scope"}
    with pytest.raises(NotFoundError):
        enrolment.record_consent(site, "S-01", 2, date(2027, 3, 1), "answers only", **BY)


def test_contact_is_changed_and_removed(site: Site) -> None:
    one(site)
    with pytest.raises(InputError):
        reaching.set_contacts(site, "S-01", Contacts("nobody"), **BY)
    reaching.set_contacts(site, "S-01", Contacts(" new@example.org "), **BY)
    assert reaching.contacts_of(site, "S-01").email == "new@example.org"
    reaching.set_contacts(site, "S-01", Contacts(""), **BY)
    assert reaching.contacts_of(site, "S-01").email == ""
    assert_whole(site)


def test_settings_are_kept_in_one_line_each(site: Site) -> None:
    retreat(site)
    enrolment.save_settings(site, 1, StudySettings(emergency=" 112 \n", phone="020 1"), **BY)
    with site.database.read() as session:
        study = roster.study(session, 1)
        assert study is not None
        assert (study.emergency, study.phone) == ("112", "020 1")
    with pytest.raises(InputError):
        enrolment.save_settings(site, 1, StudySettings(hours="x" * 201), **BY)


def test_moved_day_is_planned_again_with_a_new_revision(site: Site) -> None:
    one(site)
    dosing.confirm_anchor(site, "S-01", 1, **BY)
    assert anchor(site).confirmed_at == NOON
    dosing.set_dosing_day(site, "S-01", 1, DOSING, **BY)
    assert (anchor(site).revision, anchor(site).confirmed_at) == (0, NOON)
    dosing.set_dosing_day(site, "S-01", 1, DOSING + timedelta(days=7), **BY)
    assert (anchor(site).revision, anchor(site).confirmed_at) == (1, None)
    assert_whole(site)


@pytest.mark.parametrize("on", [None, date(2020, 3, 20)])
def test_impossible_dosing_day_is_refused(site: Site, on: date | None) -> None:
    made = one(site)
    with pytest.raises(InputError):
        dosing.set_dosing_day(site, "S-01", 1, on, **BY)
    with pytest.raises(InputError):
        dosing.set_retreat_day(site, made, on, **BY)
    assert anchor(site).date == DOSING


def test_retreats_day_moves_all_but_those_with_a_dose(site: Site) -> None:
    made = one(site)
    people.add_person(site, made, NewPerson("S-02"), **BY)
    first = NewDose("first", "given", 25, DOSING, time(9, 30))
    dosing.record_dose(site, "S-01", 1, first, **AFTER)
    assert dosing.set_retreat_day(site, made, DOSING + timedelta(days=1), **AFTER) == 1
    assert anchor(site).date == DOSING
    assert anchor(site, "S-02").date == DOSING + timedelta(days=1)
    assert_whole(site)


def test_one_act_confirms_a_retreat(site: Site) -> None:
    made = one(site)
    people.add_person(site, made, NewPerson("S-02"), **BY)
    assert dosing.confirm_retreat(site, made, **BY) == 2
    with pytest.raises(RefusedError):
        dosing.confirm_retreat(site, made, **BY)
    assert_whole(site)


def test_nothing_is_confirmed_without_a_day(site: Site) -> None:
    made = retreat(site, on=None)
    people.add_person(site, made, NewPerson("S-01"), **BY)
    with pytest.raises(RefusedError):
        dosing.confirm_anchor(site, "S-01", 1, **BY)
    with pytest.raises(RefusedError):
        dosing.confirm_retreat(site, made, **BY)


def test_given_dose_confirms_and_never_moves_the_day(site: Site) -> None:
    one(site)
    on = DOSING + timedelta(days=1)
    dosing.record_dose(site, "S-01", 1, NewDose("first", "given", 35, on, time(9)), **AFTER)
    assert (anchor(site).date, anchor(site).confirmed_at) == (DOSING, AFTER["now"])
    booster = NewDose("booster", "given", 10, on, time(10, 15))
    dosing.record_dose(site, "S-01", 1, booster, **AFTER)
    lines = personal.person_view(site, "S-01", AFTER["now"]).courses[0].doses
    assert [line.words for line in lines] == ["35 mg", "10 mg after 75 min"]
    assert_whole(site)


def test_declined_dose_confirms_nothing(site: Site) -> None:
    one(site)
    dosing.record_dose(site, "S-01", 1, NewDose("first", "declined", reason="felt ill"), **AFTER)
    assert anchor(site).confirmed_at is None


@pytest.mark.parametrize(
    ("dose", "field"),
    [
        (NewDose("first", "given", None, DOSING, time(9)), "mg"),
        (NewDose("first", "given", -1, DOSING, time(9)), "mg"),
        (NewDose("first", "given", float("nan"), DOSING, time(9)), "mg"),
        (NewDose("first", "given", 25, None, time(9)), "on"),
        (NewDose("first", "given", 25, DOSING, None), "at"),
        (NewDose("first", "given", 25, DOSING + timedelta(days=30), time(9)), "on"),
        (NewDose("first", "declined"), "reason"),
        (NewDose("first", "lost"), "status"),
        (NewDose("third", "given", 25, DOSING, time(9)), "kind"),
        (NewDose("booster", "given", 10, DOSING, time(9)), "kind"),
    ],
)
def test_wrong_dose_is_refused(site: Site, dose: NewDose, field: str) -> None:
    one(site)
    with pytest.raises(InputError) as error:
        dosing.record_dose(site, "S-01", 1, dose, **AFTER)
    assert field in problems(error)


def test_dose_recorded_again_is_corrected(site: Site) -> None:
    one(site)
    for mg in (250, 25):
        dosing.record_dose(site, "S-01", 1, NewDose("first", "given", mg, DOSING, time(9)), **AFTER)
    booster = NewDose("booster", "given", 10, DOSING, time(10, 30))
    dosing.record_dose(site, "S-01", 1, booster, **AFTER)
    earlier = NewDose("first", "given", 25, DOSING, time(9, 15))
    dosing.record_dose(site, "S-01", 1, earlier, **AFTER)
    with site.database.read() as session:
        rows = session.scalars(select(DoseRow).order_by(DoseRow.id)).all()
        assert [(r.kind, r.mg, r.minutes) for r in rows] == [
            ("first", 25, None),
            ("booster", 10, 75),
        ]
    for wrong in (
        NewDose("first", "given", 25, DOSING, time(11)),
        NewDose("first", "declined", reason="a slip"),
    ):
        with pytest.raises(InputError):
            dosing.record_dose(site, "S-01", 1, wrong, **AFTER)
    assert_whole(site)


def test_same_dose_for_several_is_all_or_none(site: Site) -> None:
    made = one(site)
    people.add_person(site, made, NewPerson("S-02"), **BY)
    dose = NewDose("first", "given", 25, DOSING, time(9))
    with pytest.raises(InputError):
        dosing.record_doses(site, made, ["S-01", "S-99"], dose, **AFTER)
    with pytest.raises(InputError):
        dosing.record_doses(site, made, [], dose, **AFTER)
    assert anchor(site).confirmed_at is None
    assert dosing.record_doses(site, made, ["S-01", "S-02"], dose, **AFTER) == 2
    assert anchor(site, "S-02").confirmed_at == AFTER["now"]


def test_coordinator_confirms_only_where_it_is_asked(site: Site) -> None:
    one(site)
    with pytest.raises(RefusedError):
        dosing.clear_timepoint(site, "S-01", 1, "day-8", **BY)
    for _ in range(2):
        dosing.clear_timepoint(site, "S-01", 1, "week-24", **BY)
    with site.database.read() as session:
        (context,) = course_contexts(session, site.library, roster.course_ids(session, 1))
    assert context.facts.confirmed == {"week-24"}
    assert_whole(site)


def test_acts_on_what_is_not_there(site: Site) -> None:
    now: datetime = NOON
    with pytest.raises(NotFoundError):
        personal.person_view(site, "S-99", now)
    with pytest.raises(NotFoundError):
        dosing.confirm_retreat(site, 99, **BY)
    with pytest.raises(NotFoundError):
        enrolment.save_settings(site, 99, StudySettings(), **BY)
