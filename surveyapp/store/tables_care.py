"""Tables of care around a retreat: sessions and attendance, notes, reasons, blood pressure, alerts.

Nothing here moves a window. What somebody withdraws stays, with who did it and why.
"""

from __future__ import annotations

from datetime import date, datetime, time

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from .columns import Args, UtcDateTime, check, one_of

SESSION_KINDS = ("preparation", "dosing", "integration")
ATTENDANCES = ("attended", "in part", "absent", "excused")
MISSING_REASONS = ("died", "too unwell", "declined", "not reached", "our error")
NOTE_KINDS = ("note", "intention")
MESSAGE_STATES = ("waiting", "sent", "refused", "not needed")


class ProgrammeSession(SQLModel, table=True):
    """One session of a retreat's programme; `at` is the retreat's wall-clock time."""

    __tablename__ = "programme_session"  # pyright: ignore[reportAssignmentType]
    __table_args__: Args = (
        UniqueConstraint("retreat_id", "kind", "number"),
        one_of("kind", SESSION_KINDS),
        check("number", "number >= 1"),
    )
    id: int = Field(default=None, primary_key=True)
    retreat_id: int = Field(foreign_key="retreat.id")
    kind: str
    number: int
    label: str = ""
    on: date | None = None
    at: time | None = None
    edition: int = 0


class Attendance(SQLModel, table=True):
    """Whether one person was at one session."""

    __table_args__: Args = (one_of("state", ATTENDANCES),)
    session_id: int = Field(foreign_key="programme_session.id", primary_key=True)
    course_id: int = Field(foreign_key="course.id", primary_key=True, index=True)
    state: str
    note: str = ""
    recorded_by: str
    recorded_at: datetime = Field(sa_type=UtcDateTime)


class MissingForm(SQLModel, table=True):
    """Why a timepoint of a course has no answers, as staff know it."""

    __tablename__ = "missing_form"  # pyright: ignore[reportAssignmentType]
    __table_args__: Args = (one_of("reason", MISSING_REASONS),)
    course_id: int = Field(foreign_key="course.id", primary_key=True)
    timepoint: str = Field(primary_key=True)
    reason: str
    note: str = ""
    recorded_by: str
    recorded_at: datetime = Field(sa_type=UtcDateTime)


class Note(SQLModel, table=True):
    """What staff noted of a course: a note, or the intention the person named before the session
    (the newest counts). `on` is the local day it belongs to."""

    __table_args__: Args = (one_of("kind", NOTE_KINDS),)
    id: int = Field(default=None, primary_key=True)
    course_id: int = Field(foreign_key="course.id", index=True)
    kind: str
    on: date
    text: str
    written_by: str
    written_at: datetime = Field(sa_type=UtcDateTime)
    withdrawn_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    withdrawn_by: str = ""
    withdrawn_why: str = ""


class BloodPressure(SQLModel, table=True):
    """One reading on a dosing day: mmHg, and the pulse in beats a minute."""

    __tablename__ = "blood_pressure"  # pyright: ignore[reportAssignmentType]
    __table_args__: Args = (
        check("systolic", "systolic BETWEEN 40 AND 300"),
        check("diastolic", "diastolic BETWEEN 20 AND 200 AND diastolic < systolic"),
        check("pulse", "pulse IS NULL OR pulse BETWEEN 20 AND 250"),
    )
    id: int = Field(default=None, primary_key=True)
    course_id: int = Field(foreign_key="course.id", index=True)
    anchor: str
    at: datetime = Field(sa_type=UtcDateTime)
    systolic: int
    diastolic: int
    pulse: int | None = None
    recorded_by: str
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    withdrawn_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    withdrawn_by: str = ""
    withdrawn_why: str = ""


