"""Comparing a batch with what is there: what differs is a fault, what is the same is left alone."""

from __future__ import annotations

from ...store.transfer import CourseThere, There
from .batch import Batch, SheetRows, spelt_otherwise
from .rows import EVENTS, PARTICIPANTS, RESPONSES, CourseRow, EventRow


def differences(batch: Batch, there: There) -> list[str]:
    """A sentence, by file and line, for every row that contradicts what is there."""
    people = [(row.line, _course_fault(row, there)) for row in batch.courses.values()]
    answers = [fault for sheet in batch.sheets.values() for fault in _sheet_faults(sheet, there)]
    events = [(row.line, _event_fault(row, there)) for row in batch.events.values()]
    files = ((PARTICIPANTS, people), (RESPONSES, answers), (EVENTS, events))
    return [
        f"{layout.name} line {line}: {text}"
        for layout, faults in files
        for line, text in sorted(faults)
        if text
    ]


def _course_fault(row: CourseRow, there: There) -> str:
    known = there.spellings.get(row.code.lower(), row.code)
    if known != row.code:
        return spelt_otherwise(row.code, known)
    if row.code in there.live:
        return f"{row.code} is in a live study; data are imported to practice"
    person = there.participants.get(row.code)
    if person is not None and (person.language, person.time_zone) != (row.language, row.zone):
        return (
            f"{row.code} is there with language {person.language} and zone {person.time_zone},"
            f" not {row.language} and {row.zone}"
        )
    fault = _retreat_fault(row, there)
    found = there.courses.get(row.key)
    if fault or found is not None:
        return fault or _differs_from(row, found)
    return _other_number(row, there)


def _retreat_fault(row: CourseRow, there: There) -> str:
    if row.retreat not in there.retreats:
        return ""
    _, study = there.retreats[row.retreat]
    if study.mode != "practice":
        return f"the retreat {row.retreat!r} belongs to a live study; data are imported to practice"
    if study.protocol != row.protocol.id:
        return f"the retreat {row.retreat!r} follows {study.protocol}, not {row.protocol.id}"
    return ""


def _differs_from(row: CourseRow, found: CourseThere | None) -> str:
    if found is None:
        return ""
    main = row.protocol.main_anchor.id
    first, booster = found.given.get((main, "first")), found.given.get((main, "booster"))
    pairs = (
        ("retreat", found.retreat.name, row.retreat),
        ("dosing_date", found.dates.get(main), row.dosing),
        ("dose_mg", first.mg if first else None, row.mg),
        ("booster_mg", booster.mg if booster else None, row.booster_mg),
        ("booster_minutes", booster.minutes if booster else None, row.booster_minutes),
    )
    for name, is_there, given in pairs:
        if is_there != given:
            return f"{name} is there as {_shown(is_there)}, not {_shown(given)}"
    return ""


def _other_number(row: CourseRow, there: There) -> str:
    for found in there.courses.values():
        if found.code == row.code and found.retreat.name == row.retreat:
            return f"{row.code} is in {row.retreat!r} already, as course {found.row.number}"
    return ""


def _sheet_faults(sheet: SheetRows, there: There) -> list[tuple[int, str]]:
    found = there.sheets.get(sheet.key)
    if found is None:
        return []
    if found.row.submitted_at is None:
        return [(sheet.line, "this sheet was started here and is not sent yet")]
    if found.row.submitted_at != sheet.completed_at:
        at = found.row.submitted_at.isoformat()
        return [(sheet.line, f"completed_at is there as {at}")]
    return [
        (row.line, f"item {item} is there as {_shown(found.values.get(item))}, not {_shown(value)}")
        for item, row in sheet.answers.items()
        if (value := row.value) != found.values.get(item)
    ]


def _event_fault(row: EventRow, there: There) -> str:
    found = there.events.get(row.key)
    if found is None:
        return ""
    pairs = (
        ("ended_at", found.ended_at, row.ended_at),
        ("grade", found.grade, row.grade),
        ("serious", found.serious, row.serious),
        ("relatedness", found.relatedness, row.relatedness),
    )
    for name, is_there, given in pairs:
        if is_there != given:
            return f"{name} is there as {_shown(is_there)}, not {_shown(given)}"
    return ""


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "empty" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
