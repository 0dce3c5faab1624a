"""Stewardship: making an installation ready, and checking what it remembers."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from ..config import Settings, load_keys, make_keys
from ..store import schema, wordings
from ..store.before import KEPT_FOR
from ..store.database import Database, DatabaseUnavailableError, sqlite_warning
from ..store.trail import Verified
from ..study.library import load_library
from . import accounts, bounces, freezing, trailheads
from .site import Site, assemble

ACTOR = "command line"
DEFAULT_URL = "http://127.0.0.1:8000"


@dataclass(frozen=True)
class Prepared:
    """What `prepare` did, in sentences, and the first account's one-time link (or empty)."""

    said: tuple[str, ...]
    link: str


def prepare(settings: Settings, email: str, now: datetime) -> Prepared:
    """Make keys, migrate the database, make the first staff account; again, change nothing.

    Raises SettingsError, DatabaseUnavailableError, FaultsFoundError, or InputError for the email.
    """
    library = load_library(settings.instruments)
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    said: list[str] = []
    if make_keys(settings):
        said.append(f"made keys in {settings.keys_folder}; keep a copy where no backup goes")
    keys = load_keys(settings)
    database = Database(settings.database)
    site = assemble(settings, keys, database, library)
    base = (settings.public_url or DEFAULT_URL).rstrip("/")
    try:
        if migrated := schema.migrate(database):
            said += _migration_sentences(migrated)
        with _told_of(migrated):
            with database.write() as session:
                freezing.pin_new(session, library, ACTOR, now)
                wordings.pin_new(session, library, now)
            first = accounts.ensure_first_account(site, email, now)
    finally:
        database.close()
    if warning := sqlite_warning() if database.is_sqlite else "":
        said.append(warning)
    said.append(f"delivery reports go to {base}/hooks/bounces/{bounces.secret(site)}")
    if not first.token:
        return Prepared((*said, "ready; the first staff account has its password"), "")
    said.append(f"open the link to choose the password of {first.email}; it works once:")
    return Prepared(tuple(said), f"{base}/staff/welcome/{first.token}")


@contextmanager
def _told_of(migrated: schema.Migrated | None) -> Generator[None]:
    """A fault after a migration says that this went through: nobody need look for what is lost."""
    try:
        yield
    except DatabaseUnavailableError as error:
        if migrated is None:
            raise
        raise DatabaseUnavailableError(
            f"{error}. The migration to the schema {schema.head()} is done and nothing was lost; "
            "put right what hindered the rest (is the disk full?), then run `surveyapp init` again."
        ) from error


def _migration_sentences(migrated: schema.Migrated) -> list[str]:
    said = [f"the database has the schema {schema.head()}"]
    if migrated.copy:
        said.append(
            f"as it was before, with the schema {migrated.before}, it stands in {migrated.copy}; "
            f"the worker removes that copy after {KEPT_FOR.days} days"
        )
    return said


def verify_trail(site: Site) -> Verified:
    """Check every chain of the audit trail, and every sent sheet against it."""
    checked = trailheads.verify(site)
    return replace(checked.trail, fault=checked.fault)
