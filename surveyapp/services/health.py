"""Health: does the database answer, and when did a worker last finish a tick."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ..store import heartbeat
from ..store.database import DatabaseUnavailableError
from .site import Site

SILENT_AFTER = timedelta(minutes=2)


@dataclass(frozen=True)
class Health:
    """`trouble` is what hindered the worker at its last tick, in words, or empty."""

    database: bool
    last_tick: datetime | None
    worker_silent: bool
    trouble: str = ""


def health(site: Site, now: datetime) -> Health:
    """The state of this installation; never raises for a database that is away."""
    try:
        with site.database.read() as session:
            beat = heartbeat.newest(session)
    except DatabaseUnavailableError:
        return Health(False, None, True)
    if beat is None:
        return Health(True, None, True)
    return Health(True, beat.at, now - beat.at > SILENT_AFTER, beat.trouble)


def beat(site: Site, worker: str, now: datetime, trouble: str = "") -> None:
    """Record that a worker is alive, and what hinders it, in words without addresses."""
    with site.database.write() as session:
        heartbeat.beat(session, worker, now, trouble)
