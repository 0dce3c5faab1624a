"""The table of backups and drills: what was made or tried, when, and how it ended."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel

from .columns import Args, UtcDateTime, one_of

BACKUP, DRILL = "backup", "drill"
RUNNING, GOOD, FAILED = "running", "good", "failed"


class BackupRun(SQLModel, table=True):
    """One backup, or one drill that restored one. `words` say what was checked, or what failed;
    `size` is in bytes, `seconds` is how long it took; `host` is the machine that does it."""

    __tablename__ = "backup_run"  # pyright: ignore[reportAssignmentType]
    __table_args__: Args = (
        one_of("kind", (BACKUP, DRILL)),
        one_of("outcome", (RUNNING, GOOD, FAILED)),
        Index("ix_backup_run_kind_started_at", "kind", "started_at"),
    )
    id: int = Field(default=None, primary_key=True)
    kind: str
    outcome: str = RUNNING
    started_at: datetime = Field(sa_type=UtcDateTime)
    seconds: float = 0.0
    file: str = ""
    size: int = Field(default=0, sa_type=BigInteger)
    sha256: str = ""
    words: str = ""
    actor: str
    host: str
