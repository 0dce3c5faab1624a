"""Tables of the daily digest: who wants it when, and what was sent of each day."""

from __future__ import annotations

from datetime import date, datetime, time

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from .columns import Args, UtcDateTime, check, one_of

DIGEST_STATES = ("waiting", "sent", "refused", "too late", "not needed")


class Digest(SQLModel, table=True):
    """A staff account's wish for a digest at a wall-clock time in a zone. `addresses` has one a
    line. `next_at` is when a worker looks next, empty while it is off; `last_day` is the last local
    day that was looked at."""

    __table_args__: Args = (check("next_at", "(next_at IS NOT NULL) = wanted"),)
    staff_id: int = Field(foreign_key="staff.id", primary_key=True)
    wanted: bool = False
    at: time = time(8)
    time_zone: str = "UTC"
    addresses: str = ""
    when_quiet: bool = False
    last_day: date | None = None
    next_at: datetime | None = Field(default=None, sa_type=UtcDateTime, index=True)
    set_at: datetime = Field(sa_type=UtcDateTime)


class DigestMessage(SQLModel, table=True):
    """One day's digest to one address: `counts` as JSON, so that every try says the same; `next_at`
    until it is settled."""

    __tablename__ = "digest_message"  # pyright: ignore[reportAssignmentType]
    __table_args__: Args = (
        UniqueConstraint("staff_id", "day", "email"),
        one_of("status", DIGEST_STATES),
        check("next_at", "(next_at IS NULL) = (status <> 'waiting')"),
    )
    id: int = Field(default=None, primary_key=True)
    staff_id: int = Field(foreign_key="staff.id")
    day: date
    time_zone: str
    email: str
    counts: str
    status: str = "waiting"
    reason: str = ""
    message_id: str = ""
    tries: int = 0
    next_at: datetime | None = Field(default=None, sa_type=UtcDateTime, index=True)
    updated_at: datetime = Field(sa_type=UtcDateTime)
