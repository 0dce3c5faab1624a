"""Adverse events and blood pressure in the store. Services decide, and write the trail."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from .tables import AdverseEvent
from .tables_care import BloodPressure


def event_by_id(session: Session, course_id: int, event_id: int) -> AdverseEvent | None:
    """An event of this course."""
    found = session.get(AdverseEvent, event_id)
    return found if found is not None and found.course_id == course_id else None


def same_event(
    session: Session, course_id: int, term: str, started_at: datetime
) -> AdverseEvent | None:
    """The event that is known by this course, term (in any case) and start."""
    query = select(AdverseEvent).where(
        col(AdverseEvent.course_id) == course_id, col(AdverseEvent.started_at) == started_at
    )
    found = session.scalars(query)
    return next((event for event in found if event.term.casefold() == term.casefold()), None)


def add_event(session: Session, event: AdverseEvent) -> None:
    session.add(event)
    session.flush()


def add_reading(session: Session, reading: BloodPressure) -> None:
    session.add(reading)
    session.flush()


def reading_by_id(session: Session, course_id: int, reading_id: int) -> BloodPressure | None:
    """A reading of this course."""
    found = session.get(BloodPressure, reading_id)
    return found if found is not None and found.course_id == course_id else None
