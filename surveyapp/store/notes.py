"""Notes, intentions and reasons for missing forms in the store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from .columns import put_edition
from .tables_group import INTENTION, MissingForm, Note


def add_note(session: Session, note: Note) -> None:
    session.add(note)
    session.flush()


def note_by_id(session: Session, course_id: int, note_id: int) -> Note | None:
    """A note of this course."""
    found = session.get(Note, note_id)
    return found if found is not None and found.course_id == course_id else None


def intention(session: Session, course_id: int) -> Note | None:
    """The newest that was not withdrawn."""
    query = (
        select(Note)
        .where(col(Note.course_id) == course_id, col(Note.kind) == INTENTION)
        .where(col(Note.withdrawn_at).is_(None))
        .order_by(col(Note.id).desc())
        .limit(1)
    )
    return session.scalars(query).first()


def missing_form(session: Session, course_id: int, timepoint: str) -> MissingForm | None:
    return session.get(MissingForm, (course_id, timepoint))


def put_missing(
    session: Session, course_id: int, timepoint: str, values: Mapping[str, Any]
) -> None:
    put_edition(session, MissingForm, {"course_id": course_id, "timepoint": timepoint}, values)
