"""Contact keys: a new one, everything sealed anew under it, and an old one retired.

A new key goes in front in the key file; processes that run see it by themselves, with keys from
the environment after a restart. Sealing anew and retiring are acts of their own, so that each may
be stopped and looked at.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ..config import (
    KEY_BYTES,
    SettingsError,
    contact_keys_as_text,
    load_keys,
    write_contact_keys,
)
from ..store import sealed, trail
from ..store.sealed import SEALED, SealedColumn
from ..store.vault import key_version
from .errors import InputError, RefusedError
from .site import Site

LOST = "not configured"


@dataclass(frozen=True)
class KeyLine:
    """A contact key by its version, whether it is there, and how many fields it seals."""

    version: str
    place: str
    fields: int


@dataclass(frozen=True)
class Resealed:
    """How many fields were sealed anew, and how many cannot be read with the keys given."""

    fields: int
    unreadable: int


def listed(site: Site) -> list[KeyLine]:
    """Every contact key, newest first, and every other one that something is sealed under."""
    with site.database.read() as session:
        counts = sealed.counts(session)
    versions = [key_version(key) for key in load_keys(site.settings).contact]
    lines = [
        KeyLine(version, "newest" if version == versions[0] else "older", counts.pop(version, 0))
        for version in versions
    ]
    return lines + [KeyLine(version, LOST, count) for version, count in sorted(counts.items())]


def add_key(site: Site, *, actor: str, now: datetime) -> str:
    """A new contact key in front of the others; its version.

    Raises RefusedError when the keys come from the environment; its sentence holds what to set.
    """
    known, new = load_keys(site.settings).contact, secrets.token_bytes(KEY_BYTES)
    keys = (new, *known)
    if site.settings.contact_keys:
        raise RefusedError(
            "The contact keys come from SURVEYAPP_CONTACT_KEYS. Set it to this, keep it secret, "
            f"and restart every process:\n{contact_keys_as_text(keys)}"
        )
    _write(site, keys)
    with site.database.write() as session:
        fields: dict[str, object] = {"key": key_version(new)}
        trail.append(session, trail.SYSTEM, "contact key added", actor, now, fields)
    return key_version(new)


def rotate(
    site: Site,
    *,
    actor: str,
    now: datetime,
    tell: Callable[[int], None] = lambda _: None,
) -> Resealed:
    """Seal every field under the newest key; `tell` hears how many are done so far."""
    fields = unreadable = 0
    for column in SEALED:
        after = None
        while True:
            found = _slice(site, column, after)
            fields, unreadable = fields + found.done, unreadable + found.unreadable
            tell(fields)
            after = found.last
            if after is None:
                break
    if fields:
        with site.database.write() as session:
            payload: dict[str, object] = {"key": site.vault.newest, "fields": fields}
            trail.append(session, trail.SYSTEM, "contacts sealed anew", actor, now, payload)
    return Resealed(fields, unreadable)


def _slice(site: Site, column: SealedColumn, after: tuple[object, ...] | None) -> sealed.Slice:
    with site.database.write() as session:
        return sealed.reseal(session, site.vault, column, after)


def retire(site: Site, version: str, *, actor: str, now: datetime) -> None:
    """Take a key that seals nothing any more out of the key file. Raises InputError,
    RefusedError."""
    known = load_keys(site.settings).contact
    versions = [key_version(key) for key in known]
    if version not in versions:
        raise InputError({"version": f"There is no contact key {version}: {', '.join(versions)}."})
    if version == versions[0]:
        raise RefusedError(f"{version} is the newest key. Add a new one first: surveyapp keys new")
    with site.database.write() as session:
        # Whoever seals now has seen the newest key; whoever began before is waited for.
        sealed.lock_all(session)
        if count := sealed.counts(session).get(version, 0):
            raise RefusedError(
                f"{count} fields are sealed under {version}. Run `surveyapp keys rotate` first."
            )
        payload: dict[str, object] = {"key": version}
        trail.append(session, trail.SYSTEM, "contact key retired", actor, now, payload)
        _write(site, tuple(key for key in known if key_version(key) != version))


def _write(site: Site, keys: tuple[bytes, ...]) -> None:
    try:
        write_contact_keys(site.settings, keys)
    except SettingsError as error:
        raise RefusedError(str(error)) from error
