"""Accounts of every kind over the demo's people, and a retreat elsewhere that some may not see."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text

from surveyapp.services import accounts, enrolment, people
from surveyapp.services.enrolment import NewRetreat
from surveyapp.services.people import NewPerson
from surveyapp.services.site import Site
from surveyapp.store import contacts, roster, staff
from surveyapp.store.database import Database
from surveyapp.store.tables import AdverseEvent, Contact
from surveyapp.store.tables_access import Membership
from surveyapp.store.tables_care import Alert, BloodPressure
from surveyapp.store.tables_group import Note
from surveyapp.store.tables_reach import Stop
from surveyapp.study.alerting import WORSENING
from tests.browser.conftest import DAY_8
from tests.staffwalk import EMAIL, OTHER, PASSWORD, Values, furnish

BOTH = "D-05"
"""Somebody of one's own who is elsewhere too, as course 3."""
ELSEWHERE, STRANGER, ADDRESS = "Lakeside house", "Zz-77", "zz77@lake.example.org"
OWN = (1, 2, 3, 4)
BY: Any = {"actor": "staff:1", "now": DAY_8}
RUNS_ON = frozenset({"heartbeat"})
"""Tables that change while nobody does anything."""


@dataclass(frozen=True)
class Persona:
    """An account: its roles, whether it was granted scores, and its retreats (None: every one)."""

    roles: str
    sees_scores: bool = False
    retreats: Collection[int] | None = None


EVERY = "coordinator clinician analyst admin"
PERSONAS = {
    "coordinator": Persona("coordinator"),
    "granted": Persona("coordinator", sees_scores=True),
    "clinician": Persona("clinician"),
    "analyst": Persona("analyst"),
    "admin": Persona("admin"),
    "everything": Persona(EVERY),
    "nothing": Persona("", sees_scores=True),
    "member": Persona(EVERY, retreats=OWN),
}


def settle(site: Site) -> Values:
    """The demo's people, an alert with numbers in it, the accounts, and the retreat elsewhere with
    one of everything; the arguments that name what is there."""
    furnish(site)
    with site.database.write() as session:
        known = roster.find_course(session, OTHER, 1)
        assert known is not None
        session.add(an_alert(known))
    add_accounts(site)
    return add_elsewhere(site)


def add_accounts(site: Site) -> None:
    accounts.ensure_first_account(site, EMAIL, DAY_8)
    hashed = accounts.hash_password(PASSWORD)
    with site.database.write() as session:
        for name, persona in PERSONAS.items():
            row = staff.add(session, f"{name}@staff.example.org", DAY_8)
            row.roles, row.sees_scores, row.password = persona.roles, persona.sees_scores, hashed
            row.all_retreats = persona.retreats is None
            for retreat in persona.retreats or ():
                session.add(Membership(staff_id=row.id, retreat_id=retreat))


def an_alert(course_id: int) -> Alert:
    numbers = json.dumps({"before": 7.0, "now": 19.0, "limit": 5.4})
    found = {"timepoint": "baseline", "instrument": "hads", "about": "anxiety"}
    return Alert(course_id=course_id, rule=WORSENING, numbers=numbers, raised_at=DAY_8, **found)


def add_elsewhere(site: Site) -> Values:
    """A retreat of another study with one person."""
    wish = NewRetreat(ELSEWHERE, "mdma", "Europe/Amsterdam", date(2027, 3, 20))
    retreat = enrolment.add_retreat(site, wish, **BY)
    people.add_person(site, retreat, NewPerson(STRANGER, ADDRESS), **BY)
    assert people.add_person(site, retreat, NewPerson(BOTH), **BY).number == 3
    enrolment.record_consent(site, STRANGER, 1, date(2027, 3, 1), "answers and messages", **BY)
    with site.database.write() as session:
        course = roster.find_course(session, STRANGER, 1)
        person = roster.participant(session, STRANGER)
        found = roster.retreat(session, retreat)
        assert course is not None
        assert person is not None
        assert found is not None
        at, day, by = DAY_8 - timedelta(hours=2), date(2027, 3, 20), "staff:1"
        whose = {"course_id": course, "recorded_by": by, "recorded_at": at}
        rows: dict[str, Any] = {
            "alert_id": an_alert(course),
            "note_id": Note(kind="note", text="Elsewhere", on_day=day, **whose),
            "reading_id": BloodPressure(
                anchor="dosing-1", at=at, systolic=140, diastolic=90, **whose
            ),
            "event_id": AdverseEvent(
                term="Nausea", started_at=at, grade=1, serious=False, relatedness="related",
                **whose,
            ),
            "stop_id": Stop(
                participant_id=person.id, kind="messages stopped", since=day, **whose
            ),
        }  # fmt: skip
        session.add_all(rows.values())
        session.flush()
        ids = {name: row.id for name, row in rows.items()}
        study = found.study_id
    place = {"retreat_id": retreat, "study_id": study, "code": STRANGER, "number": 1}
    return {**place, **ids}


def sign_in(app: Flask, site: Site, name: str) -> FlaskClient:
    """A browser of this account, signed in by the form."""
    client = app.test_client()
    base = site.settings.public_url
    client.environ_base["HTTP_REFERER"] = f"{base}/staff/"
    page = client.get("/staff/sign-in", base_url=base).get_data(as_text=True)
    form = {"csrf_token": token_in(page), "email": f"{name}@staff.example.org"}
    answer = client.post("/staff/sign-in", data={**form, "password": PASSWORD}, base_url=base)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return client


def token_in(page: str) -> str:
    """The form token that a page carries."""
    return page.partition('name="csrf_token"')[2].partition('value="')[2].partition('"')[0]


def every_address(site: Site) -> set[str]:
    """Every e-mail address and number of everybody, opened."""
    with site.database.read() as session:
        rows = list(session.execute(select(Contact.participant_id, Contact.kind)))  # pyright: ignore[reportCallIssue, reportUnknownVariableType, reportArgumentType]
        known = [contacts.contact_of(session, site.vault, who, kind) for who, kind in rows]
    return {found.value for found in known if found}


def fingerprint(database: Database) -> dict[str, str]:
    """Of every table but those that run on: a hash over all of its rows."""
    with database.read() as session:
        query = text("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        names = [name for name in session.scalars(query) if name not in RUNS_ON]
        return {name: _hash(session, name) for name in names}


def _hash(session: Any, table: str) -> str:
    rows = session.execute(text(f'SELECT * FROM "{table}"'))
    return hashlib.sha256(repr(sorted(map(repr, rows))).encode()).hexdigest()
