"""Tables: what happened. States and due prompts are derived from these, not kept.

Two derived things are kept: `window` (written by `windows.refresh_windows` alone) and `score`
(computed once, at submission, because what was reported must stay what was reported). SQLModel
tables validate nothing, so CHECK constraints and foreign keys stand in the database itself.
The tables of links, staff, the worker and the trail are in `tables_access`.
"""

from __future__ import annotations

from datetime import date, datetime, time

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from .columns import EMPTY, Args, UtcDateTime, check, one_of

CONSENT_SCOPES = ("answers and messages", "answers only")
PROMPT_STATUSES = ("claimed", "waiting", "held", "sent", "refused", "skipped")
CONTACT_KINDS = ("email", "phone")
SETTLED = ("sent", "refused", "skipped")


class Study(SQLModel, table=True):
    """A protocol version in use. Its texts are shown to participants as they stand."""

    __table_args__: Args = (one_of("mode", ("practice", "live")),)
    id: int = Field(default=None, primary_key=True)
    protocol: str = Field(index=True)
    protocol_version: str
    mode: str = "practice"
    title: str
    emergency: str = ""
    crisis_line: str = ""
    phone: str = ""
    hours: str = ""
    readers: str = ""
    read_when: str = ""
    created_at: datetime = Field(sa_type=UtcDateTime)


class Retreat(SQLModel, table=True):
    """A group of people who share a place, a time zone and dosing dates."""

    id: int = Field(default=None, primary_key=True)
    study_id: int = Field(foreign_key="study.id", index=True)
    name: str = Field(unique=True)
    time_zone: str
    created_at: datetime = Field(sa_type=UtcDateTime)


class RetreatDate(SQLModel, table=True):
    """The date of one anchor for the whole retreat; new courses start with it."""

    __tablename__ = "retreat_date"  # pyright: ignore[reportAssignmentType]
    retreat_id: int = Field(foreign_key="retreat.id", primary_key=True)
    anchor: str = Field(primary_key=True)
    date: date


class Participant(SQLModel, table=True):
    """A person, known by a study code.

    Nothing is sent from `quiet_from` to `quiet_until` (local, may span midnight, both or none).
    `channels` names the preferred kind of contact, then the one to fall back on ("phone email");
    null is e-mail alone.
    """

    id: int = Field(default=None, primary_key=True)
    code: str = Field(unique=True)
    language: str = "en"
    time_zone: str
    quiet_from: time | None = None
    quiet_until: time | None = None
    channels: str | None = None
    created_at: datetime = Field(sa_type=UtcDateTime)


class Contact(SQLModel, table=True):
    """One encrypted contact field; `lookup` is a keyed hash of its normal form, not unique.

    `refused_at` and `refused_why` tell of a permanent refusal, until the contact changes.
    """

    __table_args__: Args = (one_of("kind", CONTACT_KINDS),)
    participant_id: int = Field(foreign_key="participant.id", primary_key=True)
    kind: str = Field(primary_key=True)
    sealed: str
    key_version: str
    lookup: str = Field(index=True)
    refused_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    refused_why: str | None = None


class Course(SQLModel, table=True):
    """One passage through one retreat. `chain` names its audit chain; prompts due before
    `not_before` are never sent. `protocol_sha256` names the protocol's text it runs under and
    `keys_sha256` the instruments' keys (a `key_set`); `touched` rises with every change of what
    hangs on the course."""

    __table_args__: Args = (
        UniqueConstraint("participant_id", "number"),
        UniqueConstraint("participant_id", "retreat_id"),
        check("number", "number >= 1"),
    )
    id: int = Field(default=None, primary_key=True)
    participant_id: int = Field(foreign_key="participant.id")
    retreat_id: int = Field(foreign_key="retreat.id", index=True)
    number: int
    chain: str = Field(unique=True)
    not_before: datetime | None = Field(default=None, sa_type=UtcDateTime)
    protocol_sha256: str | None = None
    keys_sha256: str | None = None
    touched: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    created_at: datetime = Field(sa_type=UtcDateTime)


