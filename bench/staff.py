"""What staff wait for: Today, a retreat and a person, among 10,000 people with all their answers.

500 retreats of 20 people, one every two days or so up to four weeks from now; everything that
could be answered was. So some 95 retreats have windows still to come.
"""

from __future__ import annotations

import itertools
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import event, insert, select

from bench.statements import NOT_COUNTED
from surveyapp.config import Settings
from surveyapp.services import stewardship
from surveyapp.services.health import beat
from surveyapp.services.site import Site, open_site
from surveyapp.store import contacts, facts, trail, windows
from surveyapp.store.columns import table_of
from surveyapp.store.database import Session
from surveyapp.store.scores import store_scores
from surveyapp.store.tables import (
    Anchor,
    Answer,
    Assessment,
    Consent,
    Course,
    DoseRow,
    Participant,
    Retreat,
    RetreatDate,
    Study,
    WindowRow,
)
from surveyapp.store.tables_access import Staff
from surveyapp.study.protocol import Timepoint
from surveyapp.study.schedule import window_of
from surveyapp.study.scoring import score
from surveyapp.web.app import create_app

RETREATS, PEOPLE = 500, 20
NOW = datetime(2027, 6, 1, 9, tzinfo=UTC)
LAST = date(2027, 6, 29)
DAYS_BETWEEN = 2.2
EARLIER = datetime(2023, 1, 1, tzinfo=UTC)
ZONE = "Europe/Amsterdam"
CALLS = 60
SEED = 11


@dataclass(frozen=True)
class Pages:
    """Milliseconds and SQL statements of one page's calls."""

    ms: list[float]
    statements: list[int]


def staff_figures(folder: Path) -> dict[str, float]:
    """today_p95_ms, retreat_p95_ms, participant_p95_ms and the statements of each."""
    site = crowd(folder / "staff")
    client = signed_in(site)
    chance = random.Random(SEED)
    paths: dict[str, Callable[[], str]] = {
        "today": lambda: "/staff/",
        "retreat": lambda: f"/staff/retreats/{chance.randint(1, RETREATS)}",
        "participant": lambda: f"/staff/people/{_code(chance.randrange(RETREATS * PEOPLE))}",
    }
    figures: dict[str, float] = {}
    for name, path in paths.items():
        found = _called(site, client, path)
        figures[f"{name}_p95_ms"] = statistics.quantiles(found.ms, n=20)[-1]
        figures[f"{name}_sql"] = max(found.statements)
    site.database.close()
    return figures


