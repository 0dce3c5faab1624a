"""Tables of the texts that courses run under, and of the permission to use them.

A text is kept by the hash of its file, and never changes or goes. A set names the text of every
instrument and language as they stood when courses began; a course has one set for good.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlmodel import Field, SQLModel

from .columns import Args, UtcDateTime, check, one_of

BASES = ("licence", "written permission", "published for free use")


class WordingText(SQLModel, table=True):
    """A file of texts as it stood, by the SHA-256 of its bytes."""

    __tablename__ = "wording_text"  # pyright: ignore[reportAssignmentType]
    sha256: str = Field(primary_key=True)
    text: str
    kept_at: datetime = Field(sa_type=UtcDateTime)


class WordingSet(SQLModel, table=True):
    """The wordings that stood at one time, by the hash of `content`: JSON, instrument to language
    to its text's hash, whether it is a placeholder, and the installed wording's id and holder."""

    __tablename__ = "wording_set"  # pyright: ignore[reportAssignmentType]
    sha256: str = Field(primary_key=True)
    content: str
    kept_at: datetime = Field(sa_type=UtcDateTime)


class CourseWording(SQLModel, table=True):
    """The set that a course began with. It never changes."""

    __tablename__ = "course_wording"  # pyright: ignore[reportAssignmentType]
    course_id: int = Field(foreign_key="course.id", primary_key=True)
    set_sha256: str = Field(foreign_key="wording_set.sha256", index=True)


class InstalledWording(SQLModel, table=True):
    """A text that a site installed for an instrument in one language. The newest that is not
    retired is for courses to come."""

    __tablename__ = "wording"  # pyright: ignore[reportAssignmentType]
    __table_args__: Args = (check("retired", "retired_at IS NULL OR retired_why <> ''"),)
    id: int = Field(default=None, primary_key=True)
    instrument: str = Field(index=True)
    language: str
    sha256: str = Field(foreign_key="wording_text.sha256")
    installed_by: str
    installed_at: datetime = Field(sa_type=UtcDateTime)
    retired_by: str = ""
    retired_why: str = ""
    retired_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Permission(SQLModel, table=True):
    """On what ground a wording may be used. The newest row of a wording counts, the others are its
    history. `expires` is the last day; null is never, a null `maximum` is unlimited."""

    __table_args__: Args = (
        one_of("basis", BASES),
        check("maximum", "maximum IS NULL OR maximum > 0"),
    )
    id: int = Field(default=None, primary_key=True)
    wording_id: int = Field(foreign_key="wording.id", index=True)
    basis: str
    holder: str
    reference: str
    electronic: bool
    languages: str
    reproduction: bool
    expires: date | None = None
    maximum: int | None = None
    why: str = ""
    recorded_by: str
    recorded_at: datetime = Field(sa_type=UtcDateTime)


class PermissionOverride(SQLModel, table=True):
    """For people already enrolled, messages go on until this day although a wording's permission
    has ended or is used up. The newest row counts."""

    __tablename__ = "permission_override"  # pyright: ignore[reportAssignmentType]
    id: int = Field(default=None, primary_key=True)
    wording_id: int = Field(foreign_key="wording.id", index=True)
    until: date
    reason: str
    recorded_by: str
    recorded_at: datetime = Field(sa_type=UtcDateTime)


class WordingUse(SQLModel, table=True):
    """One assessment that was started under an installed wording. It names nobody, so that the
    count outlives an erasure."""

    __tablename__ = "wording_use"  # pyright: ignore[reportAssignmentType]
    id: int = Field(default=None, primary_key=True)
    wording_id: int = Field(foreign_key="wording.id", index=True)
    at: datetime = Field(sa_type=UtcDateTime)


class StudyLanguages(SQLModel, table=True):
    """The languages that a study's participants may choose, with blanks between; without a row
    they may choose every one."""

    __tablename__ = "study_languages"  # pyright: ignore[reportAssignmentType]
    study_id: int = Field(foreign_key="study.id", primary_key=True)
    languages: str
