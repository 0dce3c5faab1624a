"""Stopping: pauses, the end of messages, of treatment or of taking part, death; and quiet hours.

Each is one act, in force at once: the worker judges a claimed message again just before it is
handed over, so only what the mail server already has cannot be called back. A pause, the end of
messages and a death hold for the person, the rest for one course. Nothing is deleted by any of
them, and each can be undone with a reason. What a person does from a message (`from_message`) only
ends or pauses messages; staff see it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal

from .. import texts
from ..store import roster, stops
from ..store.database import Session
from ..store.facts import CourseContext, course_contexts
from ..store.tables_reach import DIED, LEFT, LOST, MESSAGES, PAUSED, STOPS, TREATMENT, Stop
from ..store.windows import lock_courses, refresh_windows
from ..study.protocol import EARLIEST, LATEST
from ..study.schedule import is_quiet, windows
from . import erasing
from .dates import year_fault
from .dosing import in_hand
from .enrolment import append_all, the_course, the_person
from .errors import InputError, NotFoundError
from .phonepages import Lines
from .site import Site
from .visits import context_of_token, lines_of, link_of

Wanted = Literal["week", "month", "stop", "again"]

FOR_THE_PERSON = (PAUSED, MESSAGES, DIED)
SAYS_WHY = (TREATMENT, LEFT, LOST)
PERSON = "participant"
LONGEST_PAUSE = timedelta(days=366)
LONGEST_REASON = 300
LEAST_OPEN = 60
ELSEWHERE = "They are in another course that goes on, and are written to there. Untick this."
PAUSES: dict[str, int] = {"week": 7, "month": 30}
NOT_UNDERSTOOD = texts.marked("Please choose one of the buttons.")


@dataclass(frozen=True)
class NewStop:
    """One stop as typed; `since` is today when empty, `until` belongs to a pause alone. With
    `drop_contacts` the contact details of who left or died go with it."""

    kind: str
    since: date | None = None
    until: date | None = None
    reason: str = ""
    drop_contacts: bool = False


@dataclass(frozen=True)
class Messages:
    """What a person may choose about messages, in their language; nothing once it is `over`: they
    left, or are lost to follow-up, and only staff can change that."""

    language: str
    lines: Lines
    notice: str
    paused_until: date | None
    stopped: bool
    over: bool


def record_stop(
    site: Site, code: str, number: int, wish: NewStop, *, actor: str, now: datetime
) -> int:
    """Record it; how many messages were being handed over at that moment.

    Raises InputError by field, NotFoundError.
    """
    dropped = wish.drop_contacts and wish.kind in (LEFT, DIED)
    with site.database.write() as session:
        if dropped:
            erasing.begin(session)
        context, ids = _locked(session, site, code, number)
        today = now.astimezone(context.zone).date()
        problems = _problems(context, wish, today)
        if dropped and wish.kind == LEFT and _goes_on_elsewhere(session, site, context, ids, now):
            problems["drop_contacts"] = ELSEWHERE
        if problems:
            raise InputError(problems)
        _replace_pause(session, context, wish, actor, now)
        whole = wish.kind in FOR_THE_PERSON
        _add(session, context, wish, today, actor, now, whole=whole)
        contexts = _touched(session, site, context, ids, whole=whole)
        append_all(session, contexts, "stopped", actor, now, _payload(wish, wish.since or today))
        refresh_windows(session, site.library, ids)
        late = in_hand(contexts, now)
        if dropped:
            erasing.drop_contacts(session, site, code, wish.kind, actor, now)
        return late


def _goes_on_elsewhere(
    session: Session, site: Site, context: CourseContext, ids: Sequence[int], now: datetime
) -> bool:
    """Whether the person is still asked in another course."""
    others = [number for number in ids if number != context.course_id]
    return any(
        not other.is_over
        and any(w.closes_at > now for _, w in windows(other.protocol, other.facts))
        for other in course_contexts(session, site.library, others)
    )


def leave(
    session: Session, context: CourseContext, since: date, reason: str, actor: str, now: datetime
) -> None:
    """Record that the person left this course's study, unless that is on record; in the caller's
    transaction, which holds the locks and refreshes the windows."""
    if any(stop.kind == LEFT for stop in context.stops):
        return
    wish = NewStop(LEFT, since, None, reason)
    _add(session, context, wish, since, actor, now, whole=False)
    append_all(session, [context], "stopped", actor, now, _payload(wish, since))


def undo_stop(site: Site, code: str, stop_id: int, why: str, *, actor: str, now: datetime) -> None:
    """Take a stop back. Raises InputError, NotFoundError."""
    with site.database.write() as session:
        person = the_person(session, code)
        ids = roster.course_ids_of(session, person.id)
        lock_courses(session, ids)
        stop = stops.stop_by_id(session, stop_id)
        if stop is None or stop.participant_id != person.id or stop.undone_at is not None:
            raise NotFoundError("There is nothing to undo: it was undone already.")
        if problems := _reason_problems(why, needed=True):
            raise InputError(problems)
        _undo(session, stop.id, why.strip(), actor, now)
        own = ids if stop.course_id is None else [stop.course_id]
        contexts = course_contexts(session, site.library, own)
        append_all(session, contexts, "stop undone", actor, now, {"kind": stop.kind, "reason": why})
        roster.look_again(session, own, now)
        refresh_windows(session, site.library, ids)


def at_message(site: Site, token: str) -> Messages:
    """What the page behind a message's link shows. Raises NotFoundError."""
    with site.database.read() as session:
        context, _ = context_of_token(site, session, token)
        return Messages(
            language=context.participant.language,
            lines=lines_of(context.study),
            notice="",
            paused_until=context.facts.paused_until,
            stopped=bool(context.facts.silent),
            over=context.is_over,
        )


