"""Courses with three dosing days or with none, on both databases and through a real mail server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

import pytest

from surveyapp.delivery.email import SmtpMailer
from surveyapp.services import dosing, enrolment, overview, people, personal
from surveyapp.services.dosing import NewDose
from surveyapp.services.enrolment import NewRetreat
from surveyapp.services.errors import InputError, RefusedError
from surveyapp.services.people import NewPerson
from surveyapp.services.site import Site
from surveyapp.store import trail
from surveyapp.web.staff.desk import By
from surveyapp.worker import Ticker
from tests.conftest import NOON
from tests.world import AMSTERDAM, MailServer

BY: By = {"actor": "staff:1", "now": NOON}
FIRST, SECOND, THIRD = date(2027, 3, 20), date(2027, 4, 17), date(2027, 5, 15)


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


def by(on: date) -> By:
    return {"actor": "staff:1", "now": datetime.combine(on, time(20), UTC)}


def enrol(site: Site, wish: NewRetreat, code: str = "S-01") -> int:
    made = enrolment.add_retreat(site, wish, **BY)
    people.add_person(site, made, NewPerson(code, f"{code}@example.org".lower()), **BY)
    day = NOON.date() - timedelta(days=1)
    enrolment.record_consent(site, code, 1, day, "answers and messages", **BY)
    return made


def three(site: Site) -> int:
    later = {"dosing-2": SECOND}
    return enrol(site, NewRetreat("Three days", "mdma", AMSTERDAM, FIRST, later))


def given(anchor: str, on: date, kind: str = "first", hour: int = 9) -> NewDose:
    return NewDose(kind, "given", 80, on, time(hour), anchor=anchor)


def days_of(site: Site, code: str = "S-01") -> list[tuple[date | None, bool, list[str]]]:
    course = personal.person_view(site, code, NOON).courses[0]
    return [(a.on, a.confirmed, [d.words for d in a.doses]) for a in course.anchors]


def test_a_dose_confirms_its_own_day_alone(site: Site) -> None:
    three(site)
    assert days_of(site) == [(FIRST, False, []), (SECOND, False, []), (None, False, [])]
    dosing.record_dose(site, "S-01", 1, given("", FIRST), **by(FIRST))
    dosing.record_dose(site, "S-01", 1, given("dosing-1", FIRST, "booster", 11), **by(FIRST))
    both = ["80 mg", "80 mg after 120 min"]
    assert days_of(site) == [(FIRST, True, both), (SECOND, False, []), (None, False, [])]
    dosing.record_dose(site, "S-01", 1, given("dosing-2", SECOND), **by(SECOND))
    assert days_of(site)[:2] == [(FIRST, True, both), (SECOND, True, ["80 mg"])]
    with site.database.read() as session:
        assert trail.verify(session).fault is None


def test_a_later_day_is_set_for_the_retreat_and_confirmed_alone(site: Site) -> None:
    made = three(site)
    with pytest.raises(RefusedError, match="no third dosing day to confirm"):
        dosing.confirm_retreat(site, made, anchor="dosing-3", **BY)
    assert dosing.set_retreat_day(site, made, THIRD, anchor="dosing-3", **BY) == 1
    assert dosing.confirm_retreat(site, made, anchor="dosing-3", **BY) == 1
    assert [sure for _on, sure, _doses in days_of(site)] == [False, False, True]
    view = overview.retreat_view(site, made, NOON)
    assert [(a.on, a.unconfirmed) for a in view.anchors] == [(FIRST, 1), (SECOND, 1), (THIRD, 0)]


def test_days_stand_in_their_order(site: Site) -> None:
    made = three(site)
    with pytest.raises(InputError) as wrong:
        dosing.set_retreat_day(site, made, SECOND, anchor="dosing-3", **BY)
    assert "must come after the second dosing day" in wrong.value.problems["dosing_date"]
    later = {"dosing-2": FIRST}
    with pytest.raises(InputError) as wrong:
        enrolment.add_retreat(site, NewRetreat("Other", "mdma", AMSTERDAM, FIRST, later), **BY)
    assert list(wrong.value.problems) == ["mdma.dosing-2"]


def test_a_booster_follows_the_first_dose_of_its_own_day(site: Site) -> None:
    three(site)
    dosing.record_dose(site, "S-01", 1, given("dosing-1", FIRST), **by(FIRST))
    with pytest.raises(InputError, match="A booster follows a first dose"):
        dosing.record_dose(site, "S-01", 1, given("dosing-2", SECOND, "booster"), **by(SECOND))
    with pytest.raises(InputError, match="Set the third dosing day of S-01 first"):
        dosing.record_dose(site, "S-01", 1, given("dosing-3", THIRD), **by(THIRD))


def test_nothing_is_given_on_a_start(site: Site) -> None:
    enrol(site, NewRetreat("Pain", "chronic-pain", AMSTERDAM, FIRST))
    with pytest.raises(InputError, match="Nothing is given on the start"):
        dosing.record_dose(site, "S-01", 1, given("start", FIRST), **by(FIRST))


def messages(site: Site, server: MailServer, first: date, days: int) -> list[int]:
    """The days, counted from `first`, on which a message went out at ten in the morning."""
    found: list[int] = []
    for after in range(-10, days + 1):
        at = datetime.combine(first + timedelta(days=after), time(9), UTC)
        found += [after] * Ticker(site, SmtpMailer(server.url), lambda at=at: at).tick()
    return found


def test_twelve_weeks_bring_a_message_and_a_reminder_each(site: Site, server: MailServer) -> None:
    made = enrol(site, NewRetreat("Pain", "chronic-pain", AMSTERDAM, FIRST))
    dosing.confirm_retreat(site, made, **BY)
    weeks = [day for n in range(1, 13) for day in (7 * n, 7 * n + 2)]
    assert messages(site, server, FIRST, 100) == [-3, -1, *weeks]
    assert len(set(server.sink.ids)) == 26


def test_an_unconfirmed_second_day_holds_what_follows_it(site: Site, server: MailServer) -> None:
    made = three(site)
    dosing.set_retreat_day(site, made, THIRD, anchor="dosing-3", **BY)
    for anchor in ("dosing-1", "dosing-3"):
        dosing.confirm_retreat(site, made, anchor=anchor, **BY)
    first, third = [1, 3, 8, 11], [57, 59, 64, 67, 112, 116, 122]
    assert messages(site, server, FIRST, 130) == [-10, -7, -3, *first, *third]
