"""Tables of what is kept and for how long: erasures that were made, periods of retention, and
counts of safety that are left of people who were erased."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from .columns import Args, UtcDateTime, check, one_of

CONTACTS, EVERYTHING = "contacts", "everything"
ERASURES = (CONTACTS, EVERYTHING)


class Erasure(SQLModel, table=True):
    """One erasure, known by the hash of its line in the ledger. `person` is a keyed hash of the
    study code; `cleaned_at` is when the files were rewritten without what was erased."""

    __table_args__: Args = (one_of("kind", ERASURES),)
    line: str = Field(primary_key=True)
    person: str = Field(index=True)
    kind: str
    reason: str
    erased_by: str
    erased_at: datetime = Field(sa_type=UtcDateTime)
    cleaned_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Retention(SQLModel, table=True):
    """For how many days one kind of data is kept, and when what was older was last removed."""

    __table_args__: Args = (check("days", "days >= 1"),)
    kind: str = Field(primary_key=True)
    days: int
    set_by: str
    set_at: datetime = Field(sa_type=UtcDateTime)
    applied_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class SafetyCount(SQLModel, table=True):
    """How many doses and adverse events of a study belonged to people who were erased. It names
    neither person nor time."""

    __tablename__ = "safety_count"  # pyright: ignore[reportAssignmentType]
    __table_args__: Args = (check("number", "number >= 1"),)
    study_id: int = Field(foreign_key="study.id", primary_key=True)
    what: str = Field(primary_key=True)
    number: int
