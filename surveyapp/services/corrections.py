"""Corrections: a sent answer that was typed or given wrongly is put right, with a reason.

The old value, who, when and why stay in the store and on the page; scores follow, and those that
were reported before are kept as they were. When the sheet was filled in does not change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ..reports import words
from ..store import answers as desk
from ..store import corrections as store
from ..store import trail
from ..store.alerts import staff_emails
from ..store.corrections import Given
from ..store.database import Session
from ..store.facts import CourseContext
from ..store.scores import store_scores
from ..store.tables import Assessment
from ..store.windows import lock_courses, refresh_windows
from ..study.instrument import Instrument
from ..study.protocol import Timepoint
from ..study.scoring import score
from ..texts import moment
from . import alerts
from .enrolment import the_course
from .errors import InputError, NotFoundError
from .sheets import SKIPS, Asked, Preview, items_of
from .site import Site

Typed = Mapping[str, int | Literal["", "declined"]]
LONGEST = 300
MISSING = "missing"


@dataclass(frozen=True)
class Past:
    """One correction as the page tells it."""

    what: str
    who: str
    at: datetime
    reason: str


@dataclass(frozen=True)
class SentSheet:
    """A sent sheet: its items with what was answered, corrections and former scores."""

    instrument: str
    label: str
    language: str
    recall: str
    sent_at: datetime
    items: tuple[Asked, ...]
    given: Mapping[str, str]
    past: tuple[Past, ...]
    former: tuple[tuple[str, str], ...]


def sent_sheet(site: Site, code: str, number: int, timepoint: str, instrument: str) -> SentSheet:
    """Raises NotFoundError where nothing was sent."""
    with site.database.read() as session:
        context, point, asked, row = _place(session, site, code, number, timepoint, instrument)
        assert row.submitted_at is not None
        wording = asked.wording(row.language)
        return SentSheet(
            instrument=asked.name,
            label=point.label,
            language=wording.language,
            recall=wording.recall,
            sent_at=row.submitted_at.astimezone(context.zone),
            items=items_of(asked, wording),
            given=_as_typed(desk.answers_of(session, row.id)),
            past=_past(session, context, asked, row),
            former=_former(session, context, asked, row),
        )


def preview(
    site: Site, code: str, number: int, timepoint: str, instrument: str, new: Typed, reason: str
) -> Preview:
    """What would change. Raises InputError, NotFoundError."""
    with site.database.read() as session:
        _, _, asked, row = _place(session, site, code, number, timepoint, instrument)
        given = desk.answers_of(session, row.id)
        changes = _judged(asked, given, new, reason)
        before = score(asked, {item: value for item, (value, _) in given.items()})
        after = score(asked, _values({**given, **{i: new for i, (_, new) in changes.items()}}))
        shown = tuple(
            (
                words.name(s),
                f"{_shown(asked, s.id, before.scales[s.id].value)} → "
                f"{_shown(asked, s.id, after.scales[s.id].value)}",
            )
            for s in asked.scales
        )
        notes = tuple(_told(asked, item, *pair) for item, pair in changes.items())
        return Preview(shown, (), notes)


def correct(
    site: Site,
    code: str,
    number: int,
    timepoint: str,
    instrument: str,
    new: Typed,
    reason: str,
    *,
    actor: str,
    now: datetime,
) -> int:
    """Put answers right; how many. Raises InputError by field or item, NotFoundError."""
    with site.database.write() as session:
        lock_courses(session, [the_course(session, site, code, number).course_id])
        context, point, asked, row = _place(session, site, code, number, timepoint, instrument)
        given = desk.answers_of(session, row.id)
        changes = _judged(asked, given, new, reason)
        store.correct(session, row.id, changes, reason.strip(), actor, now)
        store.set_scores_aside(session, row.id, now)
        after = _values({**given, **{item: pair[1] for item, pair in changes.items()}})
        store_scores(session, row.id, asked, score(asked, after))
        payload: dict[str, object] = {
            "timepoint": point.id,
            "instrument": asked.id,
            "changes": {item: [old, new] for item, (old, new) in changes.items()},
            "reason": reason.strip(),
        }
        trail.append(session, context.course.chain, "answers corrected", actor, now, payload)
        refresh_windows(session, site.library, [context.course_id])
        alerts.judge(session, site, context.course_id, now)
        return len(changes)


def _place(
    session: Session, site: Site, code: str, number: int, timepoint: str, instrument: str
) -> tuple[CourseContext, Timepoint, Instrument, Assessment]:
    context = the_course(session, site, code, number)
    rows = (
        a for a in context.assessments if (a.timepoint, a.instrument) == (timepoint, instrument)
    )
    row = next((a for a in rows if a.submitted_at is not None), None)
    if row is None:
        raise NotFoundError("Nothing was sent there, so there is nothing to correct.")
    return context, context.protocol.timepoint(timepoint), site.library.instruments[instrument], row


def _as_typed(given: Mapping[str, Given]) -> dict[str, str]:
    return {
        item: str(value) if value is not None else ("declined" if skip == "declined" else "")
        for item, (value, skip) in given.items()
    }


def _values(given: Mapping[str, Given]) -> dict[str, int | None]:
    return {item: value for item, (value, _) in given.items()}


def _judged(
    asked: Instrument, given: Mapping[str, Given], new: Typed, reason: str
) -> dict[str, tuple[Given, Given]]:
    """Item to old and new. Raises InputError."""
    problems: dict[str, str] = {}
    changes: dict[str, tuple[Given, Given]] = {}
    shown = _as_typed(given)
    for item in asked.items:
        value = new.get(item.id, shown.get(item.id, ""))
        if value not in SKIPS and value not in item.values:
            problems[item.id] = "Choose one of the answers on the sheet."
        elif str(value) != shown.get(item.id, ""):
            put: Given = (value, None) if isinstance(value, int) else (None, SKIPS[str(value)])
            changes[item.id] = given.get(item.id, (None, MISSING)), put
    if not 0 < len(reason.strip()) <= LONGEST:
        problems["reason"] = f"Say why, in at most {LONGEST} characters."
    if not changes and not problems:
        problems[""] = "Nothing differs from what is on record. Change the answer that is wrong."
    if problems:
        raise InputError(problems)
    return changes


def _told(asked: Instrument, item: str, old: Given, new: Given) -> str:
    number = [i.id for i in asked.items].index(item) + 1
    return f"{number}. {asked.item(item).topic}: {_one(old)} → {_one(new)}"


def _one(given: Given) -> str:
    value, skip = given
    return str(value) if value is not None else (skip or "")


def _shown(asked: Instrument, scale: str, value: float | None) -> str:
    if value is None:
        return "no score"
    return words.value(asked.scale(scale), value, estimated=False)


def _past(
    session: Session, context: CourseContext, asked: Instrument, row: Assessment
) -> tuple[Past, ...]:
    emails = staff_emails(session)
    return tuple(
        Past(
            _told(asked, c.item, (c.old_value, c.old_skip), (c.new_value, c.new_skip)),
            emails.get(c.corrected_by, c.corrected_by),
            c.corrected_at.astimezone(context.zone),
            c.reason,
        )
        for c in store.corrections_of(session, row.id)
    )


def _former(
    session: Session, context: CourseContext, asked: Instrument, row: Assessment
) -> tuple[tuple[str, str], ...]:
    """Former scores of scales in words, each with the moment until which it stood."""
    known = {scale.id: scale for scale in asked.scales}
    return tuple(
        (
            words.name(known[f.scale]),
            f"{_shown(asked, f.scale, f.value)}, until {moment(f.until.astimezone(context.zone))}",
        )
        for f in store.former_scores(session, row.id)
        if f.scale in known
    )
