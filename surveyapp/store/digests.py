"""The daily digest in the store: wishes for one, and the messages of each day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, select, union_all
from sqlalchemy.orm import Session
from sqlmodel import col

from .scopes import Scope
from .tables import Retreat
from .tables_access import Staff
from .tables_digest import Digest, DigestMessage

_due = union_all(
    select(col(Digest.staff_id)).where(col(Digest.next_at) <= bindparam("now")),
    select(col(DigestMessage.staff_id)).where(col(DigestMessage.next_at) <= bindparam("now")),
).limit(1)


def is_due(session: Session, now: datetime) -> bool:
    """Whether a day is to be looked at, or a message waits. One statement."""
    return session.execute(_due, {"now": now}).first() is not None


def due_wishes(session: Session, now: datetime) -> list[int]:
    """The accounts whose day is to be looked at by now."""
    query = select(col(Digest.staff_id)).where(col(Digest.next_at) <= now)
    return list(session.scalars(query.order_by(col(Digest.next_at))))


def due_message(session: Session, now: datetime) -> int | None:
    """The id of the message that has waited longest; None when nothing is due."""
    query = select(col(DigestMessage.id)).where(col(DigestMessage.next_at) <= now)
    return session.scalars(query.order_by(col(DigestMessage.next_at)).limit(1)).first()


def wish(session: Session, staff_id: int) -> Digest | None:
    """An account's wish, locked where the database locks rows."""
    query = select(Digest).where(col(Digest.staff_id) == staff_id)
    return session.scalars(query.with_for_update()).first()


def kept(session: Session, staff_id: int) -> Digest | None:
    """An account's wish, for reading."""
    return session.get(Digest, staff_id)


def message(session: Session, message_id: int) -> DigestMessage | None:
    """One message, locked where the database locks rows."""
    query = select(DigestMessage).where(col(DigestMessage.id) == message_id)
    return session.scalars(query.with_for_update()).first()


def newest(session: Session, staff_id: int, most: int) -> Sequence[DigestMessage]:
    """An account's messages, the newest day first."""
    query = select(DigestMessage).where(col(DigestMessage.staff_id) == staff_id)
    ordered = query.order_by(col(DigestMessage.day).desc(), col(DigestMessage.id))
    return list(session.scalars(ordered.limit(most)))


def add(session: Session, row: Digest | DigestMessage) -> None:
    session.add(row)
    session.flush()


def account(session: Session, staff_id: int, *, lock: bool = False) -> Staff | None:
    """The account, while it is in use; with `lock` alone until the transaction's end."""
    found = session.get(Staff, staff_id, with_for_update=lock)
    return found if found is not None and found.active else None


def newest_zone(session: Session, scope: Scope = None) -> str:
    """The zone of the retreat within the scope that was added last; UTC without one."""
    query = select(col(Retreat.time_zone)).order_by(col(Retreat.id).desc())
    if scope is not None:
        query = query.where(col(Retreat.id).in_(scope))
    return session.scalars(query.limit(1)).first() or "UTC"
