"""When a backup or a drill is due. Each runs in a process of its own (`backup.job`), at low
priority, so that no message waits for it; killed at any moment, it leaves no half backup, is told
as broken off, and is tried again after an hour.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from ...delivery.email import Mailer
from ...store import backups
from ...store.backups import BACKUP, DRILL, FAILED, GOOD, RUNNING, BackupRun
from ...store.database import Session
from ..errors import InputError
from ..site import Site
from .state import broke_off
from .workplace import is_busy

ACTOR = "worker"
AGAIN = timedelta(hours=1)
SLACK = timedelta(minutes=5)
"""A clock that was set back a little must not make another backup due."""
NIGHT = range(1, 5)
"""Hours of a night (UTC) in which the drill begins."""
BROKE_OFF = "it broke off: its process ended before it was done. Is there memory and room enough?"

log = structlog.get_logger("backup")


def look_after_backups(site: Site, mailer: Mailer, now: datetime) -> None:
    """The worker's duty: begin what is due, a backup before a drill."""
    del mailer
    if site.settings.backup_dir is None or is_busy(site.settings.data_dir):
        return
    for kind, due in DUE.items():
        run = _begin_if(site, kind, due, ACTOR, now)
        if run is not None:
            spawn(site, run, now)
            return


def start_now(site: Site, *, actor: str, now: datetime) -> bool:
    """Begin a backup because somebody asks; False when one is under way.

    Raises InputError when the settings for it are missing.
    """
    if site.settings.backup_dir is None or not site.settings.backup_key:
        problem = "Set SURVEYAPP_BACKUP_DIR and SURVEYAPP_BACKUP_KEY first, then start anew."
        raise InputError({"": problem})
    if is_busy(site.settings.data_dir):
        return False
    run = _begin_if(site, BACKUP, lambda _session, _site, _now: True, actor, now)
    if run is None:
        return False
    spawn(site, run, now)
    return True


Due = Callable[[Session, Site, datetime], bool]


def _begin_if(site: Site, kind: str, due: Due, actor: str, now: datetime) -> int | None:
    """Write down that one begins, if it is due and nobody else does it; its number."""
    host = socket.gethostname()
    with site.database.read() as session:
        last = backups.newest(session, kind)
        if not (due(session, site, now) or (last and last.outcome == RUNNING)):
            return None
    with site.database.write() as session:
        backups.alone(session)
        if _is_under_way(session, site, kind, host, now) or not due(session, site, now):
            return None
        return backups.begin(session, kind, actor, host, now).id


def _is_under_way(session: Session, site: Site, kind: str, host: str, now: datetime) -> bool:
    """Whether one is; what broke off is written down as such."""
    under_way = False
    for run in backups.running(session, kind):
        if broke_off(run, is_busy(site.settings.data_dir), host, now):
            run.outcome, run.words = FAILED, BROKE_OFF
            log.error("broke off", kind=kind)
        else:
            under_way = True
    session.flush()
    return under_way


def _backup_due(session: Session, site: Site, now: datetime) -> bool:
    last = backups.newest(session, BACKUP)
    if last is None:
        return True
    every = timedelta(hours=site.settings.backup_hours)
    return _is_past(last, AGAIN if last.outcome != GOOD else every, now)


def _drill_due(session: Session, _site: Site, now: datetime) -> bool:
    """Once a night, if there is anything to try."""
    if now.hour not in NIGHT or backups.newest(session, BACKUP, GOOD) is None:
        return False
    last = backups.newest(session, DRILL)
    if last is None:
        return True
    if last.outcome != GOOD:
        return _is_past(last, AGAIN, now)
    return last.started_at.date() != now.date()


def _is_past(last: BackupRun, span: timedelta, now: datetime) -> bool:
    return now - last.started_at >= span or last.started_at - now > SLACK


DUE: dict[str, Due] = {BACKUP: _backup_due, DRILL: _drill_due}


def spawn(site: Site, run: int, now: datetime) -> subprocess.Popen[bytes]:
    """The process that does it. Its order holds keys, and so goes through a pipe; it outlives
    this one."""
    url = site.database.url.render_as_string(hide_password=False)
    settings = site.settings.model_copy(update={"database_url": url})
    order = {
        "settings": settings.model_dump(mode="json"),
        "run": run,
        "now": now.isoformat(),
    }
    made = subprocess.Popen(
        [sys.executable, "-m", "surveyapp.services.backup.job"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        env=os.environ,
    )
    if made.stdin:
        with made.stdin as pipe:
            pipe.write(json.dumps(order).encode())
    threading.Thread(target=made.wait, daemon=True).start()
    return made
