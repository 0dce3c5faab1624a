"""Tables of what surrounds the questionnaires: a programme of sessions, who attended, notes
and intentions, why a form is missing, and second entries of sheets.

Nothing here moves a window. `edition` rises with each change, so that of two people who change the
same thing the second is told what the first did.
"""

from __future__ import annotations

from datetime import date, datetime, time

from sqlmodel import Field, SQLModel

from .columns import Args, UtcDateTime, check, one_of

ATTENDED, PARTLY, ABSENT = "attended", "partly", "absent"
ATTENDANCE = (ATTENDED, PARTLY, ABSENT)
NOTE, INTENTION = "note", "intention"


class SessionDate(SQLModel, table=True):
    """A session of a retreat's programme, as staff set it: one of the protocol, or one that was
    added (`label`). Without a date the protocol's counts; one that was `dropped` is not held."""

    __tablename__ = "session_date"  # pyright: ignore[reportAssignmentType]
    __table_args__: Args = (one_of("kind", ("preparation", "dosing", "integration")),)
    retreat_id: int = Field(foreign_key="retreat.id", primary_key=True)
    session: str = Field(primary_key=True)
    kind: str
    label: str = ""
    held_on: date | None = None
    held_at: time | None = None
    dropped: bool = False
    edition: int = 0
    set_by: str
    set_at: datetime = Field(sa_type=UtcDateTime)


class Attendance(SQLModel, table=True):
    """Whether somebody took part in a session of their retreat's programme; an empty status was
    taken off the record again."""

    __table_args__: Args = (one_of("status", ("", *ATTENDANCE)),)
    course_id: int = Field(foreign_key="course.id", primary_key=True)
    session: str = Field(primary_key=True)
    status: str
    note: str = ""
    edition: int = 0
    recorded_by: str
    recorded_at: datetime = Field(sa_type=UtcDateTime)


class Note(SQLModel, table=True):
    """What staff wrote down in one course, or the person's own intention for it; the newest
    intention counts. `on_day` is the local day that it is about."""

    __table_args__: Args = (one_of("kind", (NOTE, INTENTION)),)
    id: int = Field(default=None, primary_key=True)
    course_id: int = Field(foreign_key="course.id", index=True)
    kind: str
    text: str
    on_day: date
    recorded_by: str
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    withdrawn_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    withdrawn_by: str = ""
    withdrawn_why: str = ""


class MissingForm(SQLModel, table=True):
    """Why a timepoint of one course was not answered, as staff know it."""

    __tablename__ = "missing_form"  # pyright: ignore[reportAssignmentType]
    __table_args__: Args = (
        one_of("reason", ("died", "too unwell", "declined", "not reached", "our error")),
    )
    course_id: int = Field(foreign_key="course.id", primary_key=True)
    timepoint: str = Field(primary_key=True)
    reason: str
    note: str = ""
    edition: int = 0
    recorded_by: str
    recorded_at: datetime = Field(sa_type=UtcDateTime)


class SecondEntry(SQLModel, table=True):
    """One item of a sheet as another person typed it, for comparison with what was sent. What
    differs is put right by a correction, never here."""

    __tablename__ = "second_entry"  # pyright: ignore[reportAssignmentType]
    __table_args__: Args = (check("value_or_skip", "(value IS NULL) <> (skip IS NULL)"),)
    assessment_id: int = Field(foreign_key="assessment.id", primary_key=True)
    item: str = Field(primary_key=True)
    value: int | None = None
    skip: str | None = None
    entered_by: str
    entered_at: datetime = Field(sa_type=UtcDateTime)
