"""Tables of who may do what (links, visits, staff), of the worker, and of the trail."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint, false, true
from sqlmodel import Field, SQLModel

from .columns import Args, UtcDateTime, check

EVERY_ROLE = "coordinator clinician analyst admin"
"""Of accounts from before roles, and of the first one."""


class Link(SQLModel, table=True):
    """A prompt's link. The token itself is re-created from the link key; its hash finds it."""

    __table_args__: Args = (check("generation", "generation >= 0"),)
    course_id: int = Field(foreign_key="course.id", primary_key=True)
    timepoint: str = Field(primary_key=True)
    generation: int = 0
    token_sha256: str = Field(unique=True)


class Visit(SQLModel, table=True):
    """One opening of a link. The read secret shows the draft; the write secret only writes."""

    __table_args__: Args = (Index("ix_visit_course_id_timepoint", "course_id", "timepoint"),)
    id: str = Field(primary_key=True)
    course_id: int = Field(foreign_key="course.id")
    timepoint: str
    read_sha256: str
    write_sha256: str
    created_at: datetime = Field(sa_type=UtcDateTime)


class Staff(SQLModel, table=True):
    """A staff account. `uniquifier` is part of what its links are made from; a new one comes with
    each password and invitation (sessions: `tables_signin`). `roles` are words with blanks between
    (`services.rights`); `sees_scores` grants a coordinator the scores."""

    id: int = Field(default=None, primary_key=True)
    email: str = Field(unique=True)
    password: str | None = None
    active: bool = True
    roles: str = Field(default=EVERY_ROLE, sa_column_kwargs={"server_default": EVERY_ROLE})
    sees_scores: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    all_retreats: bool = Field(default=True, sa_column_kwargs={"server_default": true()})
    uniquifier: str = Field(unique=True)
    created_at: datetime = Field(sa_type=UtcDateTime)


class Membership(SQLModel, table=True):
    """An account that does not have every retreat has this one."""

    staff_id: int = Field(foreign_key="staff.id", primary_key=True)
    retreat_id: int = Field(foreign_key="retreat.id", primary_key=True, index=True)


class Invite(SQLModel, table=True):
    """A one-time link to set a password, known by its hash."""

    token_sha256: str = Field(primary_key=True)
    staff_id: int = Field(foreign_key="staff.id", index=True)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Heartbeat(SQLModel, table=True):
    """When a worker last finished a tick, and what hindered it, in words."""

    worker: str = Field(primary_key=True)
    at: datetime = Field(sa_type=UtcDateTime)
    trouble: str = ""


class Event(SQLModel, table=True):
    """A trail header, hashed with the one before it in its chain. Append-only by trigger."""

    __table_args__: Args = (UniqueConstraint("chain", "seq"), check("seq", "seq >= 1"))
    uid: str = Field(primary_key=True)
    chain: str
    seq: int
    kind: str
    actor: str
    at: datetime = Field(sa_type=UtcDateTime)
    commitment: str
    previous: str
    hash: str


class EventPayload(SQLModel, table=True):
    """What an event said, apart from its header, so that it can go when a person is erased."""

    __tablename__ = "event_payload"  # pyright: ignore[reportAssignmentType]
    event_uid: str = Field(foreign_key="event.uid", primary_key=True)
    salt: str
    payload: str
