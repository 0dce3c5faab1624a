"""Second entry: a sheet of paper or a call typed in again by another person, and compared.

The second entry never changes what is on record. Where the two differ, the sheet is looked at once
more, and what is wrong on record is put right by a correction with its reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ..store import answers as desk
from ..store import corrections as store
from ..store import trail
from ..store.alerts import staff_emails
from ..store.corrections import Given
from ..store.database import Session
from ..store.tables import Assessment
from ..store.tables_group import SecondEntry
from ..store.windows import lock_courses
from ..store.wordings import of_sheet
from ..study.instrument import Instrument
from ..texts import moment
from .corrections import Typed, as_typed, sent_place
from .enrolment import the_course
from .errors import InputError, RefusedError
from .sheets import MODES, SKIPS, Asked, items_of
from .site import Site


@dataclass(frozen=True)
class SecondForm:
    """What the page asks: the items, without what is on record."""

    instrument: str
    label: str
    language: str
    recall: str
    items: tuple[Asked, ...]


@dataclass(frozen=True)
class Comparison:
    """How a second entry stands to what is on record now, item by item in words."""

    who: str
    at: datetime
    differences: tuple[str, ...]
    of: int


def second_form(
    site: Site, code: str, number: int, timepoint: str, instrument: str, actor: str
) -> SecondForm:
    """Raises NotFoundError, RefusedError where `actor` may not type it in a second time."""
    with site.database.read() as session:
        context, point, asked, row = sent_place(session, site, code, number, timepoint, instrument)
        _may(session, row, actor)
        wording = of_sheet(session, asked, context.wordings, row)
        items = items_of(asked, wording)
        return SecondForm(asked.name, point.label, wording.language, wording.recall, items)


def enter_second(
    site: Site,
    code: str,
    number: int,
    timepoint: str,
    instrument: str,
    values: Typed,
    *,
    actor: str,
    now: datetime,
) -> int:
    """Keep it; in how many items it differs from what is on record. Raises InputError by item,
    NotFoundError, RefusedError."""
    with site.database.write() as session:
        lock_courses(session, [the_course(session, site, code, number).course_id])
        place = sent_place(session, site, code, number, timepoint, instrument)
        context, point, asked, row = place
        _may(session, row, actor)
        typed = judged(asked, values)
        store.keep_second(session, row.id, typed, actor, now)
        differ = differences(asked, desk.answers_of(session, row.id), typed)
        payload = {
            "timepoint": point.id,
            "instrument": asked.id,
            "values": dict(values),
            "differ": len(differ),
        }
        trail.append(session, context.course.chain, "second entry", actor, now, payload)
        return len(differ)


def may_enter(site: Site, code: str, number: int, timepoint: str, instrument: str) -> bool:
    """Whether somebody else may still type it in a second time."""
    with site.database.read() as session:
        row = sent_place(session, site, code, number, timepoint, instrument)[3]
        return row.mode in MODES and not store.second_entry(session, row.id)


def comparison(
    site: Site, code: str, number: int, timepoint: str, instrument: str
) -> Comparison | None:
    """None while there is no second entry. Raises NotFoundError."""
    with site.database.read() as session:
        context, _, asked, row = sent_place(session, site, code, number, timepoint, instrument)
        second = store.second_entry(session, row.id)
        if not second:
            return None
        typed = {entry.item: (entry.value, entry.skip) for entry in second}
        who = second[0].entered_by
        return Comparison(
            who=staff_emails(session).get(who, who),
            at=second[0].entered_at.astimezone(context.zone),
            differences=differences(asked, desk.answers_of(session, row.id), typed),
            of=len(asked.items),
        )


def _may(session: Session, row: Assessment, actor: str) -> None:
    """Raises RefusedError."""
    if row.mode not in MODES:
        raise RefusedError("Only a sheet of paper or a call is typed in a second time.")
    second: Sequence[SecondEntry] = store.second_entry(session, row.id)
    if second:
        raise RefusedError(f"A second entry is on record since {moment(second[0].entered_at)}.")
    if row.entered_by == actor:
        raise RefusedError(
            "You typed this sheet in yourself. A second entry finds slips only when another person "
            "makes it."
        )


def judged(asked: Instrument, values: Typed) -> dict[str, Given]:
    """Values as they are kept. Raises InputError by item."""
    problems: dict[str, str] = {}
    found: dict[str, Given] = {}
    for item in asked.items:
        value = values.get(item.id, "")
        if value not in SKIPS and value not in item.values:
            problems[item.id] = "Choose one of the answers on the sheet."
        else:
            found[item.id] = (value, None) if isinstance(value, int) else (None, SKIPS[value])
    if not problems and not any(value is not None for value, _ in found.values()):
        problems[""] = "Choose at least one answer: an empty sheet compares with nothing."
    if problems:
        raise InputError(problems)
    return found


def differences(
    asked: Instrument, given: Mapping[str, Given], second: Mapping[str, Given]
) -> tuple[str, ...]:
    """Where two entries of a sheet differ, in words, in the order of the items."""
    first, other = as_typed(given), as_typed(second)
    return tuple(
        f"{place}. {item.topic}: on record {_word(first.get(item.id, ''))}, "
        f"second entry {_word(other.get(item.id, ''))}"
        for place, item in enumerate(asked.items, 1)
        if first.get(item.id, "") != other.get(item.id, "")
    )


def _word(shown: str) -> str:
    return shown or "left open"
