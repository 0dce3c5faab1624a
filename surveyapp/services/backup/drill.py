"""The drill: a backup is restored into a folder that goes again, with every check of a restore.

Only that shows that a backup can be restored. It needs the private key; without one, only the file
itself is looked at, and the drill says that this is less.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ...store import postgresql
from ...store.database import Database
from ...texts import moment
from . import naming
from .archive import megabytes
from .checking import check, put_back, require_known_schema
from .faults import BackupError, UnfitError, told
from .making import digest_of
from .manifest import DATABASE, SQLITE, Manifest
from .opening import is_encrypted, open_into


@dataclass(frozen=True)
class Drilled:
    """What was shown, in words."""

    path: Path
    words: str
    seconds: float


@dataclass(frozen=True)
class Means:
    """`key` judges the manifest's seal; `server` may take a PostgreSQL backup for a while."""

    identity: Path | None
    key: bytes | None = None
    server: Database | None = None


def newest(folder: Path) -> Path:
    """The newest backup in a folder, by its name. Raises UnfitError."""
    with told("looking for backups", folder):
        found = naming.backups(folder)
    if not found:
        raise UnfitError(f"There is no backup in {folder}.")
    return found[-1]


def drill(path: Path, means: Means, folder: Path) -> Drilled:
    """Restore a backup into an empty folder. Raises BackupError, UnfitError."""
    began = time.monotonic()
    manifest, sealed = open_into(path, means.identity, folder, means.key)
    require_known_schema(manifest)
    if means.key is not None and not sealed:
        raise BackupError("The backup was not sealed with this installation's secret key.")
    words = _tried(folder, manifest, means)
    return Drilled(path, words, time.monotonic() - began)


def _tried(folder: Path, manifest: Manifest, means: Means) -> str:
    made = f"made {moment(manifest.made_at)} UTC, {megabytes(manifest.size)} unpacked"
    rows = sum(manifest.counts.values())
    with _place(folder, manifest, means) as database:
        if database is None:
            with told("reading the dump", folder):
                things = postgresql.listing(folder / DATABASE)
            return (
                f"opened whole ({made}); the dump lists {things} things. It was not loaded into a "
                "database, because none can be made here: that is less than a restore."
            )
        with told("restoring for the drill", folder):
            put_back(folder, database)
            check(database, manifest)
    trail = f"the trail of {manifest.events:,} events is whole"
    if manifest.fault:
        trail = f"the trail was broken before the backup: {manifest.fault}"
    return f"restored whole ({made}): {rows:,} rows, {trail}."


@contextmanager
def _place(folder: Path, manifest: Manifest, means: Means) -> Generator[Database | None]:
    """Where the backup's database can be opened for a while, if anywhere."""
    if manifest.database == SQLITE:
        database = Database(f"sqlite:///{folder / DATABASE}")
        try:
            yield database
        finally:
            database.close()
        return
    server = means.server
    with postgresql.scratch(server) if server and not server.is_sqlite else nullcontext() as made:
        yield made


def look(path: Path, sha256: str, now: datetime) -> Drilled:
    """What can be seen without the private key: the file is there, as it was written.

    Raises BackupError.
    """
    began = time.monotonic()
    with told("looking at the backup", path):
        if not is_encrypted(path):
            raise BackupError(f"{path.name} is not encrypted any more.")
        if digest_of(path) != sha256:
            raise BackupError(f"{path.name} is not what was written: the disk may be failing.")
    hours = round((now - naming.made_at(path)).total_seconds() / 3600)
    old = "1 hour" if hours == 1 else f"{hours} hours"
    words = (
        f"is there as it was written, {old} old. It was not opened, because the private key is not "
        "on this machine: that is less than a restore."
    )
    return Drilled(path, words, time.monotonic() - began)


@contextmanager
def a_while() -> Generator[Path]:
    """A folder for a drill away from an installation."""
    with tempfile.TemporaryDirectory(prefix="surveyapp-drill-") as folder:
        yield Path(folder)
