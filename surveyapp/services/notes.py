"""Notes: what staff write down in a course, and the person's own intention for it.

A note is never changed: it is withdrawn, with a reason, and stays in the store and in the trail. Of
intentions the newest counts; the page that writes one names the one it was opened with, so that two
people do not replace each other's unread.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from ..store import notes as store
from ..store import trail
from ..store.facts import CourseContext
from ..store.tables_group import INTENTION, NOTE, Note
from ..store.windows import lock_courses
from ..texts import day
from .dates import year_fault
from .enrolment import the_course
from .errors import InputError, NotFoundError, StaleError
from .site import Site

LONGEST_NOTE, LONGEST_INTENTION, LONGEST_WHY = 2000, 500, 300


@dataclass(frozen=True)
class Intention:
    """The person's own words; `edition` is its id, 0 while there is none."""

    text: str
    edition: int


def add_note(
    site: Site, code: str, number: int, text: str, on: date | None, *, actor: str, now: datetime
) -> None:
    """Raises InputError by field, NotFoundError."""
    with site.database.write() as session:
        context = the_course(session, site, code, number)
        lock_courses(session, [context.course_id])
        text = text.strip()
        problems = _day_problem(context, on, now)
        if not 0 < len(text) <= LONGEST_NOTE:
            problems["text"] = f"Write a note of at most {LONGEST_NOTE} characters."
        if problems or on is None:
            raise InputError(problems)
        note = Note(
            course_id=context.course_id,
            kind=NOTE,
            text=text,
            on_day=on,
            recorded_by=actor,
            recorded_at=now,
        )
        store.add_note(session, note)
        payload = {"text": text, "day": on.isoformat()}
        trail.append(session, context.course.chain, "note written", actor, now, payload)


def _day_problem(context: CourseContext, on: date | None, now: datetime) -> dict[str, str]:
    if on is None:
        return {"on": "Write the day that the note is about."}
    today = now.astimezone(context.zone).date()
    if on > today:
        return {"on": f"This day has not come: it is {day(today)}."}
    fault = year_fault(on, today)
    return {"on": fault} if fault else {}


def withdraw_note(
    site: Site, code: str, number: int, note_id: int, why: str, *, actor: str, now: datetime
) -> None:
    """Raises InputError, NotFoundError."""
    with site.database.write() as session:
        context = the_course(session, site, code, number)
        lock_courses(session, [context.course_id])
        note = store.note_by_id(session, context.course_id, note_id)
        if note is None or note.withdrawn_at is not None:
            raise NotFoundError("There is no such note any more.")
        if not 0 < len(why.strip()) <= LONGEST_WHY:
            raise InputError({"reason": f"Say why, in at most {LONGEST_WHY} characters."})
        note.withdrawn_at, note.withdrawn_by, note.withdrawn_why = now, actor, why.strip()
        payload = {"text": note.text, "why": why.strip()}
        trail.append(session, context.course.chain, "note withdrawn", actor, now, payload)


def note_text(site: Site, code: str, number: int, note_id: int) -> str:
    """Raises NotFoundError."""
    with site.database.read() as session:
        context = the_course(session, site, code, number)
        note = store.note_by_id(session, context.course_id, note_id)
        if note is None or note.withdrawn_at is not None:
            raise NotFoundError("There is no such note any more.")
        return note.text


def intention(site: Site, code: str, number: int) -> Intention:
    """Raises NotFoundError."""
    with site.database.read() as session:
        context = the_course(session, site, code, number)
        found = store.intention(session, context.course_id)
        return Intention(found.text, found.id) if found else Intention("", 0)


def set_intention(
    site: Site, code: str, number: int, text: str, edition: int, *, actor: str, now: datetime
) -> bool:
    """Write down the person's intention in their own words; whether that changed anything. An
    empty text takes it off the record.

    Raises InputError, StaleError when somebody else wrote another meanwhile, NotFoundError.
    """
    with site.database.write() as session:
        context = the_course(session, site, code, number)
        lock_courses(session, [context.course_id])
        known, text = store.intention(session, context.course_id), text.strip()
        standing = known.id if known else 0
        if edition != standing:
            raise StaleError(_what_stands(known), standing)
        if len(text) > LONGEST_INTENTION:
            raise InputError({"text": f"Use at most {LONGEST_INTENTION} characters."})
        if text == (known.text if known else ""):
            return False
        if known is not None:
            known.withdrawn_at, known.withdrawn_by, known.withdrawn_why = now, actor, "replaced"
        if text:
            today = now.astimezone(context.zone).date()
            note = Note(
                course_id=context.course_id,
                kind=INTENTION,
                text=text,
                on_day=today,
                recorded_by=actor,
                recorded_at=now,
            )
            store.add_note(session, note)
        payload = {"text": text, "before": known.text if known else ""}
        trail.append(session, context.course.chain, "intention written", actor, now, payload)
        return True


def _what_stands(known: Note | None) -> str:
    stands = f"“{known.text}”" if known else "none"
    return (
        f"Somebody wrote another intention since you opened this. On record now: {stands}. What "
        "you typed is still here: press the button to put it in its place."
    )
