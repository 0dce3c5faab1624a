"""Missing: why a timepoint was not answered, as staff know it.

A reason may be known while the window is still open. It changes nothing in what is asked: whoever
should not be asked any more is stopped or paused. Where the person died, nobody need say so again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ..store import notes as store
from ..store import trail
from ..store.facts import CourseContext
from ..store.tables_reach import DIED
from ..store.windows import lock_courses
from ..study.protocol import Timepoint
from ..study.record import MISSING
from ..study.schedule import is_answered, window_of
from ..texts import day
from .enrolment import the_course
from .errors import InputError, NotFoundError, RefusedError, StaleError
from .site import Site

LONGEST_NOTE = 300


@dataclass(frozen=True)
class Reason:
    """Why a form is missing; `edition` is what a change goes on from. Empty: not known yet."""

    label: str
    reason: str
    note: str
    edition: int


def missing_reason(site: Site, code: str, number: int, timepoint: str, now: datetime) -> Reason:
    """Raises NotFoundError, RefusedError where nothing is missing."""
    with site.database.read() as session:
        context = the_course(session, site, code, number)
        point = _missing(context, timepoint, now)
        row = store.missing_form(session, context.course_id, timepoint)
        if row is None:
            died = any(stop.kind == DIED for stop in context.stops)
            return Reason(point.label, "died" if died else "", "", 0)
        return Reason(point.label, row.reason, row.note, row.edition)


def record_reason(
    site: Site,
    code: str,
    number: int,
    timepoint: str,
    new: Reason,
    *,
    actor: str,
    now: datetime,
) -> None:
    """Raises InputError, StaleError when somebody else gave another since, NotFoundError,
    RefusedError where nothing is missing."""
    with site.database.write() as session:
        context = the_course(session, site, code, number)
        lock_courses(session, [context.course_id])
        _missing(context, timepoint, now)
        row = store.missing_form(session, context.course_id, timepoint)
        before = (row.reason, row.note, row.edition) if row else ("", "", 0)
        if new.edition != before[2]:
            raise StaleError(_what_stands(before[0], before[1]), before[2])
        if new.reason not in MISSING:
            raise InputError({"reason": "Choose one of the reasons."})
        if len(new.note.strip()) > LONGEST_NOTE:
            raise InputError({"note": f"Use at most {LONGEST_NOTE} characters."})
        values = {"reason": new.reason, "note": new.note.strip()}
        if (new.reason, new.note.strip()) == before[:2]:
            return
        who = {"recorded_by": actor, "recorded_at": now}
        store.put_missing(session, context.course_id, timepoint, values | who)
        payload = {"timepoint": timepoint, **values, "before": before[0]}
        trail.append(session, context.course.chain, "reason for missing", actor, now, payload)


def _missing(context: CourseContext, timepoint: str, now: datetime) -> Timepoint:
    """Raises NotFoundError, RefusedError."""
    point = next((t for t in context.protocol.timepoints if t.id == timepoint), None)
    if point is None:
        raise NotFoundError("There is no such timepoint.")
    if is_answered(point, context.facts):
        raise RefusedError(f"{point.label} is answered: nothing is missing.")
    window = window_of(point, context.facts)
    if not context.is_over and (window is None or window.opens_at > now):
        opens = f" It opens on {day(window.opens)}." if window else ""
        raise RefusedError(f"{point.label} was not asked yet, so nothing is missing.{opens}")
    return point


def _what_stands(reason: str, note: str) -> str:
    more = f" (“{note}”)" if note else ""
    return (
        f"Somebody gave a reason since you opened this. On record now: {reason or 'none'}{more}. "
        "What you chose is still here: press the button to put it in its place."
    )
