"""Attendance: who took part in a session of a retreat's programme.

A form shows everybody as on record when it was opened, with its `edition`; of two people who write
down the same session the second is told where the first differs. Somebody who has left or died may
still have attended what was held before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ..store import programme as store
from ..store import trail
from ..store.database import Session
from ..store.facts import CourseContext, read_retreat
from ..store.tables_group import ATTENDANCE, Attendance
from ..store.windows import lock_courses
from .enrolment import the_retreat
from .errors import InputError, NotFoundError, RefusedError, StaleError
from .programme import Programme, SessionLine, programme
from .site import Site

LONGEST_NOTE = 300
NOT_RECORDED = ""
WORDS = {"attended": "there", "partly": "part of it", "absent": "not there"}


@dataclass(frozen=True)
class Attended:
    """One person: a word of ATTENDANCE or "" (not recorded), and a note."""

    status: str = NOT_RECORDED
    note: str = ""


@dataclass(frozen=True)
class AttendanceSheet:
    """One session with everybody, by study code and course number."""

    programme: Programme
    session: SessionLine
    people: Mapping[tuple[str, int], Attended]
    edition: int


def attendance_sheet(site: Site, retreat_id: int, name: str) -> AttendanceSheet:
    """Raises NotFoundError, RefusedError for a session that is not held."""
    held = programme(site, retreat_id)
    line = next((line for line in held.sessions if line.id == name), None)
    if line is None:
        raise NotFoundError("There is no such session in this retreat.")
    if line.dropped:
        raise RefusedError(f"{line.label} is not held. Its programme can take it up again.")
    with site.database.read() as session:
        contexts = read_retreat(session, site.library, retreat_id).contexts
        rows = store.attendance(session, [c.course_id for c in contexts], name)
        people = {_who(c): _attended(rows.get(c.course_id)) for c in contexts}
        return AttendanceSheet(held, line, people, _edition(rows))


def record_attendance(
    site: Site,
    retreat_id: int,
    name: str,
    typed: Mapping[tuple[str, int], Attended],
    edition: int,
    *,
    actor: str,
    now: datetime,
) -> int:
    """Write down who took part, all or none; for how many it changed. What is set to "" is taken
    off the record again. Problems are named by study code.

    Raises InputError, StaleError, NotFoundError, RefusedError.
    """
    line = attendance_sheet(site, retreat_id, name).session
    with site.database.write() as session:
        contexts = read_retreat(session, site.library, retreat_id).contexts
        the_retreat(session, retreat_id)
        lock_courses(session, [context.course_id for context in contexts])
        rows = store.attendance(session, [c.course_id for c in contexts], name)
        changes = _changes(contexts, rows, typed)
        if edition != _edition(rows):
            raise StaleError(_what_stands(changes, rows), _edition(rows))
        _judge(line, changes, now)
        for context, new in changes:
            _write(session, context, line, rows.get(context.course_id), new, actor, now)
        return len(changes)


def _who(context: CourseContext) -> tuple[str, int]:
    return context.participant.code, context.course.number


def _attended(row: Attendance | None) -> Attended:
    return Attended(row.status, row.note) if row else Attended()


def _edition(rows: Mapping[int, Attendance]) -> int:
    return sum(row.edition for row in rows.values())


def _changes(
    contexts: Sequence[CourseContext],
    rows: Mapping[int, Attendance],
    typed: Mapping[tuple[str, int], Attended],
) -> list[tuple[CourseContext, Attended]]:
    """What differs from what stands; nobody who was not on the form."""
    found: list[tuple[CourseContext, Attended]] = []
    for context in contexts:
        new = typed.get(_who(context))
        if new is not None and new != _attended(rows.get(context.course_id)):
            found.append((context, new))
    return found


def _what_stands(
    changes: Sequence[tuple[CourseContext, Attended]], rows: Mapping[int, Attendance]
) -> str:
    told = [
        f"{context.participant.code}: {words(_attended(rows.get(context.course_id)))} "
        f"(you typed {words(new)})"
        for context, new in changes
    ]
    return (
        "Somebody wrote this session down since you opened it. On record now, where it differs "
        f"from yours: {'; '.join(told) or 'nothing'}. What you typed is still here: take over what "
        "is right, and press the button to put this in its place."
    )


def words(attended: Attended) -> str:
    """there; not there (“ill”); not recorded"""
    word = WORDS.get(attended.status, "not recorded")
    return f"{word} (“{attended.note}”)" if attended.note else word


def _judge(
    line: SessionLine, changes: Sequence[tuple[CourseContext, Attended]], now: datetime
) -> None:
    """Raises InputError."""
    problems: dict[str, str] = {}
    for context, new in changes:
        code = context.participant.code
        today = now.astimezone(context.zone).date()
        if new.status and new.status not in ATTENDANCE:
            problems[code] = "Choose one of the words."
        elif new.status in ("attended", "partly") and (line.on is None or line.on > today):
            problems[""] = "Nobody can have been there yet: this session has not been held."
        elif new.note and not new.status:
            problems[code] = "Say whether the person was there, or empty the note."
        elif len(new.note) > LONGEST_NOTE:
            problems[code] = f"Use at most {LONGEST_NOTE} characters."
    if problems:
        raise InputError(problems)


def _write(
    session: Session,
    context: CourseContext,
    line: SessionLine,
    row: Attendance | None,
    new: Attended,
    actor: str,
    now: datetime,
) -> None:
    before = words(_attended(row))
    store.put_attendance(
        session,
        context.course_id,
        line.id,
        {"status": new.status, "note": new.note, "recorded_by": actor, "recorded_at": now},
    )
    payload = {"session": line.label, "attendance": words(new), "before": before}
    trail.append(session, context.course.chain, "attendance recorded", actor, now, payload)
