"""Accounts: who may see the staff pages, their one-time links and passwords.

Passwords are kept as Argon2id hashes of their NFKC form. An invite's token is kept as its SHA-256
alone, works once, and ends after `INVITE_LIFE`. Ending sessions gives the account a new uniquifier,
so that a copied cookie is worth nothing after signing out.
"""

from __future__ import annotations

import base64
import hmac
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ..store import staff, trail
from ..store.database import Session
from ..store.tables_access import Staff
from .addresses import fault_of
from .errors import GoneError, InputError
from .rights import NOTHING, Rights, of_account
from .site import Site

INVITE_LIFE = timedelta(days=7)
SHORTEST, LONGEST = 12, 200
LOCAL_ACCOUNT = "admin@localhost"

_hasher = PasswordHasher()


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
            _record(session, "staff account added", account, "system", now)
        if account.password is not None:
            return FirstAccount(account.email, "")
        return FirstAccount(account.email, _invite(site, session, account, now))


def _invite(site: Site, session: Session, account: Staff, now: datetime) -> str:
    """The token of the account's open invite, which is made if there is none.

    It is derived, not kept, so that the link can be printed again.
    """
    invite = staff.open_invite(session, account.id, now)
    ends = invite.expires_at if invite else now.replace(microsecond=0) + INVITE_LIFE
    message = f"{account.uniquifier}|{ends.isoformat()}".encode()
    mac = hmac.digest(site.keys.derive("invites"), message, "sha256")
    token = base64.urlsafe_b64encode(mac[:24]).decode()
    if invite is None:
        staff.add_invite(session, account.id, token, ends)
    return token


def invited_email(site: Site, token: str, now: datetime) -> str:
    """Whose one-time link this is. Raises GoneError when it cannot be used."""
    with site.database.read() as session:
        found = staff.invited(session, token, now)
        if found is None:
            raise GoneError(_GONE)
        return found[1].email


def accept_invite(site: Site, token: str, password: str, now: datetime) -> Account:
    """Set the password of the link's account; the link is used up, its sessions end.

    Raises InputError for a password that is too short or too long, GoneError for a used link.
    """
    _check_password(password)
    hashed = hash_password(password)
    with site.database.write() as session:
        found = staff.invited(session, token, now)
        if found is None:
            raise GoneError(_GONE)
        account = found[1]
        account.password = hashed
        staff.renew_sessions(account)
        staff.use_up_invites(session, account.id, now)
        _record(session, "password set", account, f"staff:{account.id}", now)
        session.flush()
        return _account(session, account)


def find_by_email(site: Site, email: str) -> Account | None:
    with site.database.read() as session:
        found = staff.find_by_email(session, email)
        return _account(session, found) if found else None


def find_by_uniquifier(site: Site, uniquifier: str) -> Account | None:
    """The account whose session this is."""
    with site.database.read() as session:
        found = staff.find_by_uniquifier(session, uniquifier)
        return _account(session, found) if found else None


def end_sessions(site: Site, uniquifier: str, now: datetime) -> None:
    """Sign the account out everywhere."""
    with site.database.write() as session:
        account = staff.find_by_uniquifier(session, uniquifier)
        if account is not None:
            staff.renew_sessions(account)
            _record(session, "signed out", account, f"staff:{account.id}", now)


def hash_password(password: str) -> str:
    """An Argon2id hash, with its parameters in it."""
    return _hasher.hash(normal_form(password))


def password_fits(hashed: str, password: str) -> bool:
    try:
        return _hasher.verify(hashed, normal_form(password))
    except (VerificationError, InvalidHashError):
        return False


def normal_form(password: str) -> str:
    """The same characters, however a keyboard made them."""
    return unicodedata.normalize("NFKC", password)


def _check_password(password: str) -> None:
    if len(password) < SHORTEST:
        raise InputError({"password": f"Use {SHORTEST} characters or more."})
    if len(password) > LONGEST:
        raise InputError({"password": f"Use {LONGEST} characters or fewer."})


def _account(session: Session, row: Staff) -> Account:
    rights = of_account(session, row.id)
    return Account(row.id, row.email, row.password, row.active, row.uniquifier, rights)


def _record(session: Session, kind: str, account: Staff, actor: str, now: datetime) -> None:
    trail.append(session, trail.SYSTEM, kind, actor, now, {"account": account.id})


_GONE = "This link has been used or has ended. Ask for a new one: `surveyapp init` prints it."
