"""The worker's heartbeat: one row per worker, rewritten at each tick."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, literal, select, true
from sqlalchemy.orm import Session
from sqlmodel import col

from .tables_access import Heartbeat
from .tables_reach import Instance

KEPT = timedelta(days=2)


_one = select(literal(1)).subquery()
_state = (
    select(Heartbeat, Instance)
    .select_from(_one)
    .outerjoin(Instance, true())
    .outerjoin(Heartbeat, col(Heartbeat.at) <= bindparam("until"))
    .order_by(col(Heartbeat.at).desc().nulls_last())
    .limit(1)
)


def newest(session: Session) -> Heartbeat | None:
    """The latest heartbeat of any worker."""
    return session.scalars(select(Heartbeat).order_by(col(Heartbeat.at).desc()).limit(1)).first()


def state(session: Session, until: datetime) -> tuple[Heartbeat | None, Instance | None]:
    """The latest heartbeat up to `until` and the installation's own row, in one statement."""
    beat, instance = session.execute(_state, {"until": until}).one()
    return beat, instance


def beat(session: Session, worker: str, at: datetime, trouble: str = "") -> None:
    """Record that a worker finished a tick; workers long gone are forgotten."""
    session.merge(Heartbeat(worker=worker, at=at, trouble=trouble))
    session.execute(delete(Heartbeat).where(col(Heartbeat.at) < at - KEPT))
