"""Alerts, who is told of them, and the messages to those people, in the store."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from .scopes import Scope
from .tables import Course, Participant, Retreat, Study
from .tables_access import Staff
from .tables_care import Alert, AlertMessage, Responder

Subject = tuple[str, str, str, str]
"""(rule, timepoint, instrument, about) of one alert of a course."""


@dataclass(frozen=True)
class Placed:
    """An alert with whom it is about."""

    alert: Alert
    course: Course
    participant: Participant
    retreat: Retreat
    study: Study


_placed = (
    select(Alert, Course, Participant, Retreat, Study)
    .join(Course, col(Course.id) == col(Alert.course_id))
    .join(Participant, col(Participant.id) == col(Course.participant_id))
    .join(Retreat, col(Retreat.id) == col(Course.retreat_id))
    .join(Study, col(Study.id) == col(Retreat.study_id))
    .order_by(col(Alert.raised_at).desc(), col(Alert.id).desc())
)


def subjects(session: Session, course_id: int) -> set[Subject]:
    """What a course has alerts about already."""
    rows = session.scalars(select(Alert).where(col(Alert.course_id) == course_id))
    return {(row.rule, row.timepoint, row.instrument, row.about) for row in rows}


def together(session: Session, one: Alert) -> list[Alert]:
    """The alerts that were raised at once with this one, in the order they were raised."""
    query = select(Alert).where(
        col(Alert.course_id) == one.course_id,
        col(Alert.raised_at) == one.raised_at,
        col(Alert.drill) == one.drill,
    )
    return list(session.scalars(query.order_by(col(Alert.id))))


def add(session: Session, alert: Alert) -> None:
    session.add(alert)
    session.flush()


def add_message(session: Session, message: AlertMessage) -> None:
    session.add(message)
    session.flush()


def alert(session: Session, alert_id: int) -> Alert | None:
    return session.get(Alert, alert_id)


def placed(session: Session, alert_id: int) -> Placed | None:
    row = session.execute(_placed.where(col(Alert.id) == alert_id)).first()
    return Placed(*row) if row else None


def listed(
    session: Session, *, most: int, open_only: bool = False, scope: Scope = None
) -> list[Placed]:
    """Those within the scope, the newest first, at most `most`; `open_only` without those that are
    closed."""
    query = _placed.where(col(Alert.closed_at).is_(None)) if open_only else _placed
    if scope is not None:
        query = query.where(col(Retreat.id).in_(scope))
    return [Placed(*row) for row in session.execute(query.limit(most))]


def open_of_person(session: Session, code: str, scope: Scope = None) -> list[Placed]:
    query = _placed.where(col(Participant.code) == code, col(Alert.closed_at).is_(None))
    if scope is not None:
        query = query.where(col(Retreat.id).in_(scope))
    return [Placed(*row) for row in session.execute(query)]


def unacknowledged(session: Session, study_id: int) -> list[Alert]:
    """Alerts of a study that nobody has acknowledged or closed."""
    waiting = (col(Alert.acknowledged_at).is_(None), col(Alert.closed_at).is_(None))
    query = _placed.where(col(Study.id) == study_id, *waiting)
    return [row[0] for row in session.execute(query)]


def messages(session: Session, alert_ids: Collection[int]) -> list[AlertMessage]:
    """The messages about some alerts, by alert and place."""
    query = select(AlertMessage).where(col(AlertMessage.alert_id).in_(alert_ids))
    ordered = query.order_by(col(AlertMessage.alert_id), col(AlertMessage.place))
    return list(session.scalars(ordered))


def due_message(session: Session, now: datetime) -> int | None:
    """The id of the message that has waited longest; None when nothing is due. One statement."""
    query = select(col(AlertMessage.id)).where(col(AlertMessage.next_at) <= now)
    return session.scalars(query.order_by(col(AlertMessage.next_at)).limit(1)).first()


def message(session: Session, message_id: int) -> AlertMessage | None:
    """One message, locked where the database locks rows."""
    query = select(AlertMessage).where(col(AlertMessage.id) == message_id)
    return session.scalars(query.with_for_update()).first()


def responders(session: Session, study_id: int) -> list[Responder]:
    """Who is told of a study's alerts, in order of their place."""
    query = select(Responder).where(col(Responder.study_id) == study_id)
    return list(session.scalars(query.order_by(col(Responder.place))))


def put_responder(session: Session, responder: Responder) -> None:
    session.merge(responder)
    session.flush()


def remove_responder(session: Session, study_id: int, place: int) -> None:
    found = session.get(Responder, (study_id, place))
    if found is not None:
        session.delete(found)
        session.flush()


def newest_course(session: Session, study_id: int) -> Course | None:
    """The course of a study that was added last."""
    query = select(Course).join(Retreat, col(Retreat.id) == col(Course.retreat_id))
    ordered = query.where(col(Retreat.study_id) == study_id).order_by(col(Course.id).desc())
    return session.scalars(ordered.limit(1)).first()


def staff_emails(session: Session) -> Mapping[str, str]:
    """Staff accounts as acts name them ("staff:1"), to their e-mail addresses."""
    rows = session.execute(select(col(Staff.id), col(Staff.email)))
    return {f"staff:{row.id}": row.email for row in rows}
