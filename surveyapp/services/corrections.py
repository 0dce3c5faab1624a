"""Corrections: a sent answer that was typed or given wrongly is put right, with a reason.

The old value, who, when and why stay in the store and on the page; scores follow, and those that
were reported before are kept as they were. When the sheet was filled in does not change.

A form holds every answer as it stood when the page was opened, its `edition` (the id of the newest
correction, 0 without one). Only what differs from that is meant: what somebody else corrected in
between is never put back by a form that did not know of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ..reports import words
from ..store import answers as desk
from ..store import corrections as store
from ..store import keys, seals, trail
from ..store.alerts import staff_emails
from ..store.corrections import Given
from ..store.database import Session
from ..store.facts import CourseContext
from ..store.scores import store_scores
from ..store.tables import Assessment
from ..store.tables_care import Correction
from ..store.windows import lock_courses, refresh_windows
from ..store.wordings import of_sheet
from ..study.instrument import Instrument
from ..study.protocol import Timepoint
from ..study.scoring import score
from ..texts import moment
from . import alerts
from .enrolment import the_course
from .errors import InputError, NotFoundError, StaleError
from .sheets import SKIPS, Asked, Preview, items_of
from .site import Site

Typed = Mapping[str, int | Literal["", "declined"]]
Change = tuple[Given, Given]
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
    """A sent sheet: its items with what was answered, how and by whom it was typed in (empty: on a
    phone), corrections and former scores. `edition` is what a correction of it goes on from."""

    instrument: str
    label: str
    language: str
    recall: str
    sent_at: datetime
    items: tuple[Asked, ...]
    given: Mapping[str, str]
    mode: str
    entered_by: str
    edition: int
    past: tuple[Past, ...]
    former: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Correcting:
    """What was typed: every item as the form holds it, why, and the edition it was made from."""

    values: Typed
    reason: str
    edition: int


class CorrectedMeanwhileError(StaleError):
    """`values` are what was typed, with what somebody else corrected in place of what was not
    touched."""

    def __init__(self, sentence: str, edition: int, values: Mapping[str, str]) -> None:
        super().__init__(sentence, edition)
        self.values = values


def sent_sheet(site: Site, code: str, number: int, timepoint: str, instrument: str) -> SentSheet:
    """Raises NotFoundError where nothing was sent."""
    with site.database.read() as session:
        context, point, asked, row = sent_place(session, site, code, number, timepoint, instrument)
        assert row.submitted_at is not None
        wording = of_sheet(session, asked, context.wordings, row)
        past = store.corrections_of(session, row.id)
        emails = staff_emails(session)
        return SentSheet(
            instrument=asked.name,
            label=point.label,
            language=wording.language,
            recall=wording.recall,
            sent_at=row.submitted_at.astimezone(context.zone),
            items=items_of(asked, wording),
            given=as_typed(desk.answers_of(session, row.id)),
            mode=row.mode,
            entered_by=emails.get(row.entered_by, row.entered_by),
            edition=_edition(past),
            past=tuple(_past(c, context, asked, emails) for c in past),
            former=_former(session, context, asked, row),
        )


def preview(
    site: Site, code: str, number: int, timepoint: str, instrument: str, new: Correcting
) -> Preview:
    """What would change. Raises InputError, CorrectedMeanwhileError, NotFoundError."""
    with site.database.read() as session:
        _, _, asked, row = sent_place(session, site, code, number, timepoint, instrument)
        given = desk.answers_of(session, row.id)
        changes = _judged(session, asked, row, given, new)
        before, after = score(asked, _values(given)), score(asked, _after(given, changes))
        shown = tuple(
            (
                words.name(s),
                f"{_shown(asked, s.id, before.scales[s.id].value)} → "
                f"{_shown(asked, s.id, after.scales[s.id].value)}",
            )
            for s in asked.scales
        )
        return Preview(shown, (), tuple(_told(asked, *change) for change in changes.items()))


def correct(
    site: Site,
    code: str,
    number: int,
    timepoint: str,
    instrument: str,
    new: Correcting,
    *,
    actor: str,
    now: datetime,
) -> int:
    """Put answers right; how many. Raises InputError by field or item, CorrectedMeanwhileError,
    NotFoundError."""
    with site.database.write() as session:
        lock_courses(session, [the_course(session, site, code, number).course_id])
        context, point, asked, row = sent_place(session, site, code, number, timepoint, instrument)
        given = desk.answers_of(session, row.id)
        changes = _judged(session, asked, row, given, new)
        store.correct(session, row.id, changes, new.reason.strip(), actor, now)
        store.set_scores_aside(session, row.id, now)
        store_scores(session, row.id, asked, score(asked, _after(given, changes)))
        payload: dict[str, object] = {
            "timepoint": point.id,
            "instrument": asked.id,
            "changes": {item: [old, put] for item, (old, put) in changes.items()},
            "reason": new.reason.strip(),
            seals.SEALED: seals.seal_of(session, row.id),
        }
        trail.append(session, context.course.chain, "answers corrected", actor, now, payload)
        refresh_windows(session, site.library, [context.course_id])
        alerts.judge(session, site, context.course_id, now)
        return len(changes)


def sent_place(
    session: Session, site: Site, code: str, number: int, timepoint: str, instrument: str
) -> tuple[CourseContext, Timepoint, Instrument, Assessment]:
    """A sent sheet with what it belongs to, and the key that it was filled in and scored by. Raises
    NotFoundError where nothing was sent."""
    context = the_course(session, site, code, number)
    rows = (
        a for a in context.assessments if (a.timepoint, a.instrument) == (timepoint, instrument)
    )
    row = next((a for a in rows if a.submitted_at is not None), None)
    if row is None:
        raise NotFoundError("Nothing was sent there, so there is nothing to correct.")
    asked = keys.instrument_of(
        session, site.library, instrument, row.key_sha256, context.instruments
    )
    return context, context.protocol.timepoint(timepoint), asked, row


def as_typed(given: Mapping[str, Given]) -> dict[str, str]:
    """Answers as a form holds them: a value, "declined", or "" (left open)."""
    return {
        item: str(value) if value is not None else ("declined" if skip == "declined" else "")
        for item, (value, skip) in given.items()
    }


def _values(given: Mapping[str, Given]) -> dict[str, int | None]:
    return {item: value for item, (value, _) in given.items()}


def _after(given: Mapping[str, Given], changes: Mapping[str, Change]) -> dict[str, int | None]:
    return _values({**given, **{item: put for item, (_, put) in changes.items()}})


def _edition(past: Sequence[Correction]) -> int:
    return past[0].id if past else 0


def _judged(
    session: Session,
    asked: Instrument,
    row: Assessment,
    given: Mapping[str, Given],
    new: Correcting,
) -> dict[str, Change]:
    """Item to old and new. Raises InputError, CorrectedMeanwhileError."""
    past = store.corrections_of(session, row.id)
    if new.edition != _edition(past):
        raise _meanwhile(asked, given, new, past)
    problems: dict[str, str] = {}
    changes: dict[str, Change] = {}
    shown = as_typed(given)
    for item in asked.items:
        value = new.values.get(item.id, shown.get(item.id, ""))
        if value not in SKIPS and value not in item.values:
            problems[item.id] = "Choose one of the answers on the sheet."
        elif str(value) != shown.get(item.id, ""):
            put: Given = (value, None) if isinstance(value, int) else (None, SKIPS[str(value)])
            changes[item.id] = given.get(item.id, (None, MISSING)), put
    if not 0 < len(new.reason.strip()) <= LONGEST:
        problems["reason"] = f"Say why, in at most {LONGEST} characters."
    if not changes and not problems:
        problems[""] = "Nothing differs from what is on record. Change the answer that is wrong."
    if problems:
        raise InputError(problems)
    return changes


def _meanwhile(
    asked: Instrument, given: Mapping[str, Given], new: Correcting, past: Sequence[Correction]
) -> CorrectedMeanwhileError:
    """What was corrected since the form was made, and the form brought up to it."""
    since = [c for c in past if c.id > new.edition]
    seen = {**given}
    for correction in since:  # the newest first, so what stands in the end is the oldest
        seen[correction.item] = correction.old_value, correction.old_skip
    shown, before = as_typed(given), as_typed(seen)
    typed = {item: str(value) for item, value in new.values.items()}
    meant = {item for item, value in typed.items() if value != before.get(item, "")}
    values = {**shown, **{item: typed[item] for item in meant}}
    told = "; ".join(_told(asked, c.item, _pair(c)) for c in reversed(since))
    sentence = (
        f"Somebody corrected this sheet since you opened it: {told or 'look at it again'}. "
        "What you changed is still here, and the rest is as it stands now. Look again."
    )
    return CorrectedMeanwhileError(sentence, _edition(past), values)


def _pair(correction: Correction) -> Change:
    c = correction
    return (c.old_value, c.old_skip), (c.new_value, c.new_skip)


def _told(asked: Instrument, item: str, change: Change) -> str:
    number = [i.id for i in asked.items].index(item) + 1
    old, new = change
    return f"{number}. {asked.item(item).topic}: {_one(old)} → {_one(new)}"


def _one(given: Given) -> str:
    value, skip = given
    return str(value) if value is not None else (skip or "")


def _shown(asked: Instrument, scale: str, value: float | None) -> str:
    if value is None:
        return "no score"
    return words.value(asked.scale(scale), value, estimated=False)


def _past(
    correction: Correction, context: CourseContext, asked: Instrument, emails: Mapping[str, str]
) -> Past:
    return Past(
        _told(asked, correction.item, _pair(correction)),
        emails.get(correction.corrected_by, correction.corrected_by),
        correction.corrected_at.astimezone(context.zone),
        correction.reason,
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
