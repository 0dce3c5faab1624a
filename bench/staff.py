"""What staff wait for: Today, a retreat and a person, among 10,000 people with all their answers.

500 retreats of 20 people, one every two days or so up to four weeks from now; everything that
could be answered was, and of the windows that are open now half. So some 95 retreats have windows
still to come.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import event, insert, select

from bench.client import Address, fetch, request
from bench.place import Place, free_port, serving_alone
from bench.statements import NOT_COUNTED
from surveyapp.config import Settings
from surveyapp.services import sessions, stewardship
from surveyapp.services.health import beat
from surveyapp.services.site import Site, open_site
from surveyapp.services.tries import Origin
from surveyapp.store import contacts, facts, trail, windows
from surveyapp.store.columns import table_of
from surveyapp.store.database import Session
from surveyapp.store.scores import store_scores
from surveyapp.store.tables import (
    Anchor,
    Answer,
    Assessment,
    Clearance,
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
DAYS_BETWEEN, DAYS_AHEAD = 2.2, 28
EARLIER = datetime(2020, 1, 1, tzinfo=UTC)
ZONE = "Europe/Amsterdam"
CALLS, COUNTED = 100, 5
SEED = 11


def staff_figures(folder: Path) -> dict[str, float]:
    """The p95 in ms of Today, a retreat and a person, and the statements of each."""
    place = crowd(folder / "staff")
    cookie = _cookie(place.site)
    figures: dict[str, float] = {}
    with serving_alone(place):
        for name, path in _paths().items():
            times = [_ms(place.address, path(), cookie) for _ in range(CALLS)]
            figures[f"{name}_p95_ms"] = statistics.quantiles(times, n=20)[-1]
    figures |= {f"{name}_sql": _statements(place.site, path()) for name, path in _paths().items()}
    place.site.database.close()
    return figures


def _paths() -> dict[str, Callable[[], str]]:
    chance = random.Random(SEED)
    return {
        "today": lambda: "/staff/",
        "retreat": lambda: f"/staff/retreats/{chance.randint(1, RETREATS)}",
        "participant": lambda: f"/staff/people/{_code(chance.randrange(RETREATS * PEOPLE))}",
    }


def _ms(address: Address, path: str, cookie: tuple[str, str]) -> float:
    raw = request("GET", f"{address[0]}:{address[1]}", path, headers=[cookie])
    began = time.perf_counter()
    answer = fetch(address, raw)
    spent = 1000 * (time.perf_counter() - began)
    if answer.status != 200:
        raise RuntimeError(f"{path} answered {answer.status}")
    return spent


def _statements(site: Site, path: str) -> float:
    """The most of a few calls in this process."""
    client, found = create_app(site, lambda: datetime.now(UTC)).test_client(), list[int]()
    name, value = _cookie(site)[1].split("=", 1)
    client.set_cookie(name, value)
    counted: list[str] = []

    def listen(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.lstrip().upper().startswith(NOT_COUNTED):
            counted.append(statement)

    event.listen(site.database.engine, "before_cursor_execute", listen)
    try:
        for _ in range(COUNTED):
            counted.clear()
            assert client.get(path).status_code == 200
            found.append(len(counted))
    finally:
        event.remove(site.database.engine, "before_cursor_execute", listen)
    return max(found)


def _cookie(site: Site) -> tuple[str, str]:
    """A session of the first staff account, as its own sign-in would have made it."""
    with site.database.read() as session:
        account_id = session.scalars(select(Staff.id)).first()
    assert account_id is not None
    token = sessions.begin(site, account_id, Origin("127.0.0.0/24", "bench"), datetime.now(UTC))
    app = create_app(site, lambda: datetime.now(UTC))
    signer: Any = app.session_interface
    value = signer.get_signing_serializer(app).dumps({"id": token})
    return "Cookie", f"{signer.get_cookie_name(app)}={value}"


def crowd(folder: Path) -> Place:
    """The installation with everybody in it, and a worker that has just lived."""
    port = free_port()
    settings = Settings(
        data_dir=folder / "data",
        keys_dir=folder / "keys",
        database_url=f"sqlite:///{folder / 'surveyapp.db'}",
        public_url=f"http://127.0.0.1:{port}",
        secret_key="",
        contact_keys="",
        mail_from="checkin@example.org",
    )
    stewardship.prepare(settings, "admin@localhost", EARLIER)
    site = open_site(settings)
    words = dict.fromkeys(
        ("emergency", "crisis_line", "phone", "hours", "readers", "read_when"), "x"
    )
    with site.database.write() as session:
        own = {"protocol": "second-retreat", "protocol_version": "1", "title": "Bench"}
        session.add(Study(created_at=EARLIER, **own, **words))
    now = datetime.now(UTC)
    for first in range(0, RETREATS, 50):
        _retreats(site, range(first, min(first + 50, RETREATS)), now)
    beat(site, "bench", now)
    return Place(site, folder, ("127.0.0.1", port), [])


def _code(person: int) -> str:
    return f"B-{person:05d}"


def _dosing(retreat: int, now: datetime) -> date:
    return now.date() + timedelta(days=DAYS_AHEAD - round((RETREATS - 1 - retreat) * DAYS_BETWEEN))


def _retreats(site: Site, retreats: range, now: datetime) -> None:
    protocol = site.library.protocols["second-retreat"]
    with site.database.write() as session:

        def put(table: type, rows: list[dict[str, Any]]) -> None:
            if rows:
                session.execute(insert(table_of(table)), rows)

        made = {"created_at": EARLIER}
        study = {"study_id": 1, "time_zone": ZONE, **made}
        put(Retreat, [{"id": r + 1, "name": f"Retreat {r:03d}", **study} for r in retreats])
        dates = [(r + 1, _dosing(r, now)) for r in retreats]
        put(RetreatDate, [{"retreat_id": r, "anchor": "dosing", "date": on} for r, on in dates])
        people = [(r * PEOPLE + n, r) for r in retreats for n in range(PEOPLE)]
        person = {"language": "en", "time_zone": ZONE, **made}
        put(Participant, [{"id": p + 1, "code": _code(p), **person} for p, _ in people])
        courses = {"number": 1, "protocol_sha256": protocol.sha256, **made}
        put(Course, [_course(p, r, courses) for p, r in people])
        put(Anchor, [_anchor(p, _dosing(r, now), now) for p, r in people])
        put(Consent, [_consent(p) for p, _ in people])
        past = [(p, _dosing(r, now)) for p, r in people if _dosing(r, now) <= now.date()]
        put(DoseRow, [_dose(p, on) for p, on in past])
        for p, _ in people:
            contacts.put_email(session, site.vault, p + 1, f"b{p}@example.org")
        ids = [p + 1 for p, _ in people]
        for context in facts.course_contexts(session, site.library, ids):
            _answer(session, site, context, now)
        session.expire_all()
        found = facts.course_contexts(session, site.library, ids)
        put(WindowRow, [row for context in found for row in windows.window_rows(context)])


def _course(person: int, retreat: int, made: dict[str, Any]) -> dict[str, Any]:
    own = {"id": person + 1, "participant_id": person + 1, "retreat_id": retreat + 1}
    return {**own, "chain": trail.new_chain(), **made}


def _anchor(person: int, on: date, now: datetime) -> dict[str, Any]:
    sure = EARLIER if on <= now.date() else None
    own = {"course_id": person + 1, "anchor": "dosing", "revision": 0}
    return {**own, "date": on, "confirmed_at": sure}


def _consent(person: int) -> dict[str, Any]:
    by = {"recorded_by": "bench", "recorded_at": EARLIER, "given_on": EARLIER.date()}
    return {"course_id": person + 1, "scope": "answers and messages", **by}


def _dose(person: int, on: date) -> dict[str, Any]:
    at = datetime.combine(on, datetime.min.time(), UTC) + timedelta(hours=9)
    given = {"anchor": "dosing", "kind": "first", "status": "given", "mg": 25.0, "reason": ""}
    return {"course_id": person + 1, "given_at": at, "recorded_at": at, **given}


def _answer(session: Session, site: Site, context: facts.CourseContext, now: datetime) -> None:
    """Every sheet of a window that has closed, sent a day after it opened, and half of the others
    that are open; staff have confirmed the follow-ups that are open."""
    for timepoint in context.protocol.timepoints:
        window = window_of(timepoint, context.facts)
        if window is None or window.opens_at > now:
            continue
        if timepoint.confirm:
            given = {"given_by": "bench", "given_at": EARLIER, "timepoint": timepoint.id}
            session.execute(insert(Clearance), {"course_id": context.course_id, **given})
        if window.closes_at <= now or context.course_id % 2:
            _sheets(session, site, context, timepoint, window.opens_at + timedelta(hours=30))


def _sheets(
    session: Session, site: Site, context: facts.CourseContext, timepoint: Timepoint, at: datetime
) -> None:
    first = context.course_id * 8 + 2 * context.protocol.timepoints.index(timepoint)
    for number, name in enumerate(timepoint.instruments, first):
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
