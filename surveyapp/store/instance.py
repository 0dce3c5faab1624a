"""The installation's own row: its mark, and whether sending is held."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.orm import Session
from sqlmodel import col

from .tables import Course, WindowRow
from .tables_reach import Instance

LOCK_KEY = 7_266_392


def alone(session: Session) -> None:
    """One starting worker at a time; SQLite's write transactions are alone anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})


def instance(session: Session) -> Instance | None:
    return session.scalars(select(Instance)).first()


_held = select(col(Instance.held))


def is_held(session: Session) -> bool:
    """Whether nothing may be sent by any worker."""
    return bool(session.scalar(_held))


def new_mark() -> str:
    return secrets.token_hex(16)


def make(session: Session, mark: str = "") -> Instance:
    """The row of a database that had none."""
    row = Instance(mark=mark or new_mark())
    session.add(row)
    session.flush()
    return row


def due_courses(session: Session, now: datetime) -> list[int]:
    """Courses that have something to be looked at by now."""
    query = select(col(WindowRow.course_id)).where(col(WindowRow.next_prompt) <= now).distinct()
    return list(session.scalars(query.order_by(col(WindowRow.course_id))))


def courses_beside(session: Session, course_ids: Collection[int]) -> list[int]:
    """These courses and the others of the same people."""
    people = select(col(Course.participant_id)).where(col(Course.id).in_(course_ids))
    query = select(col(Course.id)).where(col(Course.participant_id).in_(people))
    return list(session.scalars(query.order_by(col(Course.id))))
