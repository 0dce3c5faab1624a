"""Tables of signing in: sessions, second factors, wrong tries, places, and mails to colleagues."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from .columns import Args, UtcDateTime, check, one_of

MAIL_KINDS = ("invitation", "new place", "second factor removed")
MAIL_STATES = ("waiting", "sent", "refused", "not needed")


class StaffSession(SQLModel, table=True):
    """One sign-in on one device, known by its id's hash. `network` is a /24 or /48, never a whole
    address; `agent` is a browser in words; `seen_at` lags by a few minutes."""

    __tablename__ = "staff_session"  # pyright: ignore[reportAssignmentType]
    id_sha256: str = Field(primary_key=True)
    staff_id: int = Field(foreign_key="staff.id", index=True)
    made_at: datetime = Field(sa_type=UtcDateTime)
    seen_at: datetime = Field(sa_type=UtcDateTime)
    network: str
    agent: str
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class SecondFactor(SQLModel, table=True):
    """An account's secret for codes (RFC 6238), sealed. `last_step` is the time step of the code
    that was accepted last: no step counts twice."""

    __tablename__ = "second_factor"  # pyright: ignore[reportAssignmentType]
    staff_id: int = Field(foreign_key="staff.id", primary_key=True)
    sealed: str
    key_version: str
    last_step: int = Field(sa_type=BigInteger)
    on_since: datetime = Field(sa_type=UtcDateTime)


class RecoveryCode(SQLModel, table=True):
    """A code that takes the place of one from the app, once; known by its keyed hash."""

    __tablename__ = "recovery_code"  # pyright: ignore[reportAssignmentType]
    staff_id: int = Field(foreign_key="staff.id", primary_key=True)
    code_hash: str = Field(primary_key=True)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class SignInTry(SQLModel, table=True):
    """Wrong tries in a row. `key` is a keyed hash of what they are counted for."""

    __tablename__ = "sign_in_try"  # pyright: ignore[reportAssignmentType]
    __table_args__: Args = (check("wrong", "wrong >= 0"),)
    key: str = Field(primary_key=True)
    wrong: int
    tried_at: datetime = Field(sa_type=UtcDateTime, index=True)


class KnownPlace(SQLModel, table=True):
    """A place (network and kind of browser) that an account signed in from, as a keyed hash."""

    __tablename__ = "known_place"  # pyright: ignore[reportAssignmentType]
    staff_id: int = Field(foreign_key="staff.id", primary_key=True)
    place_hash: str = Field(primary_key=True)
    first_at: datetime = Field(sa_type=UtcDateTime)


class StaffMail(SQLModel, table=True):
    """A mail to a colleague about the account; `place` is where a sign-in came from, in words.
    `next_at` stands until it is settled."""

    __tablename__ = "staff_mail"  # pyright: ignore[reportAssignmentType]
    __table_args__: Args = (
        one_of("kind", MAIL_KINDS),
        one_of("status", MAIL_STATES),
        check("next_at", "(next_at IS NULL) = (status <> 'waiting')"),
    )
    id: int = Field(default=None, primary_key=True)
    staff_id: int = Field(foreign_key="staff.id", index=True)
    kind: str
    place: str = ""
    at: datetime = Field(sa_type=UtcDateTime)
    message_id: str
    status: str = "waiting"
    reason: str = ""
    tries: int = 0
    next_at: datetime | None = Field(default=None, sa_type=UtcDateTime, index=True)
