"""The table of the trail's heads: what was kept outside of each day."""

from __future__ import annotations

from datetime import date, datetime

from sqlmodel import Field, SQLModel

from .columns import Args, UtcDateTime, check


class TrailHead(SQLModel, table=True):
    """One day's (UTC) head. `file` is the name of what was written, empty while nothing was;
    `next_at` is when to try again what did not work, in `trouble` in words; null once all is
    done."""

    __tablename__ = "trail_head"  # pyright: ignore[reportAssignmentType]
    __table_args__: Args = (check("events", "events >= 0"),)
    day: date = Field(primary_key=True)
    events: int
    head: str
    file: str = ""
    written_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    mailed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    next_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    trouble: str = ""
