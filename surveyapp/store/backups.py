"""Backups and drills on record: who does one now, and how the last ones ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session
from sqlmodel import col

from .tables_backup import BACKUP as BACKUP
from .tables_backup import DRILL as DRILL
from .tables_backup import FAILED as FAILED
from .tables_backup import GOOD as GOOD
from .tables_backup import RUNNING as RUNNING
from .tables_backup import BackupRun as BackupRun

LOCK_KEY = 7_266_393
LOOKED_BACK = 50


def alone(session: Session) -> None:
    """One at a time looks whether a backup is due; SQLite's writers are alone anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})


def begin(session: Session, kind: str, actor: str, host: str, now: datetime) -> BackupRun:
    run = BackupRun(kind=kind, actor=actor, host=host, started_at=now)
    session.add(run)
    session.flush()
    return run


def by_id(session: Session, number: int) -> BackupRun | None:
    return session.get(BackupRun, number)


def newest(session: Session, kind: str, outcome: str = "") -> BackupRun | None:
    """The last one, or the last that ended so."""
    query = select(BackupRun).where(col(BackupRun.kind) == kind)
    if outcome:
        query = query.where(col(BackupRun.outcome) == outcome)
    order = col(BackupRun.started_at).desc(), col(BackupRun.id).desc()
    return session.scalars(query.order_by(*order).limit(1)).first()


def newest_of_each(session: Session) -> dict[tuple[str, str], BackupRun]:
    """The last run of each kind and outcome, in one statement."""
    last = func.max(col(BackupRun.id)).label("id")
    ids = select(last).group_by(col(BackupRun.kind), col(BackupRun.outcome)).subquery()
    rows = session.scalars(select(BackupRun).join(ids, col(BackupRun.id) == ids.c.id))
    return {(run.kind, run.outcome): run for run in rows}


def running(session: Session, kind: str) -> Sequence[BackupRun]:
    """Those that are under way, or broke off and were not written down as such."""
    query = select(BackupRun).where(col(BackupRun.kind) == kind, col(BackupRun.outcome) == RUNNING)
    return session.scalars(query).all()


def recent(session: Session, count: int) -> Sequence[BackupRun]:
    order = col(BackupRun.started_at).desc(), col(BackupRun.id).desc()
    return session.scalars(select(BackupRun).order_by(*order).limit(count)).all()


def files(session: Session) -> set[str]:
    """Names of the files that were made here."""
    query = select(col(BackupRun.file)).where(
        col(BackupRun.kind) == BACKUP, col(BackupRun.outcome) == GOOD
    )
    return set(session.scalars(query))


def sha256_of(session: Session, file: str) -> str:
    """What a backup of this name was when it was made here; empty for another's."""
    query = select(col(BackupRun.sha256)).where(
        col(BackupRun.file) == file, col(BackupRun.kind) == BACKUP
    )
    return session.scalars(query).first() or ""


def failed_at(session: Session) -> Sequence[datetime]:
    """When the last backups began that failed."""
    query = select(col(BackupRun.started_at)).where(
        col(BackupRun.kind) == BACKUP, col(BackupRun.outcome) == FAILED
    )
    return session.scalars(query.order_by(col(BackupRun.id).desc()).limit(LOOKED_BACK)).all()