def from_message(site: Site, token: str, wanted: str, now: datetime) -> None:
    """What the person chose: pause a `week` or a `month`, `stop`, or messages `again`.

    Chosen twice it changes nothing more. Raises NotFoundError, InputError.
    """
    if wanted not in ("week", "month", "stop", "again"):
        raise InputError({"do": NOT_UNDERSTOOD})
    with site.database.write() as session:
        lock_courses(session, [link_of(session, token).course_id])
        context, _ = context_of_token(site, session, token)
        code, number = context.participant.code, context.course.number
        context, ids = _locked(session, site, code, number)
        if wanted != "again" and any(s.kind == MESSAGES for s in context.stops):
            return
        today = now.astimezone(context.zone).date()
        _drop(session, context, now, pauses_only=wanted != "again")
        if wanted != "again":
            _add(session, context, _chosen(wanted, today), today, PERSON, now, whole=True)
        contexts = course_contexts(session, site.library, ids)
        append_all(session, contexts, f"messages: {wanted}", PERSON, now, {})
        if wanted == "again":
            roster.look_again(session, ids, now)
        refresh_windows(session, site.library, ids)


def _chosen(wanted: str, today: date) -> NewStop:
    if wanted == "stop":
        return NewStop(MESSAGES)
    return NewStop(PAUSED, until=today + timedelta(days=PAUSES[wanted]))


def _drop(session: Session, context: CourseContext, now: datetime, *, pauses_only: bool) -> None:
    kinds = (PAUSED,) if pauses_only else (PAUSED, MESSAGES)
    for stop in context.stops:
        if stop.kind in kinds:
            _undo(session, stop.id, "chosen from a message", PERSON, now)


def set_quiet_hours(
    site: Site, code: str, start: time | None, end: time | None, *, actor: str, now: datetime
) -> None:
    """Keep a person's own quiet hours, none when both are empty. Raises InputError."""
    if problems := _quiet_problems(start, end):
        raise InputError(problems)
    with site.database.write() as session:
        person = the_person(session, code)
        ids = roster.course_ids_of(session, person.id)
        lock_courses(session, ids)
        stood = person.quiet_from, person.quiet_until
        person.quiet_from, person.quiet_until = start, end
        session.flush()
        contexts = course_contexts(session, site.library, ids)
        payload: dict[str, object] = {
            "from": [_clock(stood[0]), _clock(start)],
            "until": [_clock(stood[1]), _clock(end)],
        }
        append_all(session, contexts, "quiet hours set", actor, now, payload)
        roster.look_again(session, ids, now)
        refresh_windows(session, site.library, ids)


