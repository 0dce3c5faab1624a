"""Tables of what stands before the first question: PINs, data notices, and wished reminders."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from .columns import Args, UtcDateTime, check


class Pin(SQLModel, table=True):
    """A person's PIN, sealed like a contact, so that a slip can be printed again.

    `asked`: also asked for when a link is opened, not on a shared tablet alone. `wrong` counts
    wrong tries in a row, the last at `tried_at`.
    """

    __table_args__: Args = (check("wrong", "wrong >= 0"),)
    participant_id: int = Field(foreign_key="participant.id", primary_key=True)
    sealed: str
    key_version: str
    asked: bool = False
    wrong: int = 0
    tried_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    made_at: datetime = Field(sa_type=UtcDateTime)


class DataNotice(SQLModel, table=True):
    """One version of a study's own data notice; `texts` is JSON, language to text."""

    __tablename__ = "data_notice"  # pyright: ignore[reportAssignmentType]
    __table_args__: Args = (
        UniqueConstraint("study_id", "version"),
        check("version", "version >= 1"),
    )
    id: int = Field(default=None, primary_key=True)
    study_id: int = Field(foreign_key="study.id")
    version: int
    texts: str
    published_by: str
    published_at: datetime = Field(sa_type=UtcDateTime)


class Acknowledgement(SQLModel, table=True):
    """Who read which version of a study's notice, in which words (language, hash), and when.

    Version 0 is the built-in notice of a study that has published none.
    """

    __table_args__: Args = (check("version", "version >= 0"),)
    participant_id: int = Field(foreign_key="participant.id", primary_key=True)
    study_id: int = Field(foreign_key="study.id", primary_key=True)
    version: int = Field(primary_key=True)
    language: str
    sha256: str
    at: datetime = Field(sa_type=UtcDateTime)


class Wish(SQLModel, table=True):
    """A reminder that the person asked for on the start page, due at `at`."""

    __table_args__: Args = (check("number", "number >= 1"),)
    course_id: int = Field(foreign_key="course.id", primary_key=True)
    timepoint: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    at: datetime = Field(sa_type=UtcDateTime)
    wished_at: datetime = Field(sa_type=UtcDateTime)
