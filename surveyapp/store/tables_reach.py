"""The table of stops: what ends or pauses messages, treatment, or taking part."""

from __future__ import annotations

from datetime import date, datetime

from sqlmodel import Field, SQLModel

from .columns import Args, UtcDateTime, check, one_of

STOPS = (
    "paused",
    "messages stopped",
    "treatment stopped",
    "left the study",
    "lost to follow-up",
    "died",
)
PAUSED, MESSAGES, TREATMENT, LEFT, LOST, DIED = STOPS


class Stop(SQLModel, table=True):
    """One act that ends or pauses something for a person, or for one of their courses.

    It holds from the local date `since`; `until` (paused only) is the day messages come again.
    Without `course_id` it holds for every course, also later ones. Undone, it holds no more.
    """

    __table_args__: Args = (
        one_of("kind", STOPS),
        check("until", "(until IS NULL) = (kind <> 'paused')"),
    )
    id: int = Field(default=None, primary_key=True)
    participant_id: int = Field(foreign_key="participant.id", index=True)
    course_id: int | None = Field(default=None, foreign_key="course.id")
    kind: str
    since: date
    until: date | None = None
    reason: str = ""
    recorded_by: str
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    undone_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    undone_by: str = ""
    undone_why: str = ""
