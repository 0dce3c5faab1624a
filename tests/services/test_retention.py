"""Retention: nothing goes without a period, what is older goes once a day, and the trail counts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlmodel import SQLModel

from surveyapp.services import retention
from surveyapp.services.errors import InputError
from surveyapp.services.site import Site
from surveyapp.store import retention as store
from surveyapp.store import seals, trail
from surveyapp.store.tables import Answer, Assessment, Attempt, Contact, Study
from surveyapp.store.tables_access import Link, Visit
from surveyapp.store.tables_entry import Pin
from surveyapp.store.tables_group import Note
from tests.wholly import AT, add_wholly
from tests.world import add_course

OVER = AT + timedelta(days=250)
"""After the last window of the person's course (24 weeks and two after 20 March 2027) closed."""
BY: Any = {"actor": "staff:1", "now": OVER}
EVERY: dict[str, int | None] = {
    "contacts": 30,
    "pins": 30,
    "attempts": 30,
    "visits": 60,
    "digests": 7,
    "practice": 30,
    "notes": 30,
}


@pytest.fixture
def filled(site: Site) -> Site:
    add_wholly(site)
    return site


def many(site: Site, table: type[SQLModel]) -> int:
    with site.database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def older(site: Site, now: Any = OVER) -> dict[str, int]:
    return {line.kind: line.older for line in retention.lines(site, now)}


def is_whole(site: Site) -> bool:
    with site.database.read() as session:
        return trail.verify(session).fault is None


def test_without_a_period_nothing_goes(filled: Site) -> None:
    assert set(retention.KINDS) == set(store.RULES) == set(EVERY)
    assert retention.apply(filled, **BY) == {}
    assert [line.days for line in retention.lines(filled, OVER)] == [None] * len(EVERY)
    assert many(filled, Contact) == 2


def test_what_is_older_is_counted_and_then_goes(filled: Site) -> None:
    add_course(filled, "Later-1", retreat="Later", dosing=OVER.date(), address="l1@example.org")
    wanted = retention.would_remove(filled, EVERY, OVER)
    assert many(filled, Contact) == 3
    assert retention.set_periods(filled, EVERY, **BY) == EVERY
    assert older(filled) == wanted
    assert wanted == {
        "contacts": 2,
        "pins": 1,
        "attempts": 1,
        "visits": 2,
        "digests": 0,
        "practice": 1,
        "notes": 1,
    }
    done = retention.apply(filled, **BY)
    assert done == wanted | {"pins": 0}  # they went with the contacts
    tables = (Contact, Pin, Visit, Link, Assessment, Answer, Note)
    assert [many(filled, table) for table in tables] == [1, 0, 0, 0, 0, 0, 0]
    with filled.database.read() as session:
        (attempt,) = session.scalars(select(Attempt))
        assert (attempt.detail, attempt.sent_to, attempt.outcome) == ("", None, "accepted")
    assert set(older(filled).values()) == {0}
    assert is_whole(filled)
    assert set(retention.apply(filled, **BY).values()) == {0}


def test_nothing_goes_before_its_time(filled: Site) -> None:
    retention.set_periods(filled, {**EVERY, "attempts": None}, actor="staff:1", now=AT)
    early = AT + timedelta(days=150)
    found = older(filled, early)
    assert {k: n for k, n in found.items() if n} == {"visits": 2}  # the baseline's link and opening
    add_course(filled, "Quokka-77", retreat="Again", number=2, dosing=OVER.date())
    assert older(filled)["contacts"] == 0


def test_answers_of_live_studies_stay(sqlite_site: Site) -> None:
    add_wholly(sqlite_site)
    with sqlite_site.database.write() as session:
        for study in session.scalars(select(Study)):
            study.mode = "live"
    retention.set_periods(sqlite_site, EVERY, **BY)
    assert retention.apply(sqlite_site, **BY)["practice"] == 0
    assert many(sqlite_site, Answer) == 1


def test_the_worker_applies_each_kind_once_a_day(sqlite_site: Site) -> None:
    add_wholly(sqlite_site)
    mailer: Any = None
    retention.duty(sqlite_site, mailer, OVER)
    retention.set_periods(sqlite_site, {"contacts": 30, "notes": 30}, **BY)
    for minute in range(3):
        retention.duty(sqlite_site, mailer, OVER + timedelta(minutes=minute))
    assert (many(sqlite_site, Contact), many(sqlite_site, Note)) == (0, 0)
    applied = [line.applied_at for line in retention.lines(sqlite_site, OVER) if line.days]
    assert applied == [OVER, OVER + timedelta(minutes=1)]
    with sqlite_site.database.read() as session:
        assert store.due(session, OVER + timedelta(minutes=3) - retention.EVERY) == []
        assert store.due(session, OVER) == ["contacts"]


@pytest.mark.parametrize(("kind", "days"), [("visits", 59), ("contacts", 0), ("notes", 40_000)])
def test_periods_have_bounds(sqlite_site: Site, kind: str, days: int) -> None:
    with pytest.raises(InputError) as told:
        retention.set_periods(sqlite_site, {kind: days}, **BY)
    assert list(told.value.problems) == [kind]
    assert retention.set_periods(sqlite_site, {kind: None}, **BY) == {}


def test_a_period_is_taken_back(sqlite_site: Site) -> None:
    retention.set_periods(sqlite_site, EVERY, **BY)
    assert retention.set_periods(sqlite_site, EVERY, **BY) == {}
    assert retention.set_periods(sqlite_site, {"notes": None}, **BY) == {"notes": None}
    assert [x.days for x in retention.lines(sqlite_site, OVER) if x.kind == "notes"] == [None]


def test_no_seal_outlives_the_practice_answers_that_it_seals() -> None:
    """Else `audit verify` takes what retention removed for gone, as it did of imported sheets."""
    assert set(seals.KINDS) <= set(store.ANSWERS_SAID)
