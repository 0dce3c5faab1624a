"""Wished reminders: rows by course, timepoint and number."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session
from sqlmodel import col

from .tables_entry import Wish


def wishes_of(session: Session, course_id: int, timepoint: str) -> list[Wish]:
    """Oldest first."""
    query = select(Wish).where(col(Wish.course_id) == course_id, col(Wish.timepoint) == timepoint)
    return list(session.scalars(query.order_by(col(Wish.number))))


def drop_coming(session: Session, course_id: int, timepoint: str, now: datetime) -> int:
    """Take back what is not yet due; how many there were."""
    coming = delete(Wish).where(
        col(Wish.course_id) == course_id, col(Wish.timepoint) == timepoint, col(Wish.at) > now
    )
    return len(session.scalars(coming.returning(col(Wish.number))).all())
