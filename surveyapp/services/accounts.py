"""Accounts: who may see the staff pages, their one-time links and passwords.

An invite's token is kept as its SHA-256 alone, works once, and ends after `INVITE_LIFE`. Setting a
password ends the account's sessions and every link from before. Passwords: `services.passwords`;
sessions: `services.sessions`; what an admin does with accounts: `services.colleagues`.
"""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..store import signin, staff, trail
from ..store.database import Session
from ..store.tables_access import Invite, Staff
from .addresses import fault_of
from .errors import GoneError, InputError, NotFoundError
from .passwords import check_password, hash_password, password_fits
from .rights import NOTHING, Rights, of_account
from .site import Site

INVITE_LIFE = timedelta(days=7)
LOCAL_ACCOUNT = "admin@localhost"
WRONG_PASSWORD = "This is not your password."  # noqa: S105 (a sentence)


@dataclass(frozen=True)
class Account:
    """A staff account as the doors see it."""

    id: int
    email: str
    password: str | None
    active: bool
    uniquifier: str
    rights: Rights = NOTHING


@dataclass(frozen=True)
class FirstAccount:
    """The first account; `token` opens its one-time link, empty when it has a password."""

    email: str
    token: str


def ensure_first_account(site: Site, email: str, now: datetime) -> FirstAccount:
    """The first account, made for `email` if there is none, with its one-time link until it has
    a password. The link stays the same until it ends. Raises InputError for a wrong address."""
    if email != LOCAL_ACCOUNT and (fault := fault_of(email)):
        raise InputError({"email": fault})
    with site.database.write() as session:
        account = staff.first(session)
        if account is None:
            account = staff.add(session, email, now)
            record(session, "staff account added", account.id, "system", now)
        if account.password is not None:
            return FirstAccount(account.email, "")
        invite = staff.open_invite(session, account.id, now)
        if invite is None:
            return FirstAccount(account.email, invite_anew(site, session, account, now))
        return FirstAccount(account.email, token_of(site, account, invite))


def fresh_link(
    site: Site, email: str, *, unlock: bool, actor: str, now: datetime
) -> tuple[str, str]:
    """The address and the token of a fresh one-time link for an account whose password was lost.
    `unlock` makes it active and takes its second factor away too. Raises NotFoundError."""
    with site.database.write() as session:
        account = staff.find_by_email(session, email)
        if account is None:
            raise NotFoundError(f"There is no account with the address {email}.")
        if unlock:
            account.active = True
            signin.drop_factor(session, account.id)
        elif not account.active:
            raise NotFoundError(f"{email} is deactivated; `surveyapp account unlock` ends that.")
        kind = "staff account unlocked" if unlock else "one-time link made"
        record(session, kind, account.id, actor, now)
        return account.email, invite_anew(site, session, account, now)


def invite_anew(site: Site, session: Session, account: Staff, now: datetime) -> str:
    """The token of a new invite; links from before end."""
    staff.use_up_invites(session, account.id, now)
    staff.renew_uniquifier(account)
    ends = now.replace(microsecond=0) + INVITE_LIFE
    token = _token(site, account, ends)
    staff.add_invite(session, account.id, token, ends)
    return token


def token_of(site: Site, account: Staff, invite: Invite) -> str:
    """The token of an open invite: derived, not kept, so that the link can be printed again."""
    return _token(site, account, invite.expires_at)


def _token(site: Site, account: Staff, ends: datetime) -> str:
    message = f"{account.uniquifier}|{ends.isoformat()}".encode()
    mac = hmac.digest(site.keys.derive("invites"), message, "sha256")
    return base64.urlsafe_b64encode(mac[:24]).decode()


def invited_email(site: Site, token: str, now: datetime) -> str:
    """Whose one-time link this is. Raises GoneError when it cannot be used."""
    with site.database.read() as session:
        found = staff.invited(session, token, now)
        if found is None:
            raise GoneError(_GONE)
        return found[1].email


def accept_invite(site: Site, token: str, password: str, now: datetime) -> Account:
    """Set the password of the link's account; the link is used up, its sessions end.

    Raises InputError for a password that may not be used, GoneError for a used link.
    """
    check_password(password, invited_email(site, token, now), site.settings.site_name)
    hashed = hash_password(password)
    with site.database.write() as session:
        found = staff.invited(session, token, now)
        if found is None or not staff.use_up(session, found[0], now):
            raise GoneError(_GONE)
        account = found[1]
        account.password = hashed
        signin.end(session, account.id, now)
        staff.renew_uniquifier(account)
        staff.use_up_invites(session, account.id, now)
        record(session, "password set", account.id, f"staff:{account.id}", now)
        session.flush()
        return account_of(session, account)


def change_password(
    site: Site, account: Account, old: str, new: str, *, keep: str, now: datetime
) -> None:
    """Another password; every session but `keep` ends. Raises InputError."""
    if account.password is None or not password_fits(account.password, old):
        raise InputError({"old": WRONG_PASSWORD})
    check_password(new, account.email, site.settings.site_name)
    hashed = hash_password(new)
    with site.database.write() as session:
        row = staff.account(session, account.id)
        assert row is not None
        row.password = hashed
        staff.renew_uniquifier(row)
        staff.use_up_invites(session, row.id, now)
        signin.end(session, row.id, now, but=keep)
        record(session, "password changed", row.id, f"staff:{row.id}", now)


def find_by_email(site: Site, email: str) -> Account | None:
    with site.database.read() as session:
        found = staff.find_by_email(session, email)
        return account_of(session, found) if found else None


def find_by_id(site: Site, account_id: int) -> Account | None:
    with site.database.read() as session:
        found = staff.account(session, account_id)
        return account_of(session, found) if found else None


def account_of(session: Session, row: Staff) -> Account:
    rights = of_account(session, row.id)
    return Account(row.id, row.email, row.password, row.active, row.uniquifier, rights)


def record(
    session: Session, kind: str, account_id: int, actor: str, now: datetime, **more: object
) -> None:
    """One event of the system's chain about an account."""
    trail.append(session, trail.SYSTEM, kind, actor, now, {"account": account_id, **more})


_GONE = (
    "This link has been used or has ended. Ask whoever looks after accounts for a new one; "
    "the operator's `surveyapp account link` prints one too."
)
