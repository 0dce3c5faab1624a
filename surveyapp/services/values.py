"""Values: the points of a trajectory's chart as a table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ..reports import words
from ..reports.trajectory_chart import day_after
from ..study.instrument import Instrument, Scale
from ..study.record import Course, Person
from ..study.trajectory import Line, Point, line
from ..texts import day, number, ordinal

Heads = tuple[str, ...]
Rows = tuple[tuple[str, ...], ...]


def values_table(
    person: Person, instrument: Instrument, scales: Sequence[Scale], now: datetime
) -> tuple[Heads, Rows]:
    """One row for each timepoint of each course, also where a score is missing."""
    heads = ("Course", "Timepoint", "Answered", "Day", *(words.name(scale) for scale in scales))
    rows: list[tuple[str, ...]] = []
    for course in person.courses:
        lines = [line(person, course, instrument, scale, now) for scale in scales]
        for timepoint in course.protocol.timepoints:
            if instrument.id in timepoint.instruments:
                rows.append(_row(course, timepoint.id, timepoint.label, lines))
    return heads, tuple(rows)


def _row(course: Course, timepoint: str, label: str, lines: Sequence[Line]) -> tuple[str, ...]:
    points = [_point(found, timepoint) for found in lines]
    known = next((p for p in points if p is not None), None)
    when = (day(known.on), number(day_after(course, known))) if known else ("–", "–")
    told = [_told(found, p, timepoint) for found, p in zip(lines, points, strict=True)]
    return ordinal(course.number), label, *when, *told


def _point(found: Line, timepoint: str) -> Point | None:
    return next((p for p in found.points if p.timepoint == timepoint), None)


def _told(found: Line, point: Point | None, timepoint: str) -> str:
    if point is None:
        gap = next((g for g in found.gaps if g.timepoint == timepoint), None)
        return words.REASONS[gap.reason] if gap else "–"
    asides = [band.label.lower() for band in found.scale.bands if band.id == point.band]
    asides += ["estimated"] if point.estimated else []
    shown = words.value(found.scale, point.value, estimated=point.estimated)
    return ", ".join([shown, *asides, *point.marks])
