"""PINs in the store: sealed like a contact, so that a slip can be printed again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from .tables import Course
from .tables_entry import Pin
from .vault import Sealed, Vault


def find_pin(session: Session, participant_id: int) -> Pin | None:
    return session.get(Pin, participant_id)


def lock_pin(session: Session, participant_id: int) -> Pin | None:
    """The row as it stands now; whoever else tries meanwhile waits (SQLite's writers do anyway)."""
    query = select(Pin).where(col(Pin.participant_id) == participant_id)
    return session.scalars(
        query.with_for_update().execution_options(populate_existing=True)
    ).first()


def pins_of(session: Session, participant_ids: Collection[int]) -> dict[int, Pin]:
    """By participant."""
    query = select(Pin).where(col(Pin.participant_id).in_(participant_ids))
    return {pin.participant_id: pin for pin in session.scalars(query)}


def put_pin(
    session: Session, vault: Vault, participant_id: int, digits: str, asked: bool, now: datetime
) -> None:
    """Set a person's PIN, with no wrong try counted."""
    sealed = vault.seal(digits, bound_to(participant_id))
    session.merge(
        Pin(
            participant_id=participant_id,
            sealed=sealed.text,
            key_version=sealed.key_version,
            asked=asked,
            wrong=0,
            tried_at=None,
            made_at=now,
        )
    )
    session.flush()


def digits_of(vault: Vault, pin: Pin) -> str:
    """Raises CannotOpenError."""
    return vault.open(Sealed(pin.sealed, pin.key_version), bound_to(pin.participant_id))


def newest_courses(session: Session, participant_ids: Collection[int]) -> dict[int, Course]:
    """The newest course of each person, whose chain tells what happens to the person."""
    query = select(Course).where(col(Course.participant_id).in_(participant_ids))
    rows = session.scalars(query.order_by(col(Course.number)))
    return {course.participant_id: course for course in rows}


def bound_to(participant_id: int) -> str:
    return f"participant {participant_id} pin"
