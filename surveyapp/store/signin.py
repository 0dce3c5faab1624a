"""Signing in, in the store: sessions, second factors, wrong tries, places, mails to colleagues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import CursorResult, and_, delete, exists, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, aliased
from sqlmodel import col

from .columns import table_of
from .tables import Retreat, Study
from .tables_access import Membership, Staff
from .tables_signin import (
    KnownPlace,
    RecoveryCode,
    SecondFactor,
    SignInTry,
    StaffMail,
    StaffSession,
)


class Found(NamedTuple):
    """A session with its account; `live`: the account has a retreat of a live study."""

    session: StaffSession
    account: Staff
    has_factor: bool
    live: bool


_live = (
    select(col(Retreat.id))
    .join(Study, col(Study.id) == col(Retreat.study_id))
    .outerjoin(
        Membership,
        and_(
            col(Membership.retreat_id) == col(Retreat.id),
            col(Membership.staff_id) == col(Staff.id),
        ),
    )
    .where(col(Study.mode) == "live")
    .where(or_(col(Staff.all_retreats).is_(True), col(Membership.staff_id).is_not(None)))
    .correlate(Staff)
)


def find_session(session: Session, id_sha256: str) -> Found | None:
    """A session that nobody ended, with its account while that is active. One statement."""
    query = (
        select(StaffSession, Staff, col(SecondFactor.staff_id).is_not(None), exists(_live))
        .join(Staff, col(Staff.id) == col(StaffSession.staff_id))
        .outerjoin(SecondFactor, col(SecondFactor.staff_id) == col(Staff.id))
        .where(col(StaffSession.id_sha256) == id_sha256, col(StaffSession.ended_at).is_(None))
        .where(col(Staff.active).is_(True))
    )
    row = session.execute(query).first()
    return Found(*row) if row else None


def whose(session: Session, id_sha256: str) -> int | None:
    """The account of a session, also of one that has ended."""
    query = select(col(StaffSession.staff_id)).where(col(StaffSession.id_sha256) == id_sha256)
    return session.scalar(query)


def sees_live(session: Session, staff_id: int) -> bool:
    """Whether the account has a retreat of a live study."""
    query = select(exists(_live)).select_from(Staff).where(col(Staff.id) == staff_id)
    return bool(session.scalar(query))


def saw(session: Session, id_sha256: str, now: datetime) -> None:
    session.execute(
        update(StaffSession)
        .where(col(StaffSession.id_sha256) == id_sha256, col(StaffSession.seen_at) < now)
        .values(seen_at=now)
    )


def end(session: Session, staff_id: int, now: datetime, *, only: str = "", but: str = "") -> int:
    """End an account's sessions: all, `only` one, or all `but` one; how many that were."""
    statement = (
        update(StaffSession)
        .where(col(StaffSession.staff_id) == staff_id, col(StaffSession.ended_at).is_(None))
        .values(ended_at=now)
    )
    if only:
        statement = statement.where(col(StaffSession.id_sha256) == only)
    if but:
        statement = statement.where(col(StaffSession.id_sha256) != but)
    return _count(session.execute(statement))


def open_sessions(session: Session, staff_id: int, since: datetime) -> Sequence[StaffSession]:
    """Those made since then that nobody ended, the one used last first."""
    query = (
        select(StaffSession)
        .where(col(StaffSession.staff_id) == staff_id, col(StaffSession.ended_at).is_(None))
        .where(col(StaffSession.made_at) > since)
        .order_by(col(StaffSession.seen_at).desc())
    )
    return list(session.scalars(query))


def last_sign_ins(session: Session) -> dict[int, datetime]:
    """When each account signed in last."""
    own = col(StaffSession.staff_id)
    query = select(own, func.max(col(StaffSession.made_at))).group_by(own)
    return {row[0]: row[1] for row in session.execute(query)}


_newer = aliased(StaffSession)
_has_newer = (
    exists()
    .where(col(_newer.staff_id) == col(StaffSession.staff_id))
    .where(col(_newer.made_at) > col(StaffSession.made_at))
)


def has_old_sessions(session: Session, before: datetime) -> bool:
    """Whether `tidy_sessions` has something to do."""
    old = select(col(StaffSession.id_sha256)).where(col(StaffSession.made_at) < before)
    return session.execute(old.where(_has_newer).limit(1)).first() is not None


def tidy_sessions(session: Session, before: datetime) -> None:
    """Drop sessions made before then, but the newest of each account."""
    session.execute(
        delete(StaffSession).where(col(StaffSession.made_at) < before).where(_has_newer),
        execution_options={"synchronize_session": False},
    )


# Second factors ------------------------------------------------------------------------------


def factor(session: Session, staff_id: int) -> SecondFactor | None:
    return session.get(SecondFactor, staff_id)


def add_factor(session: Session, row: SecondFactor) -> None:
    session.add(row)
    session.flush()


def with_factor(session: Session) -> set[int]:
    """The accounts that have a second factor."""
    return set(session.scalars(select(col(SecondFactor.staff_id))))


def take_step(session: Session, staff_id: int, step: int) -> bool:
    """Use a time step up; False when it, or a later one, was used before."""
    return bool(
        _count(
            session.execute(
                update(SecondFactor)
                .where(col(SecondFactor.staff_id) == staff_id, col(SecondFactor.last_step) < step)
                .values(last_step=step)
            )
        )
    )


