"""Tries: wrong ones slow the next down, and nobody can use that against a colleague.

What is counted is never an account alone. A device that signed in to the account before has a count
of its own, which strangers cannot raise; every other try counts for the address together with the
network it comes from, and for the network. A try is counted as wrong before it is judged, in
a transaction of its own, so that no two at once get extra tries; a right one takes that back.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..delivery.email import Mailer
from ..store import signin
from ..store.database import Session
from ..store.vault import normal_form
from .errors import RefusedError
from .site import Site

FREE_TRIES, NETWORK_TRIES = 5, 30
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(minutes=15)
FORGOTTEN = timedelta(hours=24)
"""After so long without a try a count begins anew."""


@dataclass(frozen=True)
class Origin:
    """Where a try comes from: `network` is a /24 or /48, `agent` a browser in words, `device` the
    id of one that signed in to `accounts` before, else empty."""

    network: str
    agent: str
    device: str = ""
    accounts: frozenset[int] = frozenset()

    @property
    def place(self) -> str:
        return f"{self.agent}, network {self.network}"


@dataclass(frozen=True)
class Count:
    """What a try counts for, and how many are free. `shared` ones are not forgotten because
    somebody succeeded."""

    key: str
    free: int = FREE_TRIES
    shared: bool = False


class TooManyTriesError(RefusedError):
    """It is too early to try again; `seconds` are left."""

    def __init__(self, wait: timedelta) -> None:
        self.seconds = max(1, -(-wait // timedelta(seconds=1)))
        minutes = -(-self.seconds // 60)
        left = f"{self.seconds} seconds" if self.seconds < 60 else f"{minutes} minutes"
        super().__init__(
            f"Too many wrong tries from here. Wait {left}, then try again. "
            "From a device that signed in to this account before it goes on as usual."
        )


def pause(wrong: int, free: int) -> timedelta:
    """How long to wait after so many wrong tries in a row."""
    if wrong < free:
        return timedelta(0)
    return min(FIRST_PAUSE * 2 ** min(wrong - free, 10), LONGEST_PAUSE)


def of_password(site: Site, email: str, account_id: int | None, origin: Origin) -> list[Count]:
    """What a try with a password counts for; `account_id` is None for an unknown address."""
    if account_id is not None and account_id in origin.accounts:
        return [Count(_key(site, "device", account_id, origin.device))]
    pair = _key(site, "address", normal_form(email), origin.network)
    return [Count(pair), Count(_key(site, "network", origin.network), NETWORK_TRIES, shared=True)]


def of_code(site: Site, account_id: int, origin: Origin) -> list[Count]:
    """What a try with a code counts for."""
    return [Count(_key(site, "code", account_id, *_place(account_id, origin)))]


def of_own_password(site: Site, account_id: int, origin: Origin) -> list[Count]:
    """What a try with the own password once more counts for; a right one makes no code free."""
    return [Count(_key(site, "own password", account_id, *_place(account_id, origin)))]


def _place(account_id: int, origin: Origin) -> tuple[str, str]:
    known = account_id in origin.accounts
    return ("device", origin.device) if known else ("network", origin.network)


def take(site: Site, counts: Collection[Count], now: datetime) -> None:
    """Count one try as wrong. Raises TooManyTriesError, and then counts nothing."""
    with site.database.write() as session:
        wait = _take(session, sorted(counts, key=lambda count: count.key), now)
    if wait:
        raise TooManyTriesError(wait)


def _take(session: Session, counts: Sequence[Count], now: datetime) -> timedelta:
    held = [(count, signin.hold_tries(session, count.key, now)) for count in counts]
    waits = [
        # A clock that ran backwards must not make anybody wait for longer.
        min(found.tried_at, now) + pause(found.wrong, count.free) - now
        for count, found in held
        if now - found.tried_at < FORGOTTEN
    ]
    wait = max([*waits, timedelta(0)])
    if wait > timedelta(0):
        return wait
    for count, found in held:
        fresh = now - found.tried_at >= FORGOTTEN
        signin.put_tries(session, count.key, 1 if fresh else found.wrong + 1, now)
    return timedelta(0)


def was_right(site: Site, counts: Collection[Count]) -> None:
    """Take the try back that `take` counted; what is not shared begins anew."""
    with site.database.write() as session:
        for count in sorted(counts, key=lambda count: count.key):
            if count.shared:
                signin.give_back_try(session, count.key)
            else:
                signin.forget_tries(session, count.key)


def tidy(site: Site, mailer: Mailer, now: datetime) -> None:
    """A duty: counts that were forgotten go."""
    del mailer
    with site.database.read() as session:
        if not signin.has_old_tries(session, now - FORGOTTEN):
            return
    with site.database.write() as session:
        signin.drop_old_tries(session, now - FORGOTTEN)


def _key(site: Site, *parts: str | int) -> str:
    """Nothing of an address or a network is to be read from it."""
    message = "\n".join(str(part) for part in parts).encode()
    return hmac.new(site.keys.derive("sign-in tries"), message, "sha256").hexdigest()