class Anchor(SQLModel, table=True):
    """A named local date of one course; `revision` rises when the date moves."""

    __table_args__: Args = (check("revision", "revision >= 0"),)
    course_id: int = Field(foreign_key="course.id", primary_key=True)
    anchor: str = Field(primary_key=True)
    date: date
    confirmed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    revision: int = 0


class Consent(SQLModel, table=True):
    """Consent of one course as staff recorded it; the newest row counts.

    `version` is a consent form's, empty where the study had none; `taken_by` is who talked about it
    with the person, `recorded_by` who typed it in. What was not asked is null. `own_scopes` is
    JSON: the form's own scopes by id, true or false.
    """

    __table_args__: Args = (one_of("scope", CONSENT_SCOPES),)
    id: int = Field(default=None, primary_key=True)
    course_id: int = Field(foreign_key="course.id", index=True)
    given_on: date
    scope: str
    version: str = Field(default="", sa_column_kwargs=EMPTY)
    taken_by: str = Field(default="", sa_column_kwargs=EMPTY)
    keep_for_research: bool | None = None
    contact_after: bool | None = None
    own_scopes: str = Field(default="", sa_column_kwargs=EMPTY)
    recorded_by: str
    recorded_at: datetime = Field(sa_type=UtcDateTime)


class Clearance(SQLModel, table=True):
    """The coordinator confirmed that a person is well enough to be asked at this timepoint."""

    course_id: int = Field(foreign_key="course.id", primary_key=True)
    timepoint: str = Field(primary_key=True)
    given_by: str
    given_at: datetime = Field(sa_type=UtcDateTime)


class Assessment(SQLModel, table=True):
    """One instrument at one timepoint of one course. `entered_by` names who typed in a sheet of
    paper or a call. `key_sha256` names the key it began with, empty in rows from before keys were
    kept: those follow their course's."""

    __table_args__: Args = (
        UniqueConstraint("course_id", "timepoint", "instrument"),
        one_of("mode", ("phone", "paper", "telephone", "import")),
    )
    id: int = Field(default=None, primary_key=True)
    course_id: int = Field(foreign_key="course.id")
    timepoint: str
    instrument: str
    instrument_version: str
    key_sha256: str = Field(default="", sa_column_kwargs=EMPTY)
    wording_sha256: str
    placeholder: bool
    language: str
    mode: str
    entered_by: str = Field(default="", sa_column_kwargs=EMPTY)
    started_at: datetime = Field(sa_type=UtcDateTime)
    submitted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Answer(SQLModel, table=True):
    """One item's value or coded skip; the answer given later wins."""

    __table_args__: Args = (
        check("value_or_skip", "(value IS NULL) <> (skip IS NULL)"),
        one_of("skip", ("declined", "left open", "missing")),
    )
    assessment_id: int = Field(foreign_key="assessment.id", primary_key=True)
    item: str = Field(primary_key=True)
    value: int | None = None
    skip: str | None = None
    given_at: datetime = Field(sa_type=UtcDateTime)
    received_at: datetime = Field(sa_type=UtcDateTime)


class ScoreRow(SQLModel, table=True):
    """A scale's score, or a criterion (value 1, 0 or null), as computed at submission."""

    __tablename__ = "score"  # pyright: ignore[reportAssignmentType]
    __table_args__: Args = (
        one_of("kind", ("scale", "criterion")),
        check("answered", "answered >= 0 AND answered <= of_items"),
    )
    assessment_id: int = Field(foreign_key="assessment.id", primary_key=True)
    scale: str = Field(primary_key=True)
    kind: str
    value: float | None = None
    answered: int
    of_items: int
    estimated: bool
    band: str | None = None
    key_version: str


