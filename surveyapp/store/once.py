"""Once: rows that are named by the hash of what they hold, so that two of them are the same."""

from __future__ import annotations

import contextlib

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlmodel import SQLModel


def add_once(session: Session, row: SQLModel) -> None:
    """Add the row, unless somebody else adds the very same at the same time."""
    with contextlib.suppress(IntegrityError), session.begin_nested():
        session.add(row)
