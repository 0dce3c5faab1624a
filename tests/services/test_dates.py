"""Slips in a year: every act that takes a date says to check it, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time

import pytest

from surveyapp.services import dosing, enrolment, moving, stopping
from surveyapp.services.dates import year_fault
from surveyapp.services.dosing import NewDose
from surveyapp.services.enrolment import NewRetreat
from surveyapp.services.errors import InputError
from surveyapp.services.personal import person_view
from surveyapp.services.site import Site
from surveyapp.services.stopping import NewStop
from surveyapp.store import roster
from tests.conftest import NOON
from tests.world import DOSING, add_course

BY = {"actor": "staff:1", "now": NOON}
SLIPS = [date.min, date(1, 1, 15), date(202, 3, 20), date(9999, 12, 20), date.max]
ZONES = ["Pacific/Auckland", "America/Los_Angeles"]
Act = Callable[[Site, date], object]


def add_retreat(site: Site, on: date) -> object:
    return enrolment.add_retreat(site, NewRetreat("New", "mdma", "UTC", on), **BY)


def add_retreat_with_its_later_days(site: Site, on: date) -> object:
    wish = NewRetreat("New", "mdma", "UTC", DOSING, {"dosing-2": on})
    return enrolment.add_retreat(site, wish, **BY)


def set_day(site: Site, on: date) -> object:
    return dosing.set_dosing_day(site, "P-01", 1, on, **BY)


def set_retreats_day(site: Site, on: date) -> object:
    return dosing.set_retreat_day(site, 1, on, **BY)


def see_what_a_move_does(site: Site, on: date) -> object:
    return moving.course_preview(site, "P-01", 1, on, "flu", "", NOON)


def see_what_a_retreats_move_does(site: Site, on: date) -> object:
    return moving.retreat_preview(site, 1, on, "flu", "", NOON)


def record_dose(site: Site, on: date) -> object:
    return dosing.record_dose(site, "P-01", 1, NewDose("first", "given", 25, on, time(0)), **BY)


def record_late_dose(site: Site, on: date) -> object:
    return dosing.record_dose(site, "P-01", 1, NewDose("first", "given", 25, on, time.max), **BY)


def record_doses(site: Site, on: date) -> object:
    dose = NewDose("first", "given", 25, on, time(9))
    return dosing.record_doses(site, 1, ["P-01"], dose, **BY)


def record_consent(site: Site, on: date) -> object:
    return enrolment.record_consent(site, "P-01", 1, on, "answers only", **BY)


def record_stop(site: Site, on: date) -> object:
    return stopping.record_stop(site, "P-01", 1, NewStop("died", since=on), **BY)


PLANS: list[Act] = [
    add_retreat,
    add_retreat_with_its_later_days,
    set_day,
    set_retreats_day,
    see_what_a_move_does,
    see_what_a_retreats_move_does,
]
DOSES: list[Act] = [record_dose, record_late_dose, record_doses]
REPORTS: list[Act] = [record_consent, record_stop]


@pytest.mark.parametrize(
    ("on", "far"),
    [
        ("0001-01-01", True),
        ("2017-02-28", True),
        ("2017-03-01", False),
        ("2027-03-01", False),
        ("2032-03-01", False),
        ("2032-03-02", True),
        ("9999-12-31", True),
    ],
)
def test_ten_years_back_and_five_ahead_are_near(on: str, far: bool) -> None:
    assert bool(year_fault(date.fromisoformat(on), NOON.date())) is far


def test_a_leap_day_counts_in_years_without_one() -> None:
    assert year_fault(date(2033, 2, 28), date(2028, 2, 29)) is None
    assert year_fault(date(2033, 3, 1), date(2028, 2, 29)) is not None


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("act", [*PLANS, *DOSES])
def test_a_slip_in_the_year_is_named(sqlite_site: Site, act: Act, zone: str) -> None:
    add_course(sqlite_site, zone=zone)
    before = person_view(sqlite_site, "P-01", NOON)
    for on in SLIPS:
        with pytest.raises(InputError) as caught:
            act(sqlite_site, on)
        assert list(caught.value.problems.values()) == [
            f"Check the year: {on.year:04} is far from today."
        ]
    assert person_view(sqlite_site, "P-01", NOON) == before


@pytest.mark.parametrize("act", REPORTS)
def test_nobody_agreed_or_left_in_the_year_1(sqlite_site: Site, act: Act) -> None:
    add_course(sqlite_site)
    before = person_view(sqlite_site, "P-01", NOON)
    for on in (date.min, date(202, 3, 20), date(2017, 2, 28)):
        with pytest.raises(InputError, match=f"Check the year: {on.year:04} is far from today."):
            act(sqlite_site, on)
    assert person_view(sqlite_site, "P-01", NOON) == before


@pytest.mark.parametrize("act", PLANS)
def test_nothing_is_planned_for_another_decade(sqlite_site: Site, act: Act) -> None:
    add_course(sqlite_site)
    for year in (2036, 2100, 9990):
        with pytest.raises(InputError, match=f"Check the year: {year} is far from today."):
            act(sqlite_site, DOSING.replace(year=year))
    with sqlite_site.database.read() as session:
        assert set(roster.retreat_dates(session, [1]).values()) == {DOSING}


def test_a_corrected_dose_with_a_slip_leaves_its_booster(site: Site) -> None:
    add_course(site, zone="Pacific/Auckland", dosing=date(2027, 2, 20))
    for kind, hour in (("first", 9), ("booster", 11)):
        dose = NewDose(kind, "given", 25, date(2027, 2, 20), time(hour))
        dosing.record_dose(site, "P-01", 1, dose, **BY)
    before = person_view(site, "P-01", NOON)
    for on in SLIPS:
        with pytest.raises(InputError) as caught:
            record_dose(site, on)
        assert list(caught.value.problems) == ["on"]
    assert person_view(site, "P-01", NOON) == before


@pytest.mark.parametrize("act", [*DOSES, *REPORTS])
def test_what_happened_years_ago_is_taken(sqlite_site: Site, act: Act) -> None:
    add_course(sqlite_site)
    act(sqlite_site, date(2018, 3, 20))
