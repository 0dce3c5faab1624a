"""Tables of what a study agreed with people and with its ethics board: consent forms, withdrawals,
the protocol and the keys that it is frozen to, and amendments."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from ..study.consent import WITHDRAWALS
from .columns import Args, UtcDateTime, check, one_of

KEEPS = ("yes", "no", "ask")
FROZEN = ("protocol", "instrument")


class ConsentForm(SQLModel, table=True):
    """A version of a study's consent form; in order of `id`.

    `keeps_data` says what becomes of data of people who leave or are erased: kept without contacts
    (yes), removed (no), or as each says (ask). `own_scopes` is JSON: a list of [id, words].
    `anew_from` is the local date from which those who signed an earlier version must have signed
    this one, null where they need not.
    """

    __tablename__ = "consent_form"  # pyright: ignore[reportAssignmentType]
    __table_args__: Args = (
        UniqueConstraint("study_id", "version"),
        one_of("keeps_data", KEEPS),
    )
    id: int = Field(default=None, primary_key=True)
    study_id: int = Field(foreign_key="study.id")
    version: str
    dated: date
    reference: str
    keeps_data: str
    own_scopes: str
    anew_from: date | None = None
    published_by: str
    published_at: datetime = Field(sa_type=UtcDateTime)


class ConsentWithdrawal(SQLModel, table=True):
    """What somebody withdrew of one consent; a later consent is not touched by it."""

    __tablename__ = "consent_withdrawal"  # pyright: ignore[reportAssignmentType]
    __table_args__: Args = (one_of("what", WITHDRAWALS),)
    id: int = Field(default=None, primary_key=True)
    course_id: int = Field(foreign_key="course.id", index=True)
    consent_id: int = Field(foreign_key="consent.id")
    what: str
    withdrawn_on: date
    told_by: str
    note: str
    recorded_by: str
    recorded_at: datetime = Field(sa_type=UtcDateTime)


class KeyText(SQLModel, table=True):
    """An instrument's key as it stood when courses began with it, by the hash of its text, and the
    wordings of that day (JSON, a list), for when none that is installed fits it any more."""

    __tablename__ = "key_text"  # pyright: ignore[reportAssignmentType]
    sha256: str = Field(primary_key=True)
    instrument: str = Field(index=True)
    version: str
    text: str
    wordings: str
    kept_at: datetime = Field(sa_type=UtcDateTime)


class KeySet(SQLModel, table=True):
    """The keys of every instrument that a course may ask: lines "INSTRUMENT SHA256", by the hash
    of those lines."""

    __tablename__ = "key_set"  # pyright: ignore[reportAssignmentType]
    sha256: str = Field(primary_key=True)
    text: str
    kept_at: datetime = Field(sa_type=UtcDateTime)


class StudyFreeze(SQLModel, table=True):
    """What a study was frozen to when its first person was enrolled, and what an amendment of the
    whole study put in its place. `name` is a protocol's or an instrument's id."""

    __tablename__ = "study_freeze"  # pyright: ignore[reportAssignmentType]
    __table_args__: Args = (one_of("kind", FROZEN),)
    study_id: int = Field(foreign_key="study.id", primary_key=True)
    kind: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    version: str
    sha256: str
    frozen_at: datetime = Field(sa_type=UtcDateTime)


class Amendment(SQLModel, table=True):
    """A change of what a study runs under, for one retreat or (null) for all; numbered per study.

    `changes` is JSON: a list of {kind, name, before, after, before_version, after_version} with
    hashes in before and after.
    """

    __table_args__: Args = (
        UniqueConstraint("study_id", "number"),
        check("number", "number >= 1"),
    )
    id: int = Field(default=None, primary_key=True)
    study_id: int = Field(foreign_key="study.id")
    retreat_id: int | None = Field(default=None, foreign_key="retreat.id")
    number: int
    label: str
    approved_on: date
    reason: str
    changes: str
    taken_by: str
    taken_at: datetime = Field(sa_type=UtcDateTime)


class CourseAmendment(SQLModel, table=True):
    """That a course was brought under an amendment; the highest `number` is the one it is under."""

    __tablename__ = "course_amendment"  # pyright: ignore[reportAssignmentType]
    course_id: int = Field(foreign_key="course.id", primary_key=True)
    amendment_id: int = Field(foreign_key="amendment.id", primary_key=True)
    number: int
    label: str
