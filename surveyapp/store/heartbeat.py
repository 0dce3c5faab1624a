"""The worker's heartbeat: one row per worker, rewritten at each tick."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session
from sqlmodel import col

from .tables_access import Heartbeat

KEPT = timedelta(days=2)


def newest(session: Session, until: datetime | None = None) -> Heartbeat | None:
    """The latest heartbeat of any worker, up to `until`."""
    query = select(Heartbeat).order_by(col(Heartbeat.at).desc()).limit(1)
    if until is not None:
        query = query.where(col(Heartbeat.at) <= until)
    return session.scalars(query).first()


def beat(session: Session, worker: str, at: datetime, trouble: str = "") -> None:
    """Record that a worker finished a tick; workers long gone are forgotten."""
    session.merge(Heartbeat(worker=worker, at=at, trouble=trouble))
    session.execute(delete(Heartbeat).where(col(Heartbeat.at) < at - KEPT))
