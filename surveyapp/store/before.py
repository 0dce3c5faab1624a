"""The copy of a SQLite database that is kept beside it before a migration changes it.

A migration is one transaction, so one that fails leaves nothing behind. The copy is for the case
that the new program turns out unfit: the earlier one can be started on it again. It holds what the
database held, people who are erased later included. So it goes after two weeks, and erasing
somebody removes every copy at once (`remove_copies`). PostgreSQL has backups of its own.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from .database import Database

KEPT_FOR = timedelta(days=14)


def copy_before(database: Database, revision: str) -> Path | None:
    """Copy the database with `revision` as it is; None where there is nothing to copy.

    Replaces an earlier copy of the same schema. Raises OSError or sqlite3.Error, and then leaves
    no half copy behind.
    """
    if not database.is_sqlite or not revision:
        return None
    source = Path(database.url.database or "")
    path = source.with_name(f"{source.stem}-before-{revision}.db")
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    try:
        _copy(source, part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


def _copy(source: Path, part: Path) -> None:
    part.touch(mode=0o600)
    # Only for reading, so that a copy is never what makes the write-ahead log anew.
    origin = sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)
    with closing(origin), closing(sqlite3.connect(part)) as target:
        origin.backup(target)
        # One file, without a log of its own beside it.
        target.execute("PRAGMA journal_mode=DELETE")
    with part.open("rb") as file:
        os.fsync(file.fileno())


def copies(database: Database) -> list[Path]:
    """The copies that stand beside the database, and half ones that a killed migration left."""
    if not database.is_sqlite:
        return []
    source = Path(database.url.database or "")
    return sorted(source.parent.glob(f"{source.stem}-before-*"))


def remove_copies(database: Database, before: datetime | None = None) -> list[Path]:
    """Remove the copies, or only those made before that time; what was removed."""
    removed = copies(database)
    if before is not None:
        removed = [path for path in removed if path.stat().st_mtime < before.timestamp()]
    for path in removed:
        path.unlink(missing_ok=True)
    return removed
