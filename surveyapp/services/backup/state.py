"""How backups stand: the last good one, the last fault, and what staff are told."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ...store import backups
from ...store.backups import BACKUP, DRILL, FAILED, GOOD, RUNNING, BackupRun
from ...store.database import Session
from ...texts import moment
from ..readmodels import Need, Place
from ..rights import Rights
from ..site import Site
from .workplace import is_busy

SHOWN = 20
STARTING = timedelta(minutes=2)
"""After which a run's process must be at work."""
LONGEST = timedelta(hours=6)
"""After which another machine's run is taken to have broken off."""
TELL = "Tell whoever runs the system."
LATE_AFTER = 2
"""Intervals after which the newest good backup is too old."""


@dataclass(frozen=True)
class State:
    """`folder` and `key` as they are set; `runs` newest first."""

    folder: str
    key: str
    hours: int
    identity: bool
    running: bool
    good: BackupRun | None
    last: BackupRun | None
    drill: BackupRun | None
    runs: Sequence[BackupRun]
    fault: str

    @property
    def missing(self) -> Sequence[str]:
        """Settings without which none is made."""
        named = {"SURVEYAPP_BACKUP_DIR": self.folder, "SURVEYAPP_BACKUP_KEY": self.key}
        return [name for name, value in named.items() if not value]


def state(site: Site, now: datetime) -> State:
    settings, busy = site.settings, is_busy(site.settings.data_dir)
    with site.database.read() as session:
        last = backups.newest(session, BACKUP)
        begun = last if last is not None and last.outcome == RUNNING else None
        host = socket.gethostname()
        return State(
            folder=str(settings.backup_dir or ""),
            key=settings.backup_key,
            hours=settings.backup_hours,
            identity=settings.drill_identity is not None,
            running=busy or (begun is not None and not broke_off(begun, busy, host, now)),
            good=backups.newest(session, BACKUP, GOOD),
            last=last,
            drill=backups.newest(session, DRILL),
            runs=backups.recent(session, SHOWN),
            fault=fault(session, site, now),
        )


def fault(session: Session, site: Site, now: datetime) -> str:
    """Why somebody must look at the backups, in a sentence; empty when nobody need."""
    if site.settings.backup_dir is None:
        return ""
    runs = backups.newest_of_each(session)
    good, failed = runs.get((BACKUP, GOOD)), runs.get((BACKUP, FAILED))
    if failed and (good is None or failed.started_at > good.started_at):
        return f"The last backup, of {moment(failed.started_at)} UTC, failed: {failed.words}"
    late = timedelta(hours=LATE_AFTER * site.settings.backup_hours)
    if good is not None and now - good.started_at > late:
        return f"The newest good backup is of {moment(good.started_at)} UTC: that is too old."
    broken, drilled = runs.get((DRILL, FAILED)), runs.get((DRILL, GOOD))
    if broken and (drilled is None or broken.started_at > drilled.started_at):
        return f"The last drill, of {moment(broken.started_at)} UTC, failed: {broken.words}"
    return ""


def word(site: Site, now: datetime) -> str:
    """One word for a machine that watches: off, ok or failing."""
    if site.settings.backup_dir is None:
        return "off"
    return "failing" if trouble(site, now) else "ok"


def needs(session: Session, site: Site, now: datetime, rights: Rights) -> list[Need]:
    """The line of Today about backups, if there is one to say; it leads on who may see the page."""
    found = fault(session, site, now)
    if not found:
        return []
    if rights.may("admin") and rights.retreats is None:
        return [Need("Backups", found, "See the backups", Place("backups", {}))]
    return [Need("Backups", f"{found} {TELL}")]


def trouble(site: Site, now: datetime) -> str:
    """`fault` for a page that has no session of its own."""
    with site.database.read() as session:
        return fault(session, site, now)


def broke_off(run: BackupRun, busy: bool, host: str, now: datetime) -> bool:
    """Whether a run that says it is under way is not: nobody works on it any more."""
    patience = STARTING if run.host == host and not busy else LONGEST
    return abs(now - run.started_at) > patience
