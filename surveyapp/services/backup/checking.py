"""Checking a database that was put back against the manifest of its backup."""

from __future__ import annotations

from pathlib import Path

from ...store import copying, postgresql, schema, trail
from ...store.database import Database
from .faults import BackupError, UnfitError
from .manifest import DATABASE, SQLITE, Manifest


def require_known_schema(manifest: Manifest) -> None:
    """Raises UnfitError when the backup is newer than this program."""
    if not schema.knows(manifest.schema):
        raise UnfitError(
            f"The backup has the schema {manifest.schema}, made by surveyapp {manifest.version}, "
            "which is newer than this program. Restore it with the version that wrote it."
        )


def require_same_kind(manifest: Manifest, database: Database) -> None:
    """Raises UnfitError when the backup is of the other kind of database."""
    ours = "SQLite" if database.is_sqlite else "PostgreSQL"
    theirs = "SQLite" if manifest.database == SQLITE else "PostgreSQL"
    if ours != theirs:
        raise UnfitError(
            f"This is a backup of {theirs} and SURVEYAPP_DATABASE_URL names {ours}: set it to "
            f"{'nothing' if theirs == 'SQLite' else 'an empty PostgreSQL database'}."
        )


def put_back(folder: Path, database: Database) -> None:
    """Load what was unpacked in a folder; a SQLite database lies there already."""
    if not database.is_sqlite:
        postgresql.load(folder / DATABASE, database)


def check(database: Database, manifest: Manifest) -> bool:
    """Everything that the manifest says; True when the schema was older and was migrated.

    Raises BackupError with the first thing that is not so, UnfitError for a newer schema.
    """
    if fault := copying.damage(database):
        raise BackupError(f"The restored database is damaged: {fault}.")
    with database.read() as session:
        _same("schema", copying.schema_of(session), manifest.schema)
        counts = copying.counts_of(session)
    for name in sorted({*counts, *manifest.counts}):
        _same(f"number of rows in {name}", counts.get(name), manifest.counts.get(name))
    migrated = schema.migrate(database, keep_copy=False)
    with database.read() as session:
        found = trail.verify(session)
    _same("number of events in the trail", found.events, manifest.events)
    _same("trail", found.fault or found.head, manifest.fault or manifest.head)
    return migrated is not None


def _same(what: str, found: object, said: object) -> None:
    if found != said:
        raise BackupError(f"The {what} is not what the backup says: {found}, not {said}.")
