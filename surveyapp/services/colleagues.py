"""Colleagues: what an admin does with accounts. Every change is in the system's chain.

Somebody who can sign in as an admin always stays, and nobody takes the role from themselves. What
decides that is looked at with all accounts held, so that no two admins end each other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ..delivery.email import Mailer
from ..store import roster, signin, staff
from ..store.database import Session
from ..store.tables_access import Staff
from ..texts import moment
from . import colleague_mail
from .accounts import invite_anew, record
from .addresses import fault_of
from .errors import InputError, NotFoundError
from .rights import ROLES, of_roles
from .site import Site

LAST_ADMIN = (
    "This is the only admin of every retreat who can sign in. Make somebody else one first."
)
OWN_ROLE = "You cannot take the admin role or a retreat from yourself. Another admin can."
OWN_ACCOUNT = "You cannot deactivate your own account. Another admin can."
OWN_LINK = "This is your own account: change your password under Your account."
NO_ACCOUNT = "There is no such account."


@dataclass(frozen=True)
class Wish:
    """What an account shall be allowed; `retreats` count where `all_retreats` is off."""

    roles: frozenset[str]
    sees_scores: bool
    all_retreats: bool
    retreats: frozenset[int]


@dataclass(frozen=True)
class ColleagueView:
    """One account as an admin sees it. `last` is the last sign-in, `invited` says until when an
    invitation can be used, `mail` what came of mailing it."""

    id: int
    email: str
    wish: Wish
    retreats: Sequence[str]
    active: bool
    has_password: bool
    has_factor: bool
    last: datetime | None
    invited: str
    mail: str

    @property
    def roles(self) -> str:
        """In words."""
        own = [role for role in ROLES if role in self.wish.roles]
        return ", ".join([*own, "sees scores"] if self.wish.sees_scores else own)


@dataclass(frozen=True)
class Invited:
    """The one-time link, to be handed over, and what came of mailing it, in words."""

    email: str
    link: str
    said: str


@dataclass(frozen=True)
class Change:
    """What would change, in sentences; `digest` names it."""

    sentences: Sequence[str]

    @property
    def digest(self) -> str:
        return hashlib.sha256("\n".join(self.sentences).encode()).hexdigest()[:16]


def listed(site: Site, now: datetime) -> Sequence[ColleagueView]:
    """Every account."""
    with site.database.read() as session:
        members, factors = staff.memberships(session), signin.with_factor(session)
        last, names = signin.last_sign_ins(session), dict(_retreats(session))
        return [
            _view(session, row, members.get(row.id, set()), names, now, factors, last)
            for row in staff.everybody(session)
        ]


def colleague(site: Site, account_id: int, now: datetime) -> ColleagueView:
    """One account. Raises NotFoundError."""
    found = next((view for view in listed(site, now) if view.id == account_id), None)
    if found is None:
        raise NotFoundError(NO_ACCOUNT)
    return found


def retreats(site: Site) -> Sequence[tuple[int, str]]:
    """Every retreat's id and name, the newest first."""
    with site.database.read() as session:
        return _retreats(session)


def invite(
    site: Site, email: str, wish: Wish, mailer: Mailer, *, actor: str, now: datetime
) -> Invited:
    """A new account and its link, mailed if the server takes it. Raises InputError."""
    email = email.strip()
    if fault := fault_of(email) if email else "Write the address of your colleague.":
        raise InputError({"email": fault})
    with site.database.write() as session:
        staff.hold_all(session)
        _judge(session, wish)
        if staff.find_by_email(session, email) is not None:
            raise InputError({"email": "There is an account with this address already."})
        row = staff.add(session, email, now)
        _put(session, row, wish)
        told = _told(wish)
        record(session, "staff account added", row.id, actor, now, **told)
        token, mail = _send(site, session, row, actor, now)
    return _invited(site, email, token, mail, mailer, now)


