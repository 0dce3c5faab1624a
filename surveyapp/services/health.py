"""Health: does the database answer, and when did a worker last finish a tick."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ..store import heartbeat
from ..store.database import DatabaseUnavailableError
from ..texts import moment
from .site import Site

SILENT_AFTER = timedelta(minutes=2)
SLACK = timedelta(minutes=1)


@dataclass(frozen=True)
class Health:
    """`trouble` is what hindered the worker at its last tick, `held` why somebody or something
    holds all messages, both in words or empty."""

    database: bool
    last_tick: datetime | None
    worker_silent: bool
    trouble: str = ""
    held: str = ""

    @property
    def not_sending(self) -> str:
        """Why prompts are not being sent, as a sentence's end; empty while they are."""
        if self.held:
            return f"they are held, because {self.held}"
        if self.last_tick is None:
            return "no worker has run yet"
        return f"no worker since {moment(self.last_tick)} UTC" if self.worker_silent else ""


def health(site: Site, now: datetime) -> Health:
    """The state of this installation; never raises for a database that is away."""
    try:
        with site.database.read() as session:
            # A worker whose clock was wrong may have left one from the future.
            beat, row = heartbeat.state(session, now + SLACK)
            held = row.why if row is not None and row.held else ""
    except DatabaseUnavailableError:
        return Health(False, None, True)
    if beat is None:
        return Health(True, None, True, held=held)
    return Health(True, beat.at, now - beat.at > SILENT_AFTER, beat.trouble, held)


def beat(site: Site, worker: str, now: datetime, trouble: str = "") -> None:
    """Record that a worker is alive, and what hinders it, in words without addresses."""
    with site.database.write() as session:
        heartbeat.beat(session, worker, now, trouble)