class DoseRow(SQLModel, table=True):
    """One administration at one anchor. It never moves that anchor. `minutes` counts from the
    anchor's first dose."""

    __tablename__ = "dose"  # pyright: ignore[reportAssignmentType]
    __table_args__: Args = (
        UniqueConstraint("course_id", "anchor", "kind"),
        one_of("kind", ("first", "booster")),
        one_of("status", ("given", "declined", "not eligible")),
        check(
            "mg",
            "(status = 'given' AND mg IS NOT NULL AND mg > 0)"
            " OR (status <> 'given' AND mg IS NULL)",
        ),
        check("minutes", "minutes IS NULL OR minutes >= 0"),
    )
    id: int = Field(default=None, primary_key=True)
    course_id: int = Field(foreign_key="course.id")
    anchor: str = "dosing"
    kind: str
    status: str
    mg: float | None = None
    given_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    minutes: int | None = None
    reason: str = ""
    recorded_at: datetime = Field(sa_type=UtcDateTime)


class AdverseEvent(SQLModel, table=True):
    """Known by course, term and start. Empty words are not known: `source` is asked or
    volunteered; `edition` rises with each change."""

    __tablename__ = "adverse_event"  # pyright: ignore[reportAssignmentType]
    __table_args__: Args = (
        UniqueConstraint("course_id", "term", "started_at"),
        check("grade", "grade BETWEEN 1 AND 5"),
        check("ended_at", "ended_at IS NULL OR ended_at >= started_at"),
    )
    id: int = Field(default=None, primary_key=True)
    course_id: int = Field(foreign_key="course.id")
    term: str
    started_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    grade: int
    serious: bool
    relatedness: str
    action: str = Field(default="", sa_column_kwargs=EMPTY)
    outcome: str = Field(default="", sa_column_kwargs=EMPTY)
    source: str = Field(default="", sa_column_kwargs=EMPTY)
    note: str = Field(default="", sa_column_kwargs=EMPTY)
    recorded_by: str = Field(default="", sa_column_kwargs=EMPTY)
    edition: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    recorded_at: datetime = Field(sa_type=UtcDateTime)


class PromptRow(SQLModel, table=True):
    """What became of one prompt; `next_at` is when to look at it again, null once settled.

    `planned_on` is the local date it was planned for, whatever zone the person is in since.
    """

    __tablename__ = "prompt"  # pyright: ignore[reportAssignmentType]
    __table_args__: Args = (
        UniqueConstraint("course_id", "timepoint", "number", "revision"),
        one_of("status", PROMPT_STATUSES),
        check("next_at", "(next_at IS NULL) = (status IN ('sent', 'refused', 'skipped'))"),
        check("tries", "tries >= 0"),
    )
    id: int = Field(default=None, primary_key=True)
    course_id: int = Field(foreign_key="course.id")
    timepoint: str
    number: int
    revision: int
    due_at: datetime = Field(sa_type=UtcDateTime)
    planned_on: date | None = None
    status: str
    reason: str = ""
    message_id: str = Field(default="", index=True)
    claimed_by: str = ""
    next_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    tries: int = 0
    first_tried_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class Attempt(SQLModel, table=True):
    """One try to hand a message over, and what came of it; `sent_to` is a contact's keyed hash."""

    __table_args__: Args = (one_of("outcome", ("accepted", "transient", "permanent", "unknown")),)
    id: int = Field(default=None, primary_key=True)
    prompt_id: int = Field(foreign_key="prompt.id", index=True)
    at: datetime = Field(sa_type=UtcDateTime)
    channel: str
    message_id: str
    outcome: str
    detail: str = ""
    sent_to: str | None = None


class WindowRow(SQLModel, table=True):
    """A timepoint's window as instants, and when the worker looks at it next (derived)."""

    __tablename__ = "window"  # pyright: ignore[reportAssignmentType]
    course_id: int = Field(foreign_key="course.id", primary_key=True)
    timepoint: str = Field(primary_key=True)
    opens_at: datetime = Field(sa_type=UtcDateTime)
    closes_at: datetime = Field(sa_type=UtcDateTime, index=True)
    next_prompt: datetime | None = Field(default=None, sa_type=UtcDateTime, index=True)
