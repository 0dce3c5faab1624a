"""Tables of how people are reached: stops, texts of messages, the worker's hold, and the protocols
that courses began with."""

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
TEXT_CHANNELS = ("email", "sms")
TEXT_KINDS = ("invitation", "reminder")
HELDS = ("", "restored", "clock", "by hand")


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


class MessageText(SQLModel, table=True):
    """A site's own text of one message, in place of the built-in one; `subject` of e-mail only."""

    __tablename__ = "message_text"  # pyright: ignore[reportAssignmentType]
    __table_args__: Args = (
        one_of("channel", TEXT_CHANNELS),
        one_of("kind", TEXT_KINDS),
    )
    channel: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    language: str = Field(primary_key=True)
    subject: str = ""
    body: str
    saved_by: str
    saved_at: datetime = Field(sa_type=UtcDateTime)


class Instance(SQLModel, table=True):
    """One row: this database's mark, and whether its worker is held, why and since when."""

    __table_args__: Args = (check("id", "id = 1"), one_of("held", HELDS))
    id: int = Field(default=1, primary_key=True)
    mark: str
    held: str = ""
    why: str = ""
    since: datetime | None = Field(default=None, sa_type=UtcDateTime)


class ProtocolText(SQLModel, table=True):
    """A protocol file as it stood when courses began with it, by the hash of its text."""

    __tablename__ = "protocol_text"  # pyright: ignore[reportAssignmentType]
    sha256: str = Field(primary_key=True)
    protocol: str = Field(index=True)
    version: str
    text: str
    kept_at: datetime = Field(sa_type=UtcDateTime)
