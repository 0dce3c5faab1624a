"""The second factor: codes from an app (TOTP, RFC 6238), and recovery codes for when it is lost.

Six digits, steps of 30 seconds, SHA-1, because that is what the apps know. One step of drift counts
on each side, and no step twice. The secret is sealed with a key derived from SECRET_KEY. The ten
recovery codes are kept as keyed hashes; each works once. `now` is the time of the wall.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime

import structlog
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from ..store import signin, staff
from ..store.database import Session
from ..store.tables_signin import SecondFactor
from ..store.vault import CannotOpenError, Sealed, Vault
from . import colleague_mail, tries
from .accounts import WRONG_PASSWORD, Account, record
from .errors import InputError, NotFoundError, RefusedError
from .passwords import password_fits
from .site import Site
from .tries import Origin

STEP, DIGITS, DRIFT, SECRET_BYTES = 30, 6, 1, 20
CODES, CODE_LENGTH = 10, 12
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
WRONG_CODE = (
    "This code is not right, or it was used before. Wait for the next one, and see that the "
    "phone's time is right."
)
OWN_FACTOR = "This is your own: turn it off under Your account, with your password and a code."

log = structlog.get_logger("accounts")


@dataclass(frozen=True)
class Offer:
    """A secret that is not in use yet: `sealed` goes through the form, `secret` is for typing in
    by hand, `uri` for the QR code."""

    sealed: str
    secret: str
    uri: str


@dataclass(frozen=True)
class FactorState:
    """`since` is None while it is off."""

    since: datetime | None
    codes_left: int


def state(site: Site, account_id: int) -> FactorState:
    with site.database.read() as session:
        row = signin.factor(session, account_id)
        return FactorState(row.on_since if row else None, signin.codes_left(session, account_id))


def offer(site: Site, account: Account, sealed: str = "") -> Offer:
    """A fresh secret, or the one that was offered before."""
    try:
        secret = _opened(site, account.id, sealed)
    except CannotOpenError:
        secret = secrets.token_bytes(SECRET_BYTES)
    text = base64.b32encode(secret).decode()
    box = _box(site).seal(text, _bound_to(account.id))
    uri = _totp(secret).get_provisioning_uri(account.email, site.settings.site_name)
    return Offer(f"{box.key_version}.{box.text}", text, uri)


def ask_password(
    site: Site, account: Account, password: str, origin: Origin, now: datetime
) -> None:
    """Once more, so that a screen that was left open is not enough to change what signs in.
    Raises InputError, TooManyTriesError."""
    counts = tries.of_own_password(site, account.id, origin)
    tries.take(site, counts, now)
    if account.password is None or not password_fits(account.password, password):
        raise InputError({"password": WRONG_PASSWORD})
    tries.was_right(site, counts)


def turn_on(
    site: Site, account: Account, sealed: str, code: str, *, keep: str, now: datetime
) -> tuple[str, ...]:
    """Put an offered secret in use, and end every session but `keep`; the recovery codes, which
    nothing shows again. Raises InputError for a code that is not its."""
    try:
        secret = _opened(site, account.id, sealed)
    except CannotOpenError:
        raise InputError({"": "This page was open for too long. Open it again."}) from None
    step = _step_of(secret, code, now)
    if step is None:
        raise InputError({"code": WRONG_CODE})
    box = _box(site).seal(base64.b32encode(secret).decode(), _bound_to(account.id))
    with site.database.write() as session:
        staff.held(session, account.id)
        if signin.factor(session, account.id) is not None:
            raise RefusedError("Your second factor is on already.")
        own = {"sealed": box.text, "key_version": box.key_version}
        signin.add_factor(
            session, SecondFactor(staff_id=account.id, last_step=step, on_since=now, **own)
        )
        signin.end(session, account.id, now, but=keep)
        codes = _new_codes(site, session, account.id)
        record(session, "second factor on", account.id, f"staff:{account.id}", now)
    return codes


def check(site: Site, account: Account, code: str, origin: Origin, now: datetime) -> bool:
    """Use a code up, from the app or a recovery code. Raises TooManyTriesError."""
    counts = tries.of_code(site, account.id, origin)
    tries.take(site, counts, now)
    with site.database.write() as session:
        right = _use(site, session, account.id, code, now)
    log.info("code", right=right, account=account.id)
    if right:
        tries.was_right(site, counts)
    return right


def _use(site: Site, session: Session, account_id: int, code: str, now: datetime) -> bool:
    row = signin.factor(session, account_id)
    if row is None:
        return False
    typed = "".join(code.split())
    if len(typed) == DIGITS:
        try:
            secret = base64.b32decode(_box(site).open(_sealed(row), _bound_to(account_id)))
        except CannotOpenError:
            return False
        step = _step_of(secret, typed, now)
        return step is not None and signin.take_step(session, account_id, step)
    used = signin.take_recovery_code(session, account_id, _hash(site, account_id, code), now)
    if used:
        left = signin.codes_left(session, account_id)
        actor = f"staff:{account_id}"
        record(session, "recovery code used", account_id, actor, now, left=left)
    return used


def renew_codes(
    site: Site, account: Account, code: str, origin: Origin, now: datetime
) -> tuple[str, ...]:
    """Ten other recovery codes for a code. Raises InputError, TooManyTriesError."""
    if not check(site, account, code, origin, now):
        raise InputError({"code": WRONG_CODE})
    with site.database.write() as session:
        codes = _new_codes(site, session, account.id)
        record(session, "recovery codes renewed", account.id, f"staff:{account.id}", now)
    return codes


def turn_off(
    site: Site, account: Account, password: str, code: str, origin: Origin, now: datetime
) -> None:
    """Take one's own second factor away. Raises InputError, TooManyTriesError."""
    ask_password(site, account, password, origin, now)
    if not check(site, account, code, origin, now):
        raise InputError({"code": WRONG_CODE})
    with site.database.write() as session:
        signin.drop_factor(session, account.id)
        record(session, "second factor off", account.id, f"staff:{account.id}", now)


