"""Security: staff sign-in with flask-security, over our own accounts service.

The library brings the user loader, the sign-in form's rules and the session; its own pages stay
off. A session names the account's uniquifier, which changes at sign-out, so a copied cookie is
worth nothing afterwards. Every page below /staff but those in `OPEN` needs a sign-in.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast
from urllib.parse import urlsplit

from flask import Flask, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_security import LoginForm, RoleMixin, Security, UserDatastore, UserMixin
from flask_security import current_user as library_user
from flask_security.utils import login_user, logout_user
from wtforms import EmailField, Field, PasswordField

from ..services import accounts
from ..services.accounts import Account
from ..services.rights import NOTHING, Rights
from ..services.site import Site

OPEN = frozenset({"staff.sign_in", "staff.welcome"})
SIGNED_IN_FOR = timedelta(hours=12)
STALE = "This page was open for long. Press the button again."
WRONG = "The address or the password is wrong."


@dataclass
class User(UserMixin):
    """A staff account as flask-security sees it."""

    id: int = 0
    email: str = ""
    password: str | None = None
    active: bool = True
    fs_uniquifier: str = ""
    rights: Rights = NOTHING
    roles: list[RoleMixin] = field(default_factory=list[RoleMixin])

    def verify_and_update_password(self, password: str) -> bool:
        return self.password is not None and accounts.password_fits(self.password, password)


class Accounts(UserDatastore):
    """Finds users through the accounts service; it never writes, the services do."""

    def __init__(self, site: Site) -> None:
        super().__init__(User, RoleMixin)
        self._site = site

    def find_user(self, case_insensitive: bool = False, **kwargs: Any) -> UserMixin | None:
        del case_insensitive
        if "email" in kwargs:
            return as_user(accounts.find_by_email(self._site, str(kwargs["email"])))
        uniquifier = str(kwargs.get("fs_uniquifier", ""))
        return as_user(accounts.find_by_uniquifier(self._site, uniquifier))

    def find_role(self, role: str) -> RoleMixin | None:
        del role
        return None


class SignInForm(LoginForm):
    """The library's sign-in rules with our fields; an address is not judged before it is known."""

    email = EmailField("E-mail")
    password = PasswordField("Password")

    def validate_next(self, field: Field) -> None:
        """Nothing to refuse: `next_page` judges where to go, and a bad wish is not followed."""

    def validate(self, **kwargs: Any) -> bool:
        return not refused() and super().validate(**kwargs)


def refused() -> bool:
    """Whether this request came without its token, or from another site."""
    return bool(g.get("csrf_refused"))


def as_user(account: Account | None) -> User | None:
    if account is None:
        return None
    return User(
        account.id,
        account.email,
        account.password,
        account.active,
        account.uniquifier,
        account.rights,
    )


def protect(app: Flask, site: Site, clock: Callable[[], datetime]) -> None:
    """Set flask-security up for this application."""
    del clock
    config: Any = app.config
    own = {
        "PASSWORD_HASH": "argon2",
        "PASSWORD_SALT": site.keys.derive("sign-in").hex(),
        "PASSWORD_NORMALIZE_FORM": "NFKC",
        "CLI_USERS_NAME": False,
        "CLI_ROLES_NAME": False,
    }
    config.update({f"SECURITY_{name}": value for name, value in own.items()})
    Security(app, Accounts(site), register_blueprint=False)
    # Staff sign in by session alone. The library would read every request's body in search of
    # a token, also the bodies of participants' answers, before their size is judged.
    cast(Any, app).login_manager.request_loader(None)


def signed_in() -> User | None:
    """Who is signed in, within the time that a sign-in lasts."""
    user: Any = library_user
    if not user.is_authenticated:
        return None
    if time.time() - float(session.get("fs_paa", 0)) > SIGNED_IN_FOR.total_seconds():
        logout_user()
        return None
    return cast(User, user)


def guard() -> ResponseReturnValue | None:
    """To the sign-in page unless signed in; for the pages of the staff blueprint."""
    if request.endpoint in OPEN or signed_in() is not None:
        return None
    wanted = request.full_path.rstrip("?") if request.method == "GET" else ""
    return redirect(url_for("staff.sign_in", next=wanted or None), 303)


def sign_in(user: UserMixin) -> None:
    """Begin a session of its own: nothing of the one before stays."""
    session.clear()
    login_user(user, remember=False, authn_via=["password"])


def sign_out(site: Site, now: datetime) -> None:
    """End every session of whoever is signed in."""
    user = signed_in()
    if user is not None:
        accounts.end_sessions(site, user.fs_uniquifier, now)
    logout_user()
    session.clear()


def leave() -> None:
    """End the session on this device alone."""
    logout_user()
    session.clear()


def next_page(wanted: str | None) -> str:
    """Where to go after signing in: a staff page of this site, else Today."""
    target = (wanted or "").replace("\\", "/")
    parts = urlsplit(target)
    local = not parts.scheme and not parts.netloc and target.isprintable()
    if local and parts.path.startswith("/staff/") and not _is_sign_in(parts.path):
        return target
    return url_for("staff.today")


def _is_sign_in(path: str) -> bool:
    return path in (url_for("staff.sign_in"), url_for("staff.sign_out"))


def rights() -> Rights:
    """What whoever is signed in may do."""
    user = signed_in()
    return user.rights if user else NOTHING


def actor() -> str:
    """How the trail names whoever is signed in."""
    user = signed_in()
    return f"staff:{user.id}" if user else "nobody"
