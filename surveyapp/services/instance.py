"""The installation: is this the database that this data folder worked with, and may it send?

A worker keeps a mark and the time of its last beat in the data folder, after it wrote both to the
database. At its start it compares them. A database that carries another mark, that is older than
what the folder saw, or whose worker was silent for days, may be a restored copy that does not know
what was sent meanwhile; a clock that disagrees would send at wrong times. Either way sending is
held, Today says so, and it resumes when somebody has confirmed what happened, with a reason.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from ..store import heartbeat, instance, trail
from ..store.database import Session
from . import prompting
from .errors import InputError
from .site import Site

FILE = "instance.json"
SLACK = timedelta(seconds=1)
BACKWARDS = timedelta(minutes=10)
TOO_LONG = timedelta(days=3)
LONGEST_REASON = 300
ACTOR = "worker"
RESTORED, CLOCK, BY_HAND = "restored", "clock", "by hand"
OTHER_FOLDER = "this database was last used with another data folder"
OTHER_DATABASE = "this data folder was last used with another database"
OLDER = "the database is older than what was last sent from here: it may be a restored backup"

log = structlog.get_logger("instance")


@dataclass(frozen=True)
class Held:
    """Why nothing is sent, in words, and since when; `due` courses have something waiting."""

    kind: str
    why: str
    since: datetime | None
    due: int = 0


@dataclass(frozen=True)
class _Kept:
    """What the data folder remembers."""

    mark: str
    beat: datetime | None


def at_start(site: Site, now: datetime) -> Held | None:
    """Compare database, data folder and clock, before anything is sent; why sending is held."""
    with site.database.write() as session:
        instance.alone(session)
        row = instance.instance(session)
        kept = _read(site)
        if row is None:
            row = instance.make(session)
            doubt = (RESTORED, OTHER_DATABASE) if kept else None
        else:
            doubt = _doubt(session, row.mark, kept, now)
        if doubt and not row.held:
            row.held, row.why, row.since = *doubt, now
            payload: dict[str, object] = {"kind": row.held, "why": row.why}
            trail.append(session, trail.SYSTEM, "sending held", ACTOR, now, payload)
        session.flush()
        if not row.held:
            _write(site, _Kept(row.mark, kept.beat if kept else None))
        return Held(row.held, row.why, row.since) if row.held else None


def _doubt(
    session: Session, mark: str, kept: _Kept | None, now: datetime
) -> tuple[str, str] | None:
    """Kind and reason to hold, or None."""
    if kept is None:
        return RESTORED, OTHER_FOLDER
    if kept.mark != mark:
        return RESTORED, OTHER_DATABASE
    beat = heartbeat.newest(session)
    if kept.beat is not None and (beat is None or beat.at < kept.beat - SLACK):
        return RESTORED, OLDER
    if beat is None:
        return None
    if beat.at > now + BACKWARDS:
        return CLOCK, f"the clock is {_span(beat.at - now)} behind the worker's last sign of life"
    if now - beat.at > TOO_LONG:
        return RESTORED, f"the worker was silent for {_span(now - beat.at)}"
    return None


def remember(site: Site, at: datetime) -> None:
    """Keep in the data folder that a beat of this time is in the database."""
    with site.database.read() as session:
        row = instance.instance(session)
        # Held, the folder must go on remembering what the doubt came from.
        if row is None or row.held:
            return
    _write(site, _Kept(row.mark, at))


def held(site: Site, now: datetime | None = None) -> Held | None:
    """Why nothing is sent, None when messages go; counts what waits when `now` is given."""
    with site.database.read() as session:
        row = instance.instance(session)
        if row is None or not row.held:
            return None
        due = len(instance.due_courses(session, now)) if now else 0
        return Held(row.held, row.why, row.since, due)


def hold(site: Site, kind: str, why: str, *, actor: str, now: datetime) -> bool:
    """Send nothing until somebody resumes; False if it was held already, for its own reason.

    Raises InputError without a reason.
    """
    _must_say_why(why)
    with site.database.write() as session:
        row = instance.instance(session) or instance.make(session)
        if row.held:
            return False
        row.held, row.why, row.since = kind, " ".join(why.split()), now
        payload: dict[str, object] = {"kind": kind, "why": row.why}
        trail.append(session, trail.SYSTEM, "sending held", actor, now, payload)
        return True


def hold_restored(site: Site, why: str, *, actor: str, now: datetime) -> None:
    """Hold a restored copy, also one that was held when it was made: nobody has confirmed what
    happened after that. It gets a mark of its own, because the original may still be at work."""
    with site.database.write() as session:
        row = instance.instance(session) or instance.make(session)
        before = f"; before that messages were held because {row.why}" if row.held else ""
        row.held, row.why, row.since = RESTORED, why + before, now
        row.mark = instance.new_mark()
        payload: dict[str, object] = {"kind": row.held, "why": row.why}
        trail.append(session, trail.SYSTEM, "sending held", actor, now, payload)


def resume(site: Site, why: str, *, skip_due: bool, actor: str, now: datetime) -> None:
    """Let messages go again; with `skip_due` nothing that is due by now, or later today where it
    would go along with that, goes any more.

    Raises InputError without a reason.
    """
    _must_say_why(why)
    with site.database.write() as session:
        row = instance.instance(session) or instance.make(session)
        payload: dict[str, object] = {"was": row.why, "reason": why, "skip_due": skip_due}
        row.held, row.why, row.since = "", "", None
        if skip_due:
            ids = instance.courses_beside(session, instance.due_courses(session, now))
            prompting.skip_until_tonight(session, site, ids, now)
            payload["courses"] = len(ids)
        trail.append(session, trail.SYSTEM, "sending resumed", actor, now, payload)


def release_clock(site: Site, now: datetime) -> None:
    """The clock came back by itself; other reasons to hold stay."""
    with site.database.write() as session:
        row = instance.instance(session)
        if row is not None and row.held == CLOCK:
            row.held, row.why, row.since = "", "", None
            trail.append(session, trail.SYSTEM, "sending resumed", ACTOR, now, {"clock": "back"})


def _must_say_why(why: str) -> None:
    if not why.strip():
        raise InputError({"reason": "Say why, in a few words."})
    if len(why) > LONGEST_REASON:
        raise InputError({"reason": f"Use at most {LONGEST_REASON} characters."})


def span_words(drift: timedelta) -> str:
    """jumped 1 hour ahead, jumped 366 days back"""
    return f"jumped {_span(abs(drift))} {'ahead' if drift > timedelta(0) else 'back'}"


def _span(length: timedelta) -> str:
    """A length in its largest unit: 366 days, 1 hour, 25 minutes."""
    minutes = round(length.total_seconds() / 60)
    for unit, size in (("day", 1440), ("hour", 60), ("minute", 1)):
        if minutes >= size:
            count = round(minutes / size)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "a moment"


def _path(site: Site) -> Path:
    return site.settings.data_dir / FILE


def _read(site: Site) -> _Kept | None:
    try:
        found = json.loads(_path(site).read_text())
        beat = found.get("beat")
        return _Kept(str(found["mark"]), datetime.fromisoformat(beat) if beat else None)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, AttributeError):
        return _Kept("", None)


def _write(site: Site, kept: _Kept) -> None:
    """All or nothing, so that a crash leaves the file as it was."""
    path = _path(site)
    beat = kept.beat.isoformat() if kept.beat else None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(f".{os.getpid()}.new")
        fresh.write_text(json.dumps({"mark": kept.mark, "beat": beat}))
        fresh.replace(path)
    except OSError as error:
        log.warning("the data folder cannot be written", reason=error.strerror)
