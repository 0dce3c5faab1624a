"""Sessions: who is signed in where. A session is a row; the cookie holds its random id alone.

It ends after `SIGNED_IN_FOR`, after `UNUSED_FOR` without a request, and whenever somebody ends it.
An id is drawn at every sign-in and kept as its SHA-256. `now` is the time of the wall, also in
a demo whose clock was moved.
"""

from __future__ import annotations

import contextlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..delivery.email import Mailer
from ..store import signin
from ..store.database import DatabaseUnavailableError, Session
from ..store.links import digest
from ..store.tables_signin import StaffSession
from . import colleague_mail
from .accounts import Account, account_of, record
from .errors import NotFoundError
from .site import Site
from .tries import Origin

SIGNED_IN_FOR = timedelta(hours=12)
UNUSED_FOR = timedelta(minutes=60)
SEEN_EVERY = timedelta(minutes=5)
KEPT_FOR = timedelta(days=90)
HANDLE = 16


@dataclass(frozen=True)
class SignedIn:
    """Who is signed in, by which session (its id's hash). `must_set_up`: reaches scores of a
    live study and has no second factor, so nothing else may be opened."""

    account: Account
    session: str
    has_factor: bool
    must_set_up: bool


@dataclass(frozen=True)
class SessionView:
    """One session as its owner sees it; `handle` names it in a form."""

    handle: str
    agent: str
    network: str
    made_at: datetime
    seen_at: datetime
    is_this: bool


def begin(site: Site, account_id: int, origin: Origin, now: datetime) -> str:
    """A new session's id. A place that is new to the account is told by mail, later and by
    the worker, so that no mail server hinders anybody."""
    token = secrets.token_urlsafe(32)
    with site.database.write() as session:
        row = StaffSession(
            id_sha256=digest(token),
            staff_id=account_id,
            made_at=now,
            seen_at=now,
            network=origin.network,
            agent=origin.agent,
        )
        session.add(row)
        session.flush()
        if signin.note_place(session, account_id, _place_hash(site, account_id, origin), now):
            colleague_mail.plan(session, site, account_id, "new place", origin.place, now)
        record(session, "signed in", account_id, f"staff:{account_id}", now)
    return token


def find(site: Site, token: str, now: datetime) -> SignedIn | None:
    """Who is signed in with this id. One statement, and every few minutes a write."""
    if not token:
        return None
    with site.database.read() as session:
        found = signin.find_session(session, digest(token))
        if found is None or _is_over(found.session, now):
            return None
        account = account_of(session, found.account)
        seen_at, id_sha256 = found.session.seen_at, found.session.id_sha256
    demanded = found.live and account.rights.need_factor and not found.has_factor
    if now - seen_at >= SEEN_EVERY:
        # Somebody else may be writing for long; a page does not fail for the sake of this.
        with contextlib.suppress(DatabaseUnavailableError), site.database.write() as session:
            signin.saw(session, id_sha256, now)
    return SignedIn(account, id_sha256, found.has_factor, demanded)


def _is_over(row: StaffSession, now: datetime) -> bool:
    return now - row.made_at >= SIGNED_IN_FOR or now - row.seen_at >= UNUSED_FOR


def whose(site: Site, token: str) -> int | None:
    """The account of an id, also when its session has ended."""
    with site.database.read() as session:
        return signin.whose(session, digest(token)) if token else None


def end(site: Site, token: str, now: datetime) -> None:
    """Sign out: the session of this id ends."""
    with site.database.write() as session:
        account_id = signin.whose(session, digest(token))
        if account_id is not None and signin.end(session, account_id, now, only=digest(token)):
            record(session, "signed out", account_id, f"staff:{account_id}", now)


def listed(site: Site, me: SignedIn, now: datetime) -> Sequence[SessionView]:
    """One's own open sessions, this one first."""
    with site.database.read() as session:
        rows = signin.open_sessions(session, me.account.id, now - SIGNED_IN_FOR)
        views = [_view(row, me) for row in rows if not _is_over(row, now)]
    return sorted(views, key=lambda view: not view.is_this)


def _view(row: StaffSession, me: SignedIn) -> SessionView:
    return SessionView(
        row.id_sha256[:HANDLE],
        row.agent,
        row.network,
        row.made_at,
        row.seen_at,
        row.id_sha256 == me.session,
    )


def end_one(site: Site, me: SignedIn, handle: str, now: datetime) -> None:
    """End one of one's own sessions. Raises NotFoundError."""
    with site.database.write() as session:
        rows = signin.open_sessions(session, me.account.id, now - SIGNED_IN_FOR)
        found = [row.id_sha256 for row in rows if row.id_sha256[:HANDLE] == handle]
        if not found:
            raise NotFoundError("This sign-in has ended already.")
        signin.end(session, me.account.id, now, only=found[0])
        _record_end(session, me, 1, now)


def end_others(site: Site, me: SignedIn, now: datetime) -> int:
    """End all but this one; how many that were."""
    with site.database.write() as session:
        count = signin.end(session, me.account.id, now, but=me.session)
        if count:
            _record_end(session, me, count, now)
        return count


def _record_end(session: Session, me: SignedIn, count: int, now: datetime) -> None:
    actor = f"staff:{me.account.id}"
    record(session, "sign-ins ended", me.account.id, actor, now, ended=count)


def tidy(site: Site, mailer: Mailer, now: datetime) -> None:
    """A duty: sessions from long ago go, but the last of each account."""
    del mailer
    with site.database.read() as session:
        if not signin.has_old_sessions(session, now - KEPT_FOR):
            return
    with site.database.write() as session:
        signin.tidy_sessions(session, now - KEPT_FOR)


def _place_hash(site: Site, account_id: int, origin: Origin) -> str:
    message = f"{account_id}|{origin.network}|{origin.agent}".encode()
    return hmac.new(site.keys.derive("sign-in places"), message, "sha256").hexdigest()