def _clock(at: time | None) -> str:
    return at.strftime("%H:%M") if at else ""


def _quiet_problems(start: time | None, end: time | None) -> dict[str, str]:
    if start is None and end is None:
        return {}
    if start is None or end is None:
        return {"start" if start is None else "end": "Write both times, or neither."}
    minutes = range(EARLIEST.hour * 60, LATEST.hour * 60)
    left = sum(not is_quiet(time(m // 60, m % 60), (start, end)) for m in minutes)
    if start == end or left < LEAST_OPEN:
        return {"end": "Leave at least an hour between 08:00 and 20:00 in which messages may come."}
    return {}


def _locked(
    session: Session, site: Site, code: str, number: int
) -> tuple[CourseContext, list[int]]:
    """The course with all courses of its person locked, and their ids."""
    ids = roster.course_ids_of(session, the_person(session, code).id)
    lock_courses(session, ids)
    return the_course(session, site, code, number), ids


def _touched(
    session: Session, site: Site, context: CourseContext, ids: Sequence[int], *, whole: bool
) -> list[CourseContext]:
    return course_contexts(session, site.library, ids if whole else [context.course_id])


def _problems(context: CourseContext, wish: NewStop, today: date) -> dict[str, str]:
    if wish.kind not in STOPS:
        return {"kind": "Choose what happened."}
    problems = _reason_problems(wish.reason, needed=wish.kind in SAYS_WHY)
    held = {stop.kind for stop in context.stops} - {PAUSED}
    if wish.kind in held:
        problems["kind"] = f"It is already on record: {wish.kind}."
    if fault := _since_fault(wish, today):
        problems["since"] = fault
    if fault := _until_fault(wish, today):
        problems["until"] = fault
    return problems


def _since_fault(wish: NewStop, today: date) -> str | None:
    if wish.since is None:
        return None
    if wish.since > today:
        return f"{texts.day(wish.since)} has not come yet."
    return year_fault(wish.since, today)


def _until_fault(wish: NewStop, today: date) -> str | None:
    if wish.kind != PAUSED:
        return "Only a pause has an end. Leave this empty." if wish.until else None
    if wish.until is None:
        return "Write the day on which messages come again."
    if not today < wish.until <= today + LONGEST_PAUSE:
        return "Write a day after today, at most a year away."
    return None


def _reason_problems(reason: str, *, needed: bool) -> dict[str, str]:
    if len(reason) > LONGEST_REASON:
        return {"reason": f"Use at most {LONGEST_REASON} characters."}
    if needed and not reason.strip():
        return {"reason": "Say why, in a few words."}
    return {}


def _replace_pause(
    session: Session, context: CourseContext, wish: NewStop, actor: str, now: datetime
) -> None:
    for stop in context.stops:
        if wish.kind == stop.kind == PAUSED:
            _undo(session, stop.id, "another pause took its place", actor, now)


def _undo(session: Session, stop_id: int, why: str, actor: str, now: datetime) -> None:
    stop = stops.stop_by_id(session, stop_id)
    assert stop is not None
    stop.undone_at, stop.undone_by, stop.undone_why = now, actor, why
    session.flush()


def _add(
    session: Session,
    context: CourseContext,
    wish: NewStop,
    today: date,
    actor: str,
    now: datetime,
    *,
    whole: bool,
) -> None:
    stop = Stop(
        participant_id=context.participant.id,
        course_id=None if whole else context.course_id,
        kind=wish.kind,
        since=wish.since or today,
        until=wish.until,
        reason=" ".join(wish.reason.split()),
        recorded_by=actor,
        recorded_at=now,
    )
    stops.add_stop(session, stop)


def _payload(wish: NewStop, since: date) -> dict[str, object]:
    return {
        "kind": wish.kind,
        "since": since.isoformat(),
        "until": wish.until.isoformat() if wish.until else None,
        "reason": wish.reason.strip(),
    }
