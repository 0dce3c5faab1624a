"""Staff accounts and their one-time links."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session
from sqlmodel import col

from .links import digest
from .tables_access import Invite, Membership, Staff


def find_by_email(session: Session, email: str) -> Staff | None:
    """An account by its address, in any case."""
    query = select(Staff).where(func.lower(col(Staff.email)) == email.strip().lower())
    return session.scalars(query).first()


def account(session: Session, staff_id: int) -> Staff | None:
    return session.get(Staff, staff_id)


def member_of(session: Session, staff_id: int) -> list[int]:
    """The retreats that an account is a member of."""
    own = col(Membership.staff_id) == staff_id
    return list(session.scalars(select(col(Membership.retreat_id)).where(own)))


def first(session: Session) -> Staff | None:
    """The account that was made first."""
    return session.scalars(select(Staff).order_by(col(Staff.id)).limit(1)).first()


def add(session: Session, email: str, now: datetime) -> Staff:
    """A new account without a password."""
    account = Staff(email=email.strip(), uniquifier=secrets.token_hex(16), created_at=now)
    session.add(account)
    session.flush()
    return account


def everybody(session: Session) -> Sequence[Staff]:
    """Every account in the order they were made."""
    return list(session.scalars(select(Staff).order_by(col(Staff.id))))


def hold_all(session: Session) -> None:
    """Nobody else adds or changes an account until the transaction's end; reading goes on."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("LOCK TABLE staff IN SHARE ROW EXCLUSIVE MODE"))


def held(session: Session, staff_id: int) -> Staff | None:
    """An account whose row nobody else takes until the transaction's end."""
    return session.get(Staff, staff_id, with_for_update=True)


def memberships(session: Session) -> dict[int, set[int]]:
    """The retreats that accounts are members of, by account."""
    found: dict[int, set[int]] = {}
    for row in session.scalars(select(Membership)):
        found.setdefault(row.staff_id, set()).add(row.retreat_id)
    return found


def put_memberships(session: Session, staff_id: int, retreats: Collection[int]) -> None:
    """In place of those that were there."""
    session.execute(delete(Membership).where(col(Membership.staff_id) == staff_id))
    session.add_all(Membership(staff_id=staff_id, retreat_id=one) for one in sorted(retreats))
    session.flush()


def renew_uniquifier(account: Staff) -> None:
    """Make every link and half sign-in of this account from before unknown."""
    account.uniquifier = secrets.token_hex(16)


def add_invite(session: Session, staff_id: int, token: str, expires_at: datetime) -> None:
    session.add(Invite(token_sha256=digest(token), staff_id=staff_id, expires_at=expires_at))
    session.flush()


def open_invite(session: Session, staff_id: int, now: datetime) -> Invite | None:
    """The invite of an account that can still be used."""
    query = (
        select(Invite)
        .where(col(Invite.staff_id) == staff_id)
        .where(col(Invite.used_at).is_(None), col(Invite.expires_at) > now)
    )
    return session.scalars(query).first()


def invited(session: Session, token: str, now: datetime) -> tuple[Invite, Staff] | None:
    """The invite of a token, with its account, while it can be used."""
    query = (
        select(Invite, Staff)
        .join(Staff, col(Staff.id) == col(Invite.staff_id))
        .where(col(Invite.token_sha256) == digest(token))
        .where(col(Invite.used_at).is_(None), col(Invite.expires_at) > now)
        .where(col(Staff.active).is_(True))
    )
    found = session.execute(query).first()
    return (found[0], found[1]) if found else None


def use_up(session: Session, invite: Invite, now: datetime) -> bool:
    """Mark an invite as used; False when somebody else used it meanwhile."""
    found = session.execute(
        update(Invite)
        .where(col(Invite.token_sha256) == invite.token_sha256, col(Invite.used_at).is_(None))
        .values(used_at=now)
        .returning(col(Invite.staff_id))
    )
    return found.first() is not None


def use_up_invites(session: Session, staff_id: int, now: datetime) -> None:
    """Mark every unused invite of an account as used."""
    session.execute(
        update(Invite)
        .where(col(Invite.staff_id) == staff_id, col(Invite.used_at).is_(None))
        .values(used_at=now)
    )
