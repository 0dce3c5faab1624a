"""Security: who is signed in to the staff pages, and the guard before each of them.

The signed cookie holds a session's random id; whether it still counts stands in the database
(`services.sessions`). After the right password of an account with a second factor the cookie only
says so for a short while, and opens nothing but the page that asks for the code. Every page below
/staff but those in `OPEN` needs a sign-in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import urlsplit

from flask import Flask, current_app, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from ..services import accounts, sessions
from ..services.accounts import Account
from ..services.rights import NOTHING, Rights
from ..services.sessions import SignedIn
from ..services.site import Site
from ..services.tries import Origin
from ..store.links import digest
from . import carrying
from .origin import origin, remember_device

OPEN = frozenset({"staff.sign_in", "staff.code", "staff.welcome"})
SET_UP = frozenset({"staff.second_factor", "staff.sign_out"})
"""All that may be opened by somebody who must set up a second factor first."""
CODE_WITHIN = timedelta(minutes=10)
STALE = "This page was open for long. Press the button again."
WRONG = "The address or the password is wrong."
_ID, _HALF, _TOKEN = "id", "half", "csrf_token"
_GATE = "surveyapp sign-in"


@dataclass(frozen=True)
class Gate:
    """The site, and the time of the wall: a demo's clock is moved, its sessions last on."""

    site: Site
    wall: Callable[[], datetime]


@dataclass(frozen=True)
class User:
    """Who is signed in."""

    id: int
    email: str
    rights: Rights
    by: SignedIn


def wall_clock() -> datetime:
    return datetime.now(UTC)


def protect(app: Flask, site: Site, wall: Callable[[], datetime]) -> None:
    """Give the application its gate."""
    app.extensions[_GATE] = Gate(site, wall)


def gate() -> Gate:
    return cast(Gate, current_app.extensions[_GATE])


def here() -> Origin:
    """Where this request comes from."""
    return origin(gate().site)


def refused() -> bool:
    """Whether this request came without its token, or from another site."""
    return bool(g.get("csrf_refused"))


def signed_in() -> User | None:
    """Who is signed in, asked once for a request."""
    if "staff_user" not in g:
        # A database that is away is not asked again while the page that says so is made.
        g.staff_user = None
        found = sessions.find(gate().site, str(session.get(_ID, "")), gate().wall())
        g.staff_user = _user(found) if found else None
    return g.staff_user


def _user(found: SignedIn) -> User:
    account = found.account
    return User(account.id, account.email, account.rights, found)


def guard() -> ResponseReturnValue | None:
    """To the sign-in page unless signed in, to the second factor if that comes first; for the
    pages of the staff blueprint."""
    if request.endpoint in OPEN:
        return None
    user = signed_in()
    if user is None:
        return _to_sign_in()
    if user.by.must_set_up and request.endpoint not in SET_UP:
        return redirect(url_for("staff.second_factor"), 303)
    return None


def _to_sign_in() -> ResponseReturnValue:
    """A page that was wanted is opened afterwards, a form that was sent is carried along."""
    if request.method == "GET":
        return redirect(url_for("staff.sign_in", next=request.full_path.rstrip("?")), 303)
    account_id = sessions.whose(gate().site, str(session.get(_ID, "")))
    carried = carrying.seal(gate().site, account_id) if account_id else ""
    if not carried:
        return redirect(url_for("staff.sign_in"), 303)
    g.carried = carried
    view: Any = current_app.view_functions["staff.sign_in"]
    return view(), 403


def begin_half(account: Account) -> None:
    """The password was right, the code is still to come."""
    _end_session()
    _begin_anew()
    session[_HALF] = [account.id, _mark(account), gate().wall().isoformat()]


def half_way() -> Account | None:
    """Whose code is asked for, None when it is nobody's turn or it took too long."""
    account_id, mark, since = session.get(_HALF) or (0, "", "")
    if not account_id or gate().wall() - datetime.fromisoformat(since) > CODE_WITHIN:
        return None
    found = accounts.find_by_id(gate().site, account_id)
    return found if found and found.active and _mark(found) == mark else None


def sign_in(account: Account) -> None:
    """Begin a session of its own: nothing of the one before stays, and that one ends."""
    _end_session()
    _begin_anew()
    session[_ID] = sessions.begin(gate().site, account.id, here(), gate().wall())
    remember_device(gate().site, account.id)


def leave() -> None:
    """Sign out on this device."""
    _end_session()
    _begin_anew()


def next_page(wanted: str | None) -> str:
    """Where to go after signing in: a staff page of this site, else Today."""
    target = (wanted or "").replace("\\", "/")
    parts = urlsplit(target)
    local = not parts.scheme and not parts.netloc and target.isprintable()
    if local and parts.path.startswith("/staff/") and not _is_sign_in(parts.path):
        return target
    return url_for("staff.today")


def rights() -> Rights:
    """What whoever is signed in may do."""
    user = signed_in()
    return user.rights if user else NOTHING


def actor() -> str:
    """How the trail names whoever is signed in."""
    user = signed_in()
    return f"staff:{user.id}" if user else "nobody"


def _is_sign_in(path: str) -> bool:
    return path in (url_for("staff.sign_in"), url_for("staff.code"), url_for("staff.sign_out"))


def _mark(account: Account) -> str:
    """Another one after the password or the invitation changed."""
    return digest(account.uniquifier)[:16]


def _end_session() -> None:
    if token := str(session.get(_ID, "")):
        sessions.end(gate().site, token, gate().wall())


def _begin_anew() -> None:
    session.clear()
    for kept in ("staff_user", _TOKEN):
        g.pop(kept, None)
