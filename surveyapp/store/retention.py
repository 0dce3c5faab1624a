"""Retention in the store: what is older than a period, by kind, counted and removed.

`before` is the instant that something must lie before. A person's time begins when the last window
of all their courses has closed, so nobody who is still asked loses anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, delete, func, or_, select, tuple_, update
from sqlalchemy.orm import Session
from sqlmodel import col

from . import belongings, erasing, trail
from .tables import Assessment, Attempt, Contact, Course, Retreat, Study, WindowRow
from .tables_access import Event, EventPayload, Link, Visit
from .tables_digest import DigestMessage
from .tables_entry import Pin
from .tables_group import Note
from .tables_keeping import Retention

ANSWERS_SAID = (
    "answers saved",
    "answers sent",
    "answers corrected",
    "sheet entered",
    "assessment imported",
    "second entry",
    "alert raised",
)
NOTES_SAID = ("note written", "note withdrawn", "intention written")


@dataclass(frozen=True)
class Rule:
    """How one kind is counted and removed. `remove` gives the ids of trail events whose payloads
    go with it."""

    count: Callable[[Session, datetime], int]
    remove: Callable[[Session, datetime], list[str]]


def _number(session: Session, query: Any) -> int:
    return session.scalar(select(func.count()).select_from(query.subquery())) or 0


def _ended_people(before: datetime) -> Any:
    query = select(col(Course.participant_id)).join(
        WindowRow, col(WindowRow.course_id) == col(Course.id)
    )
    ended = func.max(col(WindowRow.closes_at)) < before
    return query.group_by(col(Course.participant_id)).having(ended)


def _ended_courses(before: datetime) -> Any:
    query = select(col(WindowRow.course_id)).group_by(col(WindowRow.course_id))
    return query.having(func.max(col(WindowRow.closes_at)) < before)


def _contacts(before: datetime) -> Any:
    query = select(col(Contact.participant_id), col(Contact.kind))
    return query.where(col(Contact.participant_id).in_(_ended_people(before)))


def _remove_contacts(session: Session, before: datetime) -> list[str]:
    for person in {row.participant_id for row in session.execute(_contacts(before))}:
        erasing.remove_contacts(session, person)
    return []


def _pins(before: datetime) -> Any:
    query = select(col(Pin.participant_id))
    return query.where(col(Pin.participant_id).in_(_ended_people(before)))


def _remove_pins(session: Session, before: datetime) -> list[str]:
    session.execute(delete(Pin).where(col(Pin.participant_id).in_(_ended_people(before))))
    return []


def _attempts(before: datetime) -> Any:
    says = or_(col(Attempt.detail) != "", col(Attempt.sent_to).is_not(None))
    return and_(col(Attempt.at) < before, says)


def _remove_attempts(session: Session, before: datetime) -> list[str]:
    session.execute(update(Attempt).where(_attempts(before)).values(detail="", sent_to=None))
    return []


def _closed(table: Any, before: datetime) -> Any:
    closed = select(col(WindowRow.course_id), col(WindowRow.timepoint))
    closed = closed.where(col(WindowRow.closes_at) < before)
    return tuple_(table.course_id, table.timepoint).in_(closed)


def _count_visits(session: Session, before: datetime) -> int:
    tables: tuple[Any, ...] = (Visit, Link)
    return sum(
        session.scalar(select(func.count()).select_from(t).where(_closed(t, before))) or 0
        for t in tables
    )


def _remove_visits(session: Session, before: datetime) -> list[str]:
    tables: tuple[Any, ...] = (Visit, Link)
    for table in tables:
        session.execute(delete(table).where(_closed(table, before)))
    return []


def _digests(before: datetime) -> Any:
    return and_(col(DigestMessage.updated_at) < before, col(DigestMessage.next_at).is_(None))


def _remove_digests(session: Session, before: datetime) -> list[str]:
    session.execute(delete(DigestMessage).where(_digests(before)))
    return []


def _practice(before: datetime) -> Any:
    """Questionnaires of courses of practice studies whose last window closed before."""
    query = select(col(Assessment.id)).join(Course, col(Course.id) == col(Assessment.course_id))
    query = query.join(Retreat, col(Retreat.id) == col(Course.retreat_id))
    query = query.join(Study, col(Study.id) == col(Retreat.study_id))
    return query.where(
        col(Study.mode) == "practice", col(Assessment.course_id).in_(_ended_courses(before))
    )


def _remove_practice(session: Session, before: datetime) -> list[str]:
    ids = list(session.scalars(_practice(before)))
    courses = select(col(Assessment.course_id)).where(col(Assessment.id).in_(ids))
    said = _said(session, courses, ANSWERS_SAID)
    found = list(belongings.belongings(session, ids, belongings.SHEETS))
    belongings.remove(session, found)
    return said


def _notes(before: datetime) -> Any:
    return col(Note.course_id).in_(_ended_courses(before))


def _remove_notes(session: Session, before: datetime) -> list[str]:
    said = _said(session, select(col(Note.course_id)).where(_notes(before)), NOTES_SAID)
    session.execute(delete(Note).where(_notes(before)))
    return said


def _said(session: Session, courses: Any, kinds: tuple[str, ...]) -> list[str]:
    """Events of these courses that have a payload still."""
    query = select(col(Event.uid)).join(EventPayload, col(EventPayload.event_uid) == col(Event.uid))
    query = query.join(Course, col(Course.chain) == col(Event.chain))
    return list(
        session.scalars(query.where(col(Course.id).in_(courses), col(Event.kind).in_(kinds)))
    )


RULES: dict[str, Rule] = {
    "contacts": Rule(lambda s, b: _number(s, _contacts(b)), _remove_contacts),
    "pins": Rule(lambda s, b: _number(s, _pins(b)), _remove_pins),
    "attempts": Rule(
        lambda s, b: _number(s, select(col(Attempt.id)).where(_attempts(b))), _remove_attempts
    ),
    "visits": Rule(_count_visits, _remove_visits),
    "digests": Rule(
        lambda s, b: _number(s, select(col(DigestMessage.id)).where(_digests(b))), _remove_digests
    ),
    "practice": Rule(lambda s, b: _number(s, _practice(b)), _remove_practice),
    "notes": Rule(
        lambda s, b: _number(s, select(col(Note.id)).where(_notes(b))), _remove_notes
    ),
}  # fmt: skip


def apply(session: Session, kind: str, before: datetime, actor: str, now: datetime) -> int:
    """Remove what is older, in the caller's write transaction; how many."""
    rule = RULES[kind]
    count = rule.count(session, before)
    if not count:
        return 0
    erasing.alone(session)
    events = rule.remove(session, before)
    session.expire_all()
    payload: dict[str, object] = {"kind": kind, "count": count, "before": before.isoformat()}
    if events:
        trail.erase_payloads(session, events)
        trail.append(session, trail.SYSTEM, trail.ERASED, actor, now, {"events": events} | payload)
    else:
        trail.append(session, trail.SYSTEM, "retention applied", actor, now, payload)
    return count


def periods(session: Session) -> dict[str, Retention]:
    """The periods that are set, by kind."""
    return {row.kind: row for row in session.scalars(select(Retention))}


def put_period(session: Session, kind: str, days: int, by: str, now: datetime) -> None:
    session.merge(Retention(kind=kind, days=days, set_by=by, set_at=now, applied_at=None))
    session.flush()


def remove_period(session: Session, kind: str) -> None:
    session.execute(delete(Retention).where(col(Retention.kind) == kind))


def mark_applied(session: Session, kind: str, now: datetime) -> None:
    session.execute(update(Retention).where(col(Retention.kind) == kind).values(applied_at=now))


def due(session: Session, since: datetime) -> list[str]:
    """Kinds that were not applied since then."""
    late = or_(col(Retention.applied_at).is_(None), col(Retention.applied_at) <= since)
    return sorted(session.scalars(select(col(Retention.kind)).where(late)))
