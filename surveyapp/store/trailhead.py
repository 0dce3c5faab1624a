"""Days' heads of the trail in the store."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from .tables_trail import TrailHead


def of_day(session: Session, day: date) -> TrailHead | None:
    return session.get(TrailHead, day)


def add(session: Session, row: TrailHead) -> None:
    session.add(row)
    session.flush()


def newest(session: Session, most: int) -> list[TrailHead]:
    """The latest days, newest first."""
    query = select(TrailHead).order_by(col(TrailHead.day).desc()).limit(most)
    return list(session.scalars(query))
