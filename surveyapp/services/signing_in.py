"""Signing in: an address and a password, judged in the same time whether the address is known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import structlog

from ..store import signin
from . import tries
from .accounts import Account, find_by_email
from .passwords import nobodys, password_fits
from .site import Site
from .tries import Origin

log = structlog.get_logger("accounts")


@dataclass(frozen=True)
class Passed:
    """Whose password was right; `needs_code`: a code is asked before anything opens."""

    account: Account
    needs_code: bool


def check(site: Site, email: str, password: str, origin: Origin, now: datetime) -> Passed | None:
    """None for a wrong address or password, which are never told apart. Raises
    TooManyTriesError."""
    account = find_by_email(site, email)
    counts = tries.of_password(site, email, account.id if account else None, origin)
    tries.take(site, counts, now)
    usable = account is not None and account.active and account.password is not None
    hashed = account.password if account and usable and account.password else nobodys()
    fits = password_fits(hashed, password)
    right = account is not None and usable and fits
    log.info("sign-in", right=right, account=account.id if account else None)
    if account is None or not right:
        return None
    tries.was_right(site, counts)
    return passed(site, account)


def passed(site: Site, account: Account) -> Passed:
    """The next step of somebody who is known to hold the password."""
    with site.database.read() as session:
        return Passed(account, signin.factor(session, account.id) is not None)
