"""Trajectory: a person's scores over true days since each dose, ready to draw or to say.

Every point keeps whether it was estimated, outside its window, or after a later course's dose;
a timepoint without a score is a `Gap`, never joined across. A baseline is given before the dose:
an answer to a before-timepoint on or after the dosing day is drawn and marked, but is no baseline.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from .change import Change, change
from .instrument import Instrument, Scale
from .protocol import Timepoint
from .record import Course, Person, Sheet
from .schedule import why_missing, window_of

Mark = Literal["early", "late", "after the dose", "after another dose"]
TOO_FEW = "too few answers"


@dataclass(frozen=True)
class Point:
    """One score. `day` counts local dates after the anchor's date (negative: before)."""

    timepoint: str
    label: str
    day: int
    on: date
    value: float
    estimated: bool
    answered: int
    of: int
    band: str | None
    marks: tuple[Mark, ...]
    is_baseline: bool


@dataclass(frozen=True)
class Gap:
    """A timepoint without a score, and why: a state, or "too few answers"."""

    timepoint: str
    label: str
    target_day: int
    reason: str


@dataclass(frozen=True)
class Line:
    """One scale in one course."""

    scale: Scale
    points: tuple[Point, ...]
    gaps: tuple[Gap, ...]

    @property
    def baseline(self) -> Point | None:
        """The last score before the dose."""
        return next((p for p in reversed(self.points) if p.is_baseline), None)


@dataclass(frozen=True)
class ScaleChange:
    """Change of one scale from an earlier point of its course to a later one."""

    scale: Scale
    start: Point
    end: Point
    change: Change
    retest: str | None


def local_date(at: datetime, course: Course) -> date:
    """The date in the participant's zone."""
    return at.astimezone(ZoneInfo(course.facts.zone)).date()


def day_of(timepoint: Timepoint, at: datetime, course: Course) -> int | None:
    """Local dates after the timepoint's anchor; None while the anchor has no date."""
    anchor = course.facts.anchors.get(timepoint.anchor)
    return (local_date(at, course) - anchor.date).days if anchor else None


def marks_of(
    course: Course, timepoint: Timepoint, sheet: Sheet, person: Person
) -> tuple[Mark, ...]:
    """How an answer stands to its window and to the dosing days."""
    window = window_of(timepoint, course.facts)
    day = day_of(timepoint, sheet.submitted_at, course)
    if window is None or day is None:
        return ()
    marks: list[Mark] = []
    if sheet.submitted_at < window.opens_at:
        marks.append("early")
    if sheet.submitted_at >= window.closes_at:
        marks.append("late")
    if timepoint.before_anchor and day >= 0:
        marks.append("after the dose")
    on = local_date(sheet.submitted_at, course)
    if any(on >= d for d in _later_doses(course, person)):
        marks.append("after another dose")
    return tuple(marks)


def _later_doses(course: Course, person: Person) -> list[date]:
    later = [c for c in person.courses if c.number > course.number]
    return [c.dosing_date for c in later if c.dosing_date and c.first_dose]


def counts(marks: tuple[Mark, ...]) -> bool:
    """Whether an answer so marked belongs into summaries and change."""
    return "after the dose" not in marks and "after another dose" not in marks


def line(
    person: Person, course: Course, instrument: Instrument, scale: Scale, now: datetime
) -> Line:
    """One scale of one course over every timepoint that asks its instrument."""
    points: list[Point] = []
    gaps: list[Gap] = []
    for timepoint in course.protocol.timepoints:
        if instrument.id not in timepoint.instruments:
            continue
        found = _point(person, course, timepoint, instrument, scale)
        if found is None:
            gaps.append(_gap(course, timepoint, instrument, scale, now))
        else:
            points.append(found)
    return Line(scale, tuple(sorted(points, key=lambda p: p.on)), tuple(gaps))


def _is_before_all(course: Course, timepoint: Timepoint) -> bool:
    """Before a second dose is not before the first: only the first anchor has a baseline."""
    return timepoint.before_anchor and timepoint.anchor == course.protocol.main_anchor.id


def _point(
    person: Person, course: Course, timepoint: Timepoint, instrument: Instrument, scale: Scale
) -> Point | None:
    sheet = course.sheet(timepoint.id, instrument.id)
    score = sheet.scores.get(scale.id) if sheet else None
    day = day_of(timepoint, sheet.submitted_at, course) if sheet else None
    if sheet is None or score is None or score.value is None or day is None:
        return None
    marks = marks_of(course, timepoint, sheet, person)
    return Point(
        timepoint=timepoint.id,
        label=timepoint.label,
        day=day,
        on=local_date(sheet.submitted_at, course),
        value=score.value,
        estimated=score.estimated,
        answered=score.answered,
        of=score.of,
        band=score.band,
        marks=marks,
        is_baseline=_is_before_all(course, timepoint) and counts(marks),
    )


def _gap(
    course: Course, timepoint: Timepoint, instrument: Instrument, scale: Scale, now: datetime
) -> Gap:
    sheet = course.sheet(timepoint.id, instrument.id)
    unscored = sheet is not None and scale.id in sheet.scores
    known = unscored and timepoint.anchor in course.facts.anchors
    reason = TOO_FEW if known else why_missing(timepoint, course.facts, now)
    return Gap(timepoint.id, timepoint.label, timepoint.target, reason)


def changes(course: Course, instrument: Instrument, line: Line) -> list[ScaleChange]:
    """Change from this course's baseline to every later point, by the protocol's rules."""
    start = line.baseline
    if start is None or instrument.session:
        return []
    later = [p for p in line.points if p is not start and p.on > start.on and counts(p.marks)]
    return [_change(course, instrument, line.scale, start, point) for point in later]


def since_last(course: Course, instrument: Instrument, line: Line) -> ScaleChange | None:
    """Change from the last point but one to the last, where that is not the baseline's change."""
    usable = [point for point in line.points if counts(point.marks)]
    if len(usable) < 2 or instrument.session:
        return None
    start, end = usable[-2:]
    if start is line.baseline or end.on <= start.on:
        return None
    return _change(course, instrument, line.scale, start, end)


def _change(
    course: Course, instrument: Instrument, scale: Scale, start: Point, end: Point
) -> ScaleChange:
    """Judged by the protocol's rule for these two timepoints, if it has one."""
    rule = course.protocol.rule(instrument.id, start.timepoint, end.timepoint)
    retest = rule.retest if rule else None
    judged = change(scale, start.value, end.value, retest)
    return ScaleChange(scale=scale, start=start, end=end, change=judged, retest=retest)