def take_recovery_code(session: Session, staff_id: int, code_hash: str, now: datetime) -> bool:
    """Use a recovery code up; False when there is none such, or it was used before."""
    return bool(
        _count(
            session.execute(
                update(RecoveryCode)
                .where(col(RecoveryCode.staff_id) == staff_id)
                .where(col(RecoveryCode.code_hash) == code_hash)
                .where(col(RecoveryCode.used_at).is_(None))
                .values(used_at=now)
            )
        )
    )


def put_recovery_codes(session: Session, staff_id: int, hashes: Sequence[str]) -> None:
    """In place of all that were there."""
    session.execute(delete(RecoveryCode).where(col(RecoveryCode.staff_id) == staff_id))
    session.add_all(RecoveryCode(staff_id=staff_id, code_hash=one) for one in hashes)
    session.flush()


def codes_left(session: Session, staff_id: int) -> int:
    query = select(func.count()).select_from(RecoveryCode)
    own = query.where(col(RecoveryCode.staff_id) == staff_id, col(RecoveryCode.used_at).is_(None))
    return session.scalar(own) or 0


def drop_factor(session: Session, staff_id: int) -> bool:
    """Take the second factor and its codes away; whether there was one."""
    session.execute(delete(RecoveryCode).where(col(RecoveryCode.staff_id) == staff_id))
    gone = session.execute(delete(SecondFactor).where(col(SecondFactor.staff_id) == staff_id))
    return bool(_count(gone))


# Wrong tries ---------------------------------------------------------------------------------


class Tries(NamedTuple):
    wrong: int
    tried_at: datetime


def _upsert(insert: Any) -> Any:
    statement = insert(_try)
    return statement.on_conflict_do_update(
        index_elements=[_try.c.key], set_={"key": statement.excluded.key}
    ).returning(_try.c.wrong, _try.c.tried_at)


_try = table_of(SignInTry)
_hold: Mapping[str, Any] = {
    "sqlite": _upsert(sqlite.insert),
    "postgresql": _upsert(postgresql.insert),
}


def hold_tries(session: Session, key: str, now: datetime) -> Tries:
    """The count of a key, held until the transaction's end; whoever else tries waits for it."""
    statement = _hold[session.get_bind().dialect.name]
    row = session.execute(statement, {"key": key, "wrong": 0, "tried_at": now}).one()
    return Tries(row.wrong, row.tried_at)


def put_tries(session: Session, key: str, wrong: int, now: datetime) -> None:
    session.execute(update(_try).where(_try.c.key == key).values(wrong=wrong, tried_at=now))


def give_back_try(session: Session, key: str) -> None:
    """One wrong try fewer."""
    fewer = update(_try).where(_try.c.key == key, _try.c.wrong > 0)
    session.execute(fewer.values(wrong=_try.c.wrong - 1))


def forget_tries(session: Session, key: str) -> None:
    session.execute(delete(_try).where(_try.c.key == key))


def has_old_tries(session: Session, before: datetime) -> bool:
    old = select(_try.c.key).where(_try.c.tried_at < before).limit(1)
    return session.execute(old).first() is not None


def drop_old_tries(session: Session, before: datetime) -> None:
    session.execute(delete(_try).where(_try.c.tried_at < before))


# Places and mails ----------------------------------------------------------------------------


def _once(insert: Any) -> Any:
    return insert(_place).on_conflict_do_nothing().returning(_place.c.staff_id)


_place = table_of(KnownPlace)
_note_place: Mapping[str, Any] = {
    "sqlite": _once(sqlite.insert),
    "postgresql": _once(postgresql.insert),
}


def note_place(session: Session, staff_id: int, place_hash: str, now: datetime) -> bool:
    """Remember a place; True when it is new to an account that already had one."""
    had = select(_place.c.staff_id).where(_place.c.staff_id == staff_id).limit(1)
    is_first = session.execute(had).first() is None
    row = {"staff_id": staff_id, "place_hash": place_hash, "first_at": now}
    is_new = session.execute(_note_place[session.get_bind().dialect.name], row).first() is not None
    return is_new and not is_first


def add_mail(session: Session, mail: StaffMail) -> int:
    session.add(mail)
    session.flush()
    return mail.id


def mail(session: Session, mail_id: int) -> StaffMail | None:
    """One mail, locked where the database locks rows."""
    query = select(StaffMail).where(col(StaffMail.id) == mail_id)
    return session.scalars(query.with_for_update()).first()


def due_mail(session: Session, now: datetime) -> int | None:
    """The id of the mail that has waited longest; None when nothing is due."""
    query = select(col(StaffMail.id)).where(col(StaffMail.next_at) <= now)
    return session.scalars(query.order_by(col(StaffMail.next_at)).limit(1)).first()


def last_mail(session: Session, staff_id: int, kind: str) -> StaffMail | None:
    """The newest mail of a kind to an account."""
    own = and_(col(StaffMail.staff_id) == staff_id, col(StaffMail.kind) == kind)
    query = select(StaffMail).where(own).order_by(col(StaffMail.id).desc()).limit(1)
    return session.scalars(query).first()


def _count(result: object) -> int:
    return cast(CursorResult[Any], result).rowcount