class Responder(SQLModel, table=True):
    """Who is told of a study's alerts: place 1 at once, place 2 when nobody has acknowledged after
    `within_minutes` of place 1."""

    __table_args__: Args = (check("place", "place IN (1, 2)"),)
    study_id: int = Field(foreign_key="study.id", primary_key=True)
    place: int = Field(primary_key=True)
    name: str
    email: str
    within_minutes: int = 60
    set_by: str
    set_at: datetime = Field(sa_type=UtcDateTime)


class Alert(SQLModel, table=True):
    """A worrying answer as a fact: the rule that found it, by what (`about`: scale or item), the
    numbers as JSON, and what was done. Raised once for each rule, timepoint and subject."""

    __table_args__: Args = (UniqueConstraint("course_id", "rule", "timepoint", "about"),)
    id: int = Field(default=None, primary_key=True)
    course_id: int = Field(foreign_key="course.id")
    rule: str
    timepoint: str
    instrument: str
    about: str
    numbers: str = "{}"
    drill: bool = False
    raised_at: datetime = Field(sa_type=UtcDateTime, index=True)
    acknowledged_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    acknowledged_by: str = ""
    action: str = ""
    outcome: str = ""
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    closed_by: str = ""
    edition: int = 0


class AlertMessage(SQLModel, table=True):
    """A message about an alert to a responder, without content; `next_at` until it is settled."""

    __tablename__ = "alert_message"  # pyright: ignore[reportAssignmentType]
    __table_args__: Args = (
        UniqueConstraint("alert_id", "place"),
        one_of("status", MESSAGE_STATES),
        check("next_at", "(next_at IS NULL) = (status <> 'waiting')"),
    )
    id: int = Field(default=None, primary_key=True)
    alert_id: int = Field(foreign_key="alert.id")
    place: int
    name: str
    email: str
    status: str
    reason: str = ""
    message_id: str = ""
    tries: int = 0
    next_at: datetime | None = Field(default=None, sa_type=UtcDateTime, index=True)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class Digest(SQLModel, table=True):
    """Somebody of staff who gets a mail of counts each day at `at`; `sent_on`: the last one."""

    staff_id: int = Field(foreign_key="staff.id", primary_key=True)
    at: time
    time_zone: str
    sent_on: date | None = None


class SecondEntry(SQLModel, table=True):
    """What another person typed of the same sheet, item by item, to compare."""

    __tablename__ = "second_entry"  # pyright: ignore[reportAssignmentType]
    __table_args__: Args = (check("value_or_skip", "(value IS NULL) <> (skip IS NULL)"),)
    assessment_id: int = Field(foreign_key="assessment.id", primary_key=True)
    item: str = Field(primary_key=True)
    value: int | None = None
    skip: str | None = None
    entered_by: str
    entered_at: datetime = Field(sa_type=UtcDateTime)


class Correction(SQLModel, table=True):
    """One sent answer that was corrected: before, after, who, when and why."""

    __table_args__: Args = (
        check("old_value_or_skip", "(old_value IS NULL) <> (old_skip IS NULL)"),
        check("new_value_or_skip", "(new_value IS NULL) <> (new_skip IS NULL)"),
    )
    id: int = Field(default=None, primary_key=True)
    assessment_id: int = Field(foreign_key="assessment.id", index=True)
    item: str
    old_value: int | None = None
    old_skip: str | None = None
    new_value: int | None = None
    new_skip: str | None = None
    reason: str
    corrected_by: str
    corrected_at: datetime = Field(sa_type=UtcDateTime)


class FormerScore(SQLModel, table=True):
    """A score as it stood, and was reported, until a correction at `until`."""

    __tablename__ = "former_score"  # pyright: ignore[reportAssignmentType]
    id: int = Field(default=None, primary_key=True)
    assessment_id: int = Field(foreign_key="assessment.id", index=True)
    scale: str
    kind: str
    value: float | None = None
    answered: int
    of_items: int
    estimated: bool
    band: str | None = None
    key_version: str
    until: datetime = Field(sa_type=UtcDateTime)
