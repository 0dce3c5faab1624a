"""Making a backup while everything runs: one moment of the database, files, a manifest, one file.

The file appears under its name when all of it is on the disk, and not before.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO

from ...store import postgresql, trail
from ...store.copying import Facts, copy_sqlite, damage, facts_of
from ...store.database import Database
from ..site import Site
from . import age
from .archive import packed
from .faults import BackupError, UnfitError, told
from .manifest import (
    DATABASE,
    KEPT_FOLDERS,
    POSTGRESQL,
    PRODUCT,
    PURPOSE,
    SQLITE,
    Manifest,
    Member,
    is_kept,
    seal,
    to_bytes,
)
from .workplace import workplace


@dataclass(frozen=True)
class Made:
    """A backup that is whole on the disk; `size` in bytes."""

    path: Path
    manifest: Manifest
    size: int
    sha256: str
    seconds: float


def make(site: Site, path: Path, key: Any, *, actor: str, now: datetime) -> Made:
    """Write a backup to `path`, encrypted to `key` (None: not at all).

    Raises UnfitError, or BackupError; then nothing was written.
    """
    began = time.monotonic()
    _may_be_there(path)
    with workplace(site.settings.data_dir) as folder:
        facts, files = _gather(site, folder)
        manifest = _manifest(site, facts, [member for member, _ in files], now)
        body = to_bytes(manifest)
        parts = packed(body, seal(body, site.keys.derive(PURPOSE)), files, now)
        size, sha256 = _write(parts, path, key)
    made = Made(path, manifest, size, sha256, time.monotonic() - began)
    _remember(site, made, actor, now)
    return made


def _may_be_there(path: Path) -> None:
    if path.exists():
        raise UnfitError(f"{path} is there already: a backup is never written over.")
    if not path.parent.is_dir():
        raise UnfitError(f"There is no folder {path.parent} to write the backup to.")


def _gather(site: Site, folder: Path) -> tuple[Facts, list[tuple[Member, Path]]]:
    """What goes in, as files that nobody changes any more."""
    database = folder / DATABASE
    with told("copying the database", database):
        facts = _copy(site.database, database)
    found = [("", database), *_kept(site.settings.data_dir, folder)]
    with told("reading what was copied", folder):
        return facts, [
            (_member(number, relative, path), path) for number, (relative, path) in enumerate(found)
        ]


def _copy(database: Database, path: Path) -> Facts:
    if not database.is_sqlite:
        return postgresql.dump(database, path)
    copy_sqlite(database, path)
    copied = Database(f"sqlite:///{path}")
    try:
        if fault := damage(copied):
            raise BackupError(f"The database is damaged, so it was not backed up: {fault}.")
        with copied.read() as session:
            return facts_of(session)
    finally:
        copied.close()


def _kept(data_dir: Path, folder: Path) -> Iterator[tuple[str, Path]]:
    """Copies of the files of the data folder that belong to a backup, by their path in it."""
    number = 0
    for name in KEPT_FOLDERS:
        for path in sorted((data_dir / name).rglob("*")):
            relative = path.relative_to(data_dir).as_posix()
            if path.is_symlink() or not path.is_file() or not is_kept(relative):
                continue
            number += 1
            with told("copying files of the data folder", path):
                yield relative, Path(shutil.copyfile(path, folder / f"file-{number:04d}"))


def _member(number: int, relative: str, path: Path) -> Member:
    name = f"file-{number:04d}" if relative else DATABASE
    return Member(name, path.stat().st_size, digest_of(path), relative)


def digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _manifest(site: Site, facts: Facts, members: Sequence[Member], now: datetime) -> Manifest:
    return Manifest(
        version=version(PRODUCT),
        made_at=now,
        database=SQLITE if site.database.is_sqlite else POSTGRESQL,
        schema=facts.schema,
        mark=facts.mark,
        counts=facts.counts,
        events=facts.trail.events,
        chains=facts.trail.chains,
        head=facts.trail.head,
        fault=facts.trail.fault or "",
        contact_keys=facts.contact_keys,
        members=tuple(members),
    )


def _write(parts: Iterator[bytes], path: Path, key: Any) -> tuple[int, str]:
    """Whole or not at all: beside its place first, then under its name."""
    part = beside(path)
    with told("writing the backup", path):
        try:
            with _fresh(part) as file:
                _pour(parts, file, key)
                file.flush()
                os.fsync(file.fileno())
                size = file.tell()
                _forget_what_was_cached(file)
            digest = digest_of(part)
            part.rename(path)
            sync_folder(path.parent)
        finally:
            part.unlink(missing_ok=True)
    return size, digest


def beside(path: Path) -> Path:
    """Where a backup grows until it is whole."""
    return path.with_name(f".{path.name}.part")


def _fresh(path: Path) -> BinaryIO:
    path.unlink(missing_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _pour(parts: Iterator[bytes], file: BinaryIO, key: Any) -> None:
    if key is not None:
        age.encrypt(parts, file, key)
        return
    for part in parts:
        file.write(part)


def _forget_what_was_cached(file: BinaryIO) -> None:
    """So that reading it again reads the disk."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def sync_folder(folder: Path) -> None:
    """A name that was given stays given after a power cut."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _remember(site: Site, made: Made, actor: str, now: datetime) -> None:
    payload: dict[str, object] = {
        "file": made.path.name,
        "size": made.size,
        "sha256": made.sha256,
        "events": made.manifest.events,
        "head": made.manifest.head,
    }
    try:
        with told("writing down that it was made", made.path), site.database.write() as session:
            trail.append(session, trail.SYSTEM, "backup made", actor, now, payload)
    except BackupError:
        made.path.unlink(missing_ok=True)
        raise