def _called(site: Site, client: Any, path: Callable[[], str]) -> Pages:
    found, count = Pages([], []), itertools.count()
    seen = 0

    def listen(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.lstrip().upper().startswith(NOT_COUNTED):
            next(count)

    client.get(path())
    event.listen(site.database.engine, "before_cursor_execute", listen)
    try:
        for _ in range(CALLS):
            where, began = path(), time.perf_counter()
            answer = client.get(where)
            found.ms.append(1000 * (time.perf_counter() - began))
            assert answer.status_code == 200, answer.status
            now = next(count)
            found.statements.append(now - seen)
            seen = now + 1
    finally:
        event.remove(site.database.engine, "before_cursor_execute", listen)
    return found


def signed_in(site: Site) -> Any:
    """A client with a session of the first staff account, and a worker that lives."""
    beat(site, "bench", NOW)
    with site.database.read() as session:
        uniquifier = session.scalars(select(Staff.uniquifier)).first()
    client = create_app(site, lambda: NOW).test_client()
    with client.session_transaction() as cookie:
        cookie.update({"_user_id": uniquifier, "_fresh": True, "fs_paa": time.time()})
    return client


def crowd(folder: Path) -> Site:
    """The installation with everybody in it."""
    settings = Settings(
        data_dir=folder / "data",
        keys_dir=folder / "keys",
        database_url=f"sqlite:///{folder / 'surveyapp.db'}",
        public_url="https://checkin.example.org",
        secret_key="",
        contact_keys="",
        mail_from="checkin@example.org",
    )
    stewardship.prepare(settings, "admin@localhost", EARLIER)
    site = open_site(settings)
    with site.database.write() as session:
        study = Study(
            protocol="second-retreat",
            protocol_version="1",
            title="Bench",
            created_at=EARLIER,
            **dict.fromkeys(("emergency", "crisis_line", "phone", "hours", "readers"), "x"),
            read_when="x",
        )
        session.add(study)
    for first in range(0, RETREATS, 50):
        _retreats(site, range(first, min(first + 50, RETREATS)))
    return site


def _code(person: int) -> str:
    return f"B-{person:05d}"


def _dosing(retreat: int) -> date:
    return LAST - timedelta(days=round((RETREATS - 1 - retreat) * DAYS_BETWEEN))


def _retreats(site: Site, retreats: range) -> None:
    protocol = site.library.protocols["second-retreat"]
    with site.database.write() as session:

        def put(table: type, rows: list[dict[str, Any]]) -> None:
            if rows:
                session.execute(insert(table_of(table)), rows)

        made = {"created_at": EARLIER}
        study = {"study_id": 1, "time_zone": ZONE, **made}
        put(Retreat, [{"id": r + 1, "name": f"Retreat {r:03d}", **study} for r in retreats])
        dates = [(r + 1, _dosing(r)) for r in retreats]
        put(RetreatDate, [{"retreat_id": r, "anchor": "dosing", "date": on} for r, on in dates])
        people = [(r * PEOPLE + n, r) for r in retreats for n in range(PEOPLE)]
        person = {"language": "en", "time_zone": ZONE, **made}
        put(Participant, [{"id": p + 1, "code": _code(p), **person} for p, _ in people])
        courses = {"number": 1, "protocol_sha256": protocol.sha256, **made}
        put(Course, [_course(p, r, courses) for p, r in people])
        put(Anchor, [_anchor(p, r) for p, r in people])
        put(Consent, [_consent(p) for p, _ in people])
        put(DoseRow, [_dose(p, r) for p, r in people if _dosing(r) <= NOW.date()])
        for p, _ in people:
            contacts.put_email(session, site.vault, p + 1, f"b{p}@example.org")
        ids = [p + 1 for p, _ in people]
        for context in facts.course_contexts(session, site.library, ids):
            _answer(session, site, context)
        session.expire_all()
        found = facts.course_contexts(session, site.library, ids)
        put(WindowRow, [row for context in found for row in windows.window_rows(context)])


def _course(person: int, retreat: int, made: dict[str, Any]) -> dict[str, Any]:
    own = {"id": person + 1, "participant_id": person + 1, "retreat_id": retreat + 1}
    return {**own, "chain": trail.new_chain(), **made}


def _anchor(person: int, retreat: int) -> dict[str, Any]:
    on = _dosing(retreat)
    sure = EARLIER if on <= NOW.date() else None
    own = {"course_id": person + 1, "anchor": "dosing", "revision": 0}
    return {**own, "date": on, "confirmed_at": sure}


def _consent(person: int) -> dict[str, Any]:
    by = {"recorded_by": "bench", "recorded_at": EARLIER, "given_on": EARLIER.date()}
    return {"course_id": person + 1, "scope": "answers and messages", **by}


def _dose(person: int, retreat: int) -> dict[str, Any]:
    at = datetime.combine(_dosing(retreat), datetime.min.time(), UTC) + timedelta(hours=9)
    given = {"anchor": "dosing", "kind": "first", "status": "given", "mg": 25.0, "reason": ""}
    return {"course_id": person + 1, "given_at": at, "recorded_at": at, **given}


def _answer(session: Session, site: Site, context: facts.CourseContext) -> None:
    """Every sheet of a window that has closed, sent a day after it opened."""
    protocol = context.protocol
    due = [(t, window_of(t, context.facts)) for t in protocol.timepoints]
    closed = [(t, w.opens_at) for t, w in due if w is not None and w.closes_at <= NOW]
    sheets = [(t, name, opened) for t, opened in closed for name in t.instruments]
    for number, (timepoint, name, opened) in enumerate(sheets, context.course_id * 8):
        at = opened + timedelta(hours=30)
        session.execute(insert(Assessment), _sheet(number, context.course_id, timepoint, name, at))
        instrument, chance = site.library.instruments[name], random.Random(number)
        given = {item.id: chance.choice(item.values) for item in instrument.items}
        own = {"assessment_id": number, "given_at": at, "received_at": at, "skip": None}
        rows = [{**own, "item": item, "value": value} for item, value in given.items()]
        session.execute(insert(Answer), rows)
        store_scores(session, number, instrument, score(instrument, given))


def _sheet(
    number: int, course: int, timepoint: Timepoint, name: str, at: datetime
) -> dict[str, Any]:
    said = {"instrument_version": "1", "wording_sha256": "0", "placeholder": True, "language": "en"}
    times = {"mode": "phone", "started_at": at, "submitted_at": at, "entered_by": ""}
    where = {"course_id": course, "timepoint": timepoint.id, "instrument": name}
    return {"id": number, **where, **said, **times}
