"""Sheets: answers on paper or given in a call, typed in by staff.

What is typed is kept, scored and locked by the same rules as what a phone sends; the mode and who
typed it are kept beside it. It counts from the moment at which the sheet was filled in. Outside its
window it is taken and marked. Nothing that was sent is overwritten; a draft on the phone is, when
staff say so, and the phone is told then that its answers were sent already.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Literal, cast

from ..reports import words
from ..store import answers as desk
from ..store import seals, trail
from ..store.answers import NewAnswer
from ..store.database import Session
from ..store.facts import CourseContext
from ..store.scores import store_scores
from ..store.tables import Assessment
from ..store.windows import lock_courses, refresh_windows
from ..study.instrument import Instrument, Option, Wording
from ..study.protocol import Timepoint
from ..study.schedule import instant, window_of
from ..study.scoring import score
from ..texts import day, moment
from . import alerts, permissions
from .dates import year_fault
from .enrolment import the_course
from .errors import InputError, NotFoundError, RefusedError
from .site import Site

MODES = ("paper", "telephone")
LEFT_OPEN, DECLINED = "left open", "declined"
SKIPS = {"": LEFT_OPEN, DECLINED: DECLINED}
NOON = time(12)
NUMBER = re.compile(r"-?[0-9]{1,4}")
PEN = "This needs a tick: answers were begun on the phone and would be replaced."


@dataclass(frozen=True)
class Asked:
    """One item of the sheet with its options in the order in which they are printed."""

    item: str
    number: int
    text: str
    options: tuple[Option, ...]


@dataclass(frozen=True)
class SheetForm:
    """What the page asks. `begun`: how many answers lie on the phone, not yet sent; `sent`: that it
    is on record already, as a sentence, else empty; `language` is that of the texts."""

    instrument: str
    label: str
    language: str
    title: str
    recall: str
    notice: str
    items: tuple[Asked, ...]
    begun: int
    sent: str
    day: date | None


@dataclass(frozen=True)
class NewSheet:
    """A sheet as typed: item to value, or "" (left open) or "declined". `on` and `at` are local;
    without a time it counts as noon. `replace`: what was begun on the phone gives way."""

    values: Mapping[str, int | Literal["", "declined"]]
    mode: str
    on: date | None
    at: time | None = None
    replace: bool = False


@dataclass(frozen=True)
class Preview:
    """What the sheet comes to: each scale in words, what is missing, and what to know."""

    scores: tuple[tuple[str, str], ...]
    missing: tuple[str, ...]
    notes: tuple[str, ...]


def sheet_form(
    site: Site, code: str, number: int, timepoint: str, instrument: str, now: datetime
) -> SheetForm:
    """Raises NotFoundError."""
    with site.database.read() as session:
        context, point, asked = _place(session, site, code, number, timepoint, instrument)
        row = _row(context, point, asked)
        begun = len(desk.answers_of(session, row.id)) if row else 0
        wording = context.wording(asked.id)
        window = window_of(point, context.facts)
        return SheetForm(
            instrument=asked.name,
            label=point.label,
            language=wording.language,
            title=wording.title,
            recall=wording.recall,
            notice=wording.told,
            items=items_of(asked, wording),
            begun=begun,
            sent=_sent(context, point, asked),
            day=min(window.target, now.astimezone(context.zone).date()) if window else None,
        )


def items_of(asked: Instrument, wording: Wording) -> tuple[Asked, ...]:
    """The items of an instrument in one language."""
    return tuple(
        Asked(item.id, place, wording.texts[item.id], wording.options[item.id])
        for place, item in enumerate(asked.items, 1)
    )


def preview_sheet(
    site: Site,
    code: str,
    number: int,
    timepoint: str,
    instrument: str,
    new: NewSheet,
    now: datetime,
) -> Preview:
    """What it would come to. Raises InputError by field or item, NotFoundError, RefusedError."""
    with site.database.read() as session:
        context, point, asked = _place(session, site, code, number, timepoint, instrument)
        at = _judged(session, context, point, asked, new, now)
        scored = score(asked, _numbers(asked, new))
        shown = tuple(
            (words.name(scale), _words(asked, scale.id, scored.scales[scale.id].value))
            for scale in asked.scales
        )
        missing = tuple(str(n) for n, i in enumerate(asked.items, 1) if _skip(new, i.id))
        return Preview(shown, missing, _notes(context, point, new, at))


def enter_sheet(
    site: Site,
    code: str,
    number: int,
    timepoint: str,
    instrument: str,
    new: NewSheet,
    *,
    actor: str,
    now: datetime,
) -> None:
    """Keep, score and lock it. Raises InputError by field or item, NotFoundError, RefusedError."""
    with site.database.write() as session:
        lock_courses(session, [the_course(session, site, code, number).course_id])
        context, point, asked = _place(session, site, code, number, timepoint, instrument)
        at = _judged(session, context, point, asked, new, now)
        sheet = _begin(session, context, point, asked, new, at, actor)
        _keep(session, asked, sheet, new, at, now)
        payload = {
            "timepoint": point.id,
            "instrument": asked.id,
            "mode": new.mode,
            "at": at.isoformat(),
            "values": dict(new.values),
            "replaced": new.replace,
            seals.SEALED: seals.seal_of(session, sheet.id),
        }
        trail.append(session, context.course.chain, "sheet entered", actor, now, payload)
        refresh_windows(session, site.library, [context.course_id])
        alerts.judge(session, site, context.course_id, now)


def _place(
    session: Session, site: Site, code: str, number: int, timepoint: str, instrument: str
) -> tuple[CourseContext, Timepoint, Instrument]:
    context = the_course(session, site, code, number)
    point = next((t for t in context.protocol.timepoints if t.id == timepoint), None)
    if point is None or instrument not in point.instruments:
        raise NotFoundError("This course asks no such questionnaire then.")
    return context, point, context.instruments[instrument]


def _sent(context: CourseContext, point: Timepoint, asked: Instrument) -> str:
    """That it is on record already, as a sentence; empty where it is not."""
    row = _row(context, point, asked)
    if row is None or row.submitted_at is None:
        return ""
    at = moment(row.submitted_at.astimezone(context.zone))
    return f"{asked.name} of {point.label} is on record since {at}. Nothing was changed."


def _row(context: CourseContext, point: Timepoint, asked: Instrument) -> Assessment | None:
    key = point.id, asked.id
    return next((a for a in context.assessments if (a.timepoint, a.instrument) == key), None)


def _judged(
    session: Session,
    context: CourseContext,
    point: Timepoint,
    asked: Instrument,
    new: NewSheet,
    now: datetime,
) -> datetime:
    """The moment at which it was filled in. Raises InputError, RefusedError."""
    if sent := _sent(context, point, asked):
        raise RefusedError(sent)
    problems = _value_problems(asked, new)
    if new.mode not in MODES:
        problems["mode"] = "Choose paper or telephone."
    if window_of(point, context.facts) is None:
        problems[""] = f"Set the {point.anchor_named} first: the sheet belongs to it."
    row = _row(context, point, asked)
    if row is not None and not new.replace and desk.answers_of(session, row.id):
        problems["replace"] = PEN
    at = _moment(context, new, now, problems)
    if problems or at is None:
        raise InputError(problems)
    return at


def _value_problems(asked: Instrument, new: NewSheet) -> dict[str, str]:
    problems: dict[str, str] = {}
    for item in asked.items:
        value = new.values.get(item.id, "")
        if value not in SKIPS and value not in item.values:
            problems[item.id] = "Choose one of the answers on the sheet."
    if not any(isinstance(value, int) for value in new.values.values()):
        problems.setdefault("", "Choose at least one answer: an empty sheet is a missing one.")
    return problems


def _moment(
    context: CourseContext, new: NewSheet, now: datetime, problems: dict[str, str]
) -> datetime | None:
    local = now.astimezone(context.zone)
    if new.on is None:
        problems["on"] = "Write the day on which it was filled in."
        return None
    if fault := year_fault(new.on, local.date()):
        problems["on"] = fault
    ended = context.facts.ended_on
    if ended is not None and new.on > ended:
        problems["on"] = f"Nothing is expected after {day(ended)}. Check the day."
    at = instant(new.on, new.at or NOON, context.facts.zone)
    if at > now and (new.on > local.date() or new.at is not None):
        problems["on"] = f"This lies in the future: it is {moment(local)}."
    return min(at, now)


def _numbers(asked: Instrument, new: NewSheet) -> dict[str, int | None]:
    found: dict[str, int | None] = {}
    for item in asked.items:
        value = new.values.get(item.id, "")
        found[item.id] = value if isinstance(value, int) else None
    return found


def _skip(new: NewSheet, item: str) -> str | None:
    value = new.values.get(item, "")
    return None if isinstance(value, int) else SKIPS[value]


def _words(asked: Instrument, scale: str, value: float | None) -> str:
    if value is None:
        return "no score: too many answers are missing"
    return words.value(asked.scale(scale), value, estimated=False)


def _notes(
    context: CourseContext, point: Timepoint, new: NewSheet, at: datetime
) -> tuple[str, ...]:
    window = window_of(point, context.facts)
    assert window is not None
    notes: list[str] = []
    if at < window.opens_at:
        notes.append(f"It lies before the window opens ({day(window.opens)}) and is marked early.")
    if at >= window.closes_at:
        notes.append(f"It lies after the window closed ({day(window.closes)}) and is marked late.")
    if new.replace:
        notes.append("What was begun on the phone is replaced, and cannot be sent any more.")
    return tuple(notes)


def _begin(
    session: Session,
    context: CourseContext,
    point: Timepoint,
    asked: Instrument,
    new: NewSheet,
    at: datetime,
    actor: str,
) -> Assessment:
    """The assessment's row; what was begun on the phone is emptied first."""
    known, wording = _row(context, point, asked), context.wording(asked.id)
    values: dict[str, Any] = {
        "instrument_version": asked.version,
        "key_sha256": asked.sha256,
        "wording_sha256": wording.sha256,
        "placeholder": wording.placeholder,
        "language": wording.language,
        "mode": new.mode,
        "entered_by": actor,
        "started_at": at,
        "submitted_at": at,
    }
    if known is None:
        place: dict[str, Any] = {
            "course_id": context.course_id,
            "timepoint": point.id,
            "instrument": asked.id,
        }
        sheet = Assessment(**place, **values)
        session.add(sheet)
        if wording.installed is not None:
            permissions.count(session, [wording.installed], at)
    else:
        desk.forget_answers(session, known.id)
        sheet = desk.sheet_row(session, known.id)
        for name, value in values.items():
            setattr(sheet, name, value)
    session.flush()
    return sheet


def _keep(
    session: Session,
    asked: Instrument,
    sheet: Assessment,
    new: NewSheet,
    at: datetime,
    now: datetime,
) -> None:
    numbers = _numbers(asked, new)
    rows = [
        NewAnswer(sheet.id, item, value, _skip(new, item), at) for item, value in numbers.items()
    ]
    desk.keep_answers(session, rows, now)
    store_scores(session, sheet.id, asked, score(asked, numbers))


def typed(values: Mapping[str, str]) -> dict[str, int | Literal["", "declined"]]:
    """Item to value from what a form sent; what is no number stays and is judged later."""
    found: dict[str, int | Literal["", "declined"]] = {}
    for item, text in values.items():
        found[item] = int(text) if NUMBER.fullmatch(text) else cast(Literal["", "declined"], text)
    return found