def invite_again(
    site: Site, account_id: int, mailer: Mailer, *, actor: str, now: datetime
) -> Invited:
    """Another link; the one from before ends. Raises NotFoundError, InputError."""
    with site.database.write() as session:
        row = _account(session, account_id)
        if actor == f"staff:{row.id}":
            raise InputError({"": OWN_LINK})
        if not row.active:
            raise InputError({"": "This account is deactivated."})
        token, mail = _send(site, session, row, actor, now)
    return _invited(site, row.email, token, mail, mailer, now)


def preview(site: Site, account_id: int, wish: Wish, *, actor: str) -> Change:
    """What a change of rights would do. Raises InputError, NotFoundError."""
    with site.database.read() as session:
        row = _account(session, account_id)
        _may_change(session, row, wish, actor)
        return _change(session, row, wish)


def change(
    site: Site, account_id: int, wish: Wish, seen: str, *, actor: str, now: datetime
) -> Change:
    """Set roles and retreats, as the preview with the digest `seen` told.

    Raises NotFoundError, and InputError also when it would not be that change any more.
    """
    with site.database.write() as session:
        staff.hold_all(session)
        row = _account(session, account_id)
        _may_change(session, row, wish, actor)
        told = _change(session, row, wish)
        if told.digest != seen:
            raise InputError({"": "Somebody changed this since the preview that you saw."})
        _put(session, row, wish)
        record(session, "rights changed", row.id, actor, now, **_told(wish))
    return told


def set_active(site: Site, account_id: int, *, active: bool, actor: str, now: datetime) -> None:
    """Let somebody sign in again, or not any more; then every session ends. Raises InputError."""
    with site.database.write() as session:
        staff.hold_all(session)
        row = _account(session, account_id)
        if row.active == active:
            return
        if not active and actor == f"staff:{row.id}":
            raise InputError({"": OWN_ACCOUNT})
        if not active and _is_last_admin(session, row):
            raise InputError({"": LAST_ADMIN})
        row.active = active
        if not active:
            signin.end(session, row.id, now)
            staff.use_up_invites(session, row.id, now)
        kind = "staff account reactivated" if active else "staff account deactivated"
        record(session, kind, row.id, actor, now)


def _send(site: Site, session: Session, row: Staff, actor: str, now: datetime) -> tuple[str, int]:
    """The token of a new invite, and the id of the mail with it."""
    token = invite_anew(site, session, row, now)
    record(session, "colleague invited", row.id, actor, now)
    return token, colleague_mail.plan(session, site, row.id, "invitation", "", now)


def _invited(
    site: Site, email: str, token: str, mail: int, mailer: Mailer, now: datetime
) -> Invited:
    outcome = colleague_mail.send(site, mailer, mail, now)
    mailer.rest()
    if outcome is not None and outcome.kind == "accepted":
        said = f"Mailed to {email}: {outcome.detail}."
    else:
        with site.database.read() as session:
            row = signin.mail(session, mail)
            why = row.reason if row else ""
            waits = row is not None and row.next_at is not None
        more = " It is tried again." if waits else ""
        said = f"Not mailed: {why}.{more} Hand the link over yourself."
    return Invited(email, site.settings.link(f"staff/welcome/{token}"), said)


def _judge(session: Session, wish: Wish) -> None:
    """Raises InputError."""
    if not wish.roles & set(ROLES):
        raise InputError({"roles": "Choose one role or more."})
    known = {number for number, _ in _retreats(session)}
    if not wish.all_retreats and not wish.retreats & known and wish.roles != frozenset({"admin"}):
        raise InputError({"retreats": "Choose a retreat, or every retreat."})


def _may_change(session: Session, row: Staff, wish: Wish, actor: str) -> None:
    """Raises InputError."""
    _judge(session, wish)
    stays = "admin" in wish.roles and wish.all_retreats
    if stays or not _looks_after_accounts(row):
        return
    field = "all_retreats" if "admin" in wish.roles else "roles"
    if actor == f"staff:{row.id}":
        raise InputError({field: OWN_ROLE})
    if _is_last_admin(session, row):
        raise InputError({field: LAST_ADMIN})


