"""Tables of care around a retreat: blood pressure, alerts, corrections of sent answers.

Nothing here moves a window. What somebody withdraws stays, with who did it and why.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from .columns import Args, UtcDateTime, check, one_of

MESSAGE_STATES = ("waiting", "sent", "refused", "not needed")


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

    __table_args__: Args = (
        UniqueConstraint("course_id", "rule", "timepoint", "instrument", "about"),
    )
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
