"""The safety log as pages show it: a person's events and readings, and a retreat's table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from ..store import trail
from ..store.facts import CourseContext, Reading, read_retreat
from ..store.records import RECORDS, people_from
from ..store.tables import AdverseEvent
from ..store.tables_care import BloodPressure
from ..study.record import Course
from ..study.safety import began_before, is_very_high, minutes_after
from .enrolment import the_retreat, the_study
from .site import Site
from .spreadsheet import safe_text

BESIDES = (*RECORDS, BloodPressure)


@dataclass(frozen=True)
class LoggedEvent:
    """One event; times are local. Minutes since the newest dose of each kind before it began."""

    id: int
    code: str
    number: int
    term: str
    grade: int
    serious: bool
    start: datetime
    end: datetime | None
    since_dose: int | None
    since_booster: int | None
    before_dose: bool
    relatedness: str
    action: str
    outcome: str
    source: str
    note: str

    @property
    def after(self) -> str:
        """90 min after the dose, 15 min after the booster"""
        if self.before_dose:
            return "before the first dose"
        parts: list[str] = []
        if self.since_dose is not None:
            parts.append(f"{span(self.since_dose)} after the dose")
        if self.since_booster is not None:
            parts.append(f"{span(self.since_booster)} after the booster")
        return ", ".join(parts)


@dataclass(frozen=True)
class LoggedReading:
    """One reading; minutes since the newest first dose and booster before it."""

    id: int
    anchor: str
    at: datetime
    systolic: int
    diastolic: int
    pulse: int | None
    since_dose: int | None
    since_booster: int | None
    before_dose: bool
    very_high: bool


@dataclass(frozen=True)
class CourseLog:
    """Events in order of their start; readings newest first."""

    events: tuple[LoggedEvent, ...]
    readings: tuple[LoggedReading, ...]


@dataclass(frozen=True)
class RetreatLog:
    """Every event of a retreat's people in it."""

    id: int
    name: str
    practice: bool
    events: tuple[LoggedEvent, ...]


def span(minutes: int) -> str:
    """45 min; 2 h 5 min; 3 days"""
    hours, rest = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24} days"
    if hours:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"{rest} min"


def logs_from(reading: Reading) -> dict[int, CourseLog]:
    """A person's log by course number, from what was read with at least `BESIDES`."""
    return {
        context.course.number: CourseLog(
            _events(context, course, reading), _readings(context, course, reading)
        )
        for context, course in _pairs(reading)
    }


def retreat_log(site: Site, retreat_id: int) -> RetreatLog:
    """Raises NotFoundError."""
    with site.database.read() as session:
        reading = read_retreat(session, site.library, retreat_id, RECORDS)
        retreat = the_retreat(session, retreat_id)
        practice = the_study(session, retreat.study_id).mode == "practice"
        found = [event for pair in _pairs(reading) for event in _events(*pair, reading)]
        found.sort(key=lambda event: event.start)
        return RetreatLog(retreat_id, retreat.name, practice, tuple(found))


def export_log(site: Site, retreat_id: int, *, actor: str, now: datetime) -> str:
    """A retreat's events as a table, for somebody: that it was taken is on record.

    Raises NotFoundError.
    """
    log = retreat_log(site, retreat_id)
    with site.database.write() as session:
        payload: dict[str, object] = {"retreat": log.name, "events": len(log.events)}
        trail.append(session, trail.SYSTEM, "events exported", actor, now, payload)
    return as_csv(log)


def as_csv(log: RetreatLog) -> str:
    """A table for authorities: one event a line, times local with their offset."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(COLUMNS), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(_line(event) for event in log.events)
    return text.getvalue()


COLUMNS = {
    "participant": "Study code.",
    "course": "Number of the course.",
    "term": "What happened.",
    "grade": "Severity from 1 (mild) to 5 (death).",
    "serious": "yes or no.",
    "started_at": "When it began, local time with offset.",
    "ended_at": "When it ended; empty: it lasted when the table was made.",
    "minutes_after_dose": "Minutes since the newest first dose before it; empty: before any.",
    "minutes_after_booster": "Minutes since the newest booster before it.",
    "before_dose": "yes where it began before the first dose of the course.",
    "relatedness": "How it relates to the dose, as staff judged it.",
    "action": "What was done.",
    "outcome": "How it went on.",
    "source": "asked or volunteered.",
    "note": "In staff's words.",
}


def _line(event: LoggedEvent) -> dict[str, str]:
    texts = ("term", "relatedness", "action", "outcome", "source", "note")
    return {
        "participant": safe_text(event.code),
        "course": str(event.number),
        "grade": str(event.grade),
        "serious": _yes(event.serious),
        "started_at": event.start.isoformat(),
        "ended_at": event.end.isoformat() if event.end else "",
        "minutes_after_dose": _number(event.since_dose),
        "minutes_after_booster": _number(event.since_booster),
        "before_dose": _yes(event.before_dose),
        **{name: safe_text(getattr(event, name)) for name in texts},
    }


def _yes(true: bool) -> str:
    return "yes" if true else "no"


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _pairs(reading: Reading) -> Iterable[tuple[CourseContext, Course]]:
    courses = {(p.code, c.number): c for p in people_from(reading) for c in p.courses}
    for context in reading.contexts:
        yield context, courses[context.participant.code, context.course.number]


def _events(context: CourseContext, course: Course, reading: Reading) -> tuple[LoggedEvent, ...]:
    rows = [row for row in reading.rows[AdverseEvent] if row.course_id == context.course_id]
    return tuple(_event(row, context, course) for row in sorted(rows, key=_start))


def _start(row: AdverseEvent) -> datetime:
    return row.started_at


def _event(row: AdverseEvent, context: CourseContext, course: Course) -> LoggedEvent:
    zone = ZoneInfo(context.facts.zone)
    return LoggedEvent(
        id=row.id,
        code=context.participant.code,
        number=context.course.number,
        term=row.term,
        grade=row.grade,
        serious=row.serious,
        start=row.started_at.astimezone(zone),
        end=row.ended_at.astimezone(zone) if row.ended_at else None,
        since_dose=minutes_after(course.doses, "first", row.started_at),
        since_booster=minutes_after(course.doses, "booster", row.started_at),
        before_dose=began_before(course.doses, row.started_at),
        relatedness=row.relatedness,
        action=row.action,
        outcome=row.outcome,
        source=row.source,
        note=row.note,
    )


def _readings(
    context: CourseContext, course: Course, reading: Reading
) -> tuple[LoggedReading, ...]:
    own: Sequence[BloodPressure] = [
        row
        for row in reading.rows[BloodPressure]
        if row.course_id == context.course_id and row.withdrawn_at is None
    ]
    zone = ZoneInfo(context.facts.zone)
    return tuple(
        LoggedReading(
            id=row.id,
            anchor=row.anchor,
            at=row.at.astimezone(zone),
            systolic=row.systolic,
            diastolic=row.diastolic,
            pulse=row.pulse,
            since_dose=minutes_after(course.doses, "first", row.at),
            since_booster=minutes_after(course.doses, "booster", row.at),
            before_dose=began_before(course.doses, row.at),
            very_high=is_very_high(row.systolic, row.diastolic),
        )
        for row in sorted(own, key=lambda row: (row.at, row.id), reverse=True)
    )