def _looks_after_accounts(row: Staff) -> bool:
    """An admin of some retreats alone does not: accounts are the whole installation's."""
    return "admin" in row.roles.split() and row.all_retreats


def _is_last_admin(session: Session, row: Staff) -> bool:
    admins = {
        one.id
        for one in staff.everybody(session)
        if one.active and one.password is not None and _looks_after_accounts(one)
    }
    return admins == {row.id}


def _put(session: Session, row: Staff, wish: Wish) -> None:
    row.roles = " ".join(role for role in ROLES if role in wish.roles)
    row.sees_scores, row.all_retreats = wish.sees_scores, wish.all_retreats
    known = {number for number, _ in _retreats(session)}
    staff.put_memberships(session, row.id, set() if wish.all_retreats else wish.retreats & known)


def _told(wish: Wish) -> dict[str, object]:
    """For the trail."""
    return {
        "roles": [role for role in ROLES if role in wish.roles],
        "sees_scores": wish.sees_scores,
        "retreats": "all" if wish.all_retreats else sorted(wish.retreats),
    }


def _change(session: Session, row: Staff, wish: Wish) -> Change:
    before = _wish(row, set(staff.member_of(session, row.id)))
    names = dict(_retreats(session))
    old = of_roles(before.roles, sees_scores=before.sees_scores)
    new = of_roles(wish.roles, sees_scores=wish.sees_scores)
    roles = [
        *(f"{row.email} becomes {r}." for r in ROLES if r in wish.roles - before.roles),
        *(f"{row.email} is no longer {r}." for r in ROLES if r in before.roles - wish.roles),
    ]
    if before.sees_scores != wish.sees_scores:
        roles.append(f"The grant to see scores {'is given' if wish.sees_scores else 'ends'}.")
    return Change([*roles, *_rights_told(old, new), *_retreats_told(before, wish, names)])


def _rights_told(old: frozenset[str], new: frozenset[str]) -> list[str]:
    told = {
        "contacts": "contact details",
        "scores": "answers and scores",
        "data": "group reports and exports",
        "study": "what a study says and whom it alerts",
        "admin": "accounts and the system's own pages",
        "states": "who is where",
    }
    return [
        *(f"Opens: {words}." for right, words in told.items() if right in new - old),
        *(f"Closes: {words}." for right, words in told.items() if right in old - new),
    ]


def _retreats_told(before: Wish, after: Wish, names: dict[int, str]) -> list[str]:
    if before.all_retreats and after.all_retreats:
        return []
    if after.all_retreats:
        return ["Every retreat, also later ones."]
    chosen = after.retreats & names.keys()
    if not before.all_retreats and before.retreats == chosen:
        return []
    listed_ = ", ".join(names[one] for one in sorted(chosen)) or "none"
    return [f"From now on only these retreats: {listed_}."]


def _view(
    session: Session,
    row: Staff,
    members: set[int],
    names: dict[int, str],
    now: datetime,
    factors: set[int],
    last: dict[int, datetime],
) -> ColleagueView:
    invited = staff.open_invite(session, row.id, now)
    mail = signin.last_mail(session, row.id, "invitation") if invited else None
    return ColleagueView(
        id=row.id,
        email=row.email,
        wish=_wish(row, members),
        retreats=[names[one] for one in sorted(members) if one in names],
        active=row.active,
        has_password=row.password is not None,
        has_factor=row.id in factors,
        last=last.get(row.id),
        invited=moment(invited.expires_at) if invited else "",
        mail=f"{mail.status}: {mail.reason}" if mail else "",
    )


def _wish(row: Staff, members: set[int]) -> Wish:
    return Wish(frozenset(row.roles.split()), row.sees_scores, row.all_retreats, frozenset(members))


def _account(session: Session, account_id: int) -> Staff:
    row = staff.account(session, account_id)
    if row is None:
        raise NotFoundError(NO_ACCOUNT)
    return row


def _retreats(session: Session) -> Sequence[tuple[int, str]]:
    return [(found.retreat.id, found.retreat.name) for found in roster.retreats(session)]
