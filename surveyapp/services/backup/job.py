"""The process that makes one backup or runs one drill: `python -m surveyapp.services.backup.job`.

Its order comes on stdin; how it ended stands in the table of runs and in the log.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from ...config import Settings
from ...logs import start_logging
from ...store import backups
from ...store.backups import BACKUP, FAILED, GOOD
from ..errors import InputError
from ..site import Site, open_site
from . import age, naming
from .archive import megabytes
from .drill import Drilled, Means, drill, look, newest
from .faults import BackupError, told
from .making import Made, beside, make
from .manifest import PURPOSE
from .workplace import workplace

NICE = 10

log = structlog.get_logger("backup")


@dataclass(frozen=True)
class Ended:
    """How a run ended, as the table keeps it."""

    outcome: str
    words: str
    file: str = ""
    size: int = 0
    sha256: str = ""
    seconds: float = 0.0


def work(site: Site, run: int, now: datetime) -> Ended:
    """Do the run of this number and write down how it ended; never raises BackupError."""
    with site.database.read() as session:
        row = backups.by_id(session, run)
        kind, actor = (row.kind, row.actor) if row else (BACKUP, "worker")
    try:
        ended = _backup(site, actor, now) if kind == BACKUP else _drill(site, now)
    except (BackupError, InputError) as error:
        ended = Ended(FAILED, str(error))
    except Exception as error:  # staff must be told, whatever it was
        ended = Ended(FAILED, f"an unexpected fault ({type(error).__name__}).")
    write_down(site, run, ended)
    say = log.info if ended.outcome == GOOD else log.error
    say("ended", kind=kind, outcome=ended.outcome, words=ended.words, seconds=ended.seconds)
    return ended


def write_down(site: Site, run: int, ended: Ended) -> None:
    with site.database.write() as session:
        row = backups.by_id(session, run)
        if row is not None:
            for name in ("outcome", "words", "file", "size", "sha256", "seconds"):
                setattr(row, name, getattr(ended, name))


def _backup(site: Site, actor: str, now: datetime) -> Ended:
    folder = site.settings.backup_dir
    if folder is None or not site.settings.backup_key:
        raise BackupError("SURVEYAPP_BACKUP_KEY is not set, so nothing can be encrypted.")
    key = age.recipient(site.settings.backup_key)
    if not folder.is_dir():
        raise BackupError(f"The folder {folder} is not there. Is its disk mounted?")
    made = make(site, folder / naming.name_of(now), key, actor=actor, now=now)
    ended = _told(made)
    return replace(ended, words=ended.words + _prune(site, folder, made))


def _told(made: Made) -> Ended:
    events = f"{made.manifest.events:,} events"
    fault = made.manifest.fault
    words = f"The trail is broken: {fault}." if fault else f"Read back whole; {events}."
    outcome = (GOOD, words, made.path.name, made.size, made.sha256, made.seconds)
    return Ended(*outcome)


def _prune(site: Site, folder: Path, made: Made) -> str:
    """Delete what is not kept any more, and parts that broken runs left; says so."""
    with site.database.read() as session:
        # One that was killed at its very end has left a whole file.
        broken = {naming.name_of(at) for at in backups.failed_at(session)}
        ours = backups.files(session) | {made.path.name} | broken
    try:
        gone = naming.to_delete(naming.backups(folder), ours)
        for path in (*gone, *(beside(folder / name) for name in broken)):
            path.unlink(missing_ok=True)
    except OSError as error:
        return f" Older ones could not be deleted: {error.strerror}."
    return f" {len(gone)} older deleted." if gone else ""


def _drill(site: Site, now: datetime) -> Ended:
    folder = site.settings.backup_dir
    if folder is None:
        raise BackupError("SURVEYAPP_BACKUP_DIR is not set, so there is nothing to try.")
    path = newest(folder)
    drilled = _try(site, path) if site.settings.drill_identity else _look(site, path, now)
    size = path.stat().st_size
    words = f"{path.name} ({megabytes(size)}) {drilled.words}"
    return Ended(GOOD, words, path.name, size, "", drilled.seconds)


def _try(site: Site, path: Path) -> Drilled:
    means = Means(site.settings.drill_identity, site.keys.derive(PURPOSE), site.database)
    with workplace(site.settings.data_dir) as folder:
        return drill(path, means, folder)


def _look(site: Site, path: Path, now: datetime) -> Drilled:
    with site.database.read() as session:
        sha256 = backups.sha256_of(session, path.name)
    if not sha256:
        raise BackupError(f"{path.name} is not one that was made here, so it cannot be compared.")
    with told("looking at the backup", path):
        return look(path, sha256, now)


def main() -> None:
    order: dict[str, Any] = json.load(sys.stdin)
    os.nice(NICE)
    start_logging()
    # Closing the last connection would reset the write-ahead log: the worker alone does that.
    site = open_site(Settings(**order["settings"]), checkpoints=False)
    try:
        work(site, int(order["run"]), datetime.fromisoformat(order["now"]))
    finally:
        site.database.close()


if __name__ == "__main__":
    main()