def remove(site: Site, account_id: int, *, actor: str, now: datetime) -> None:
    """Take a colleague's second factor away; they are told by mail. Raises NotFoundError, and
    InputError for one's own, which takes the password and a code."""
    if actor == f"staff:{account_id}":
        raise InputError({"": OWN_FACTOR})
    with site.database.write() as session:
        if staff.account(session, account_id) is None:
            raise NotFoundError("There is no such account.")
        if not signin.drop_factor(session, account_id):
            raise NotFoundError("This account has no second factor.")
        record(session, "second factor removed", account_id, actor, now)
        colleague_mail.plan(session, site, account_id, "second factor removed", "", now)


def code_at(secret: str, now: datetime) -> str:
    """What an app shows for a secret in base 32."""
    return _totp(base64.b32decode(secret)).generate(int(now.timestamp())).decode()


def _new_codes(site: Site, session: Session, account_id: int) -> tuple[str, ...]:
    codes = tuple(
        "".join(secrets.choice(LETTERS) for _ in range(CODE_LENGTH)) for _ in range(CODES)
    )
    signin.put_recovery_codes(session, account_id, [_hash(site, account_id, c) for c in codes])
    return tuple("-".join((code[:4], code[4:8], code[8:])) for code in codes)


def _hash(site: Site, account_id: int, code: str) -> str:
    bare = "".join(c for c in code.lower() if c.isalnum())[: 4 * CODE_LENGTH]
    key = site.keys.derive("recovery codes")
    return hmac.new(key, f"{account_id}|{bare}".encode(), "sha256").hexdigest()


def _step_of(secret: bytes, code: str, now: datetime) -> int | None:
    """The time step whose code this is, None for a wrong one."""
    typed = "".join(code.split())
    if not (typed.isascii() and typed.isdigit()):
        return None
    current = int(now.timestamp()) // STEP
    totp, found = _totp(secret), None
    for step in range(current - DRIFT, current + DRIFT + 1):
        if hmac.compare_digest(totp.generate(step * STEP).decode(), typed):
            found = step
    return found


def _totp(secret: bytes) -> TOTP:
    return TOTP(secret, DIGITS, SHA1(), STEP)  # noqa: S303 (what the apps know)


def _box(site: Site) -> Vault:
    """A vault of its own: contact keys come and go, this secret must stay readable."""
    key = site.keys.derive("second factor")
    return Vault((key,), key)


def _bound_to(account_id: int) -> str:
    return f"staff {account_id} second factor"


def _sealed(row: SecondFactor) -> Sealed:
    return Sealed(row.sealed, row.key_version)


def _opened(site: Site, account_id: int, sealed: str) -> bytes:
    """Raises CannotOpenError."""
    version, _, text = sealed.partition(".")
    try:
        return base64.b32decode(_box(site).open(Sealed(text, version), _bound_to(account_id)))
    except ValueError as error:
        raise CannotOpenError("not a sealed secret") from error
