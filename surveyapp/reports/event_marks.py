"""Event marks: a small triangle on the axis of days for each day on which something was recorded.

It is filled where the gravest event of that day had grade 3 or more, so that it reads in grey.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from ..study.record import Course, Event
from ..study.trajectory import local_date
from ..texts import day, gettext, number
from .frame import Space

_ = gettext

GRAVE = 3
TOP, HEIGHT, HALF = 0.8, 4.8, 3.0


@dataclass(frozen=True)
class EventMark:
    """The triangle of one day."""

    path: str
    filled: bool


def event_marks(space: Space, course: Course) -> tuple[EventMark, ...]:
    """The days of a course's events that lie on the axis; the table of events has them all."""
    if course.dosing_date is None:
        return ()
    grades: defaultdict[int, int] = defaultdict(int)
    for event in course.events:
        at = (local_date(event.started_at, course) - course.dosing_date).days
        grades[at] = max(grades[at], event.grade)
    shown = range(space.days.first, space.days.last + 1)
    return tuple(
        EventMark(_triangle(space.x(at), space.bottom), grade >= GRAVE)
        for at, grade in sorted(grades.items())
        if at in shown
    )


def legend_words(courses: Iterable[Course]) -> str:
    """What the triangles mean; empty where there are none."""
    grades = [event.grade for course in courses for event in course.events]
    if not grades:
        return ""
    return _("△ event") if max(grades) < GRAVE else _("△ event, ▲ grade 3 or more")


def told(course: Course) -> str:
    """The events of a course in words, for the chart's description."""
    listed = "; ".join(_one(event, course) for event in course.events)
    return _("Events: {events}.").format(events=listed) if listed else ""


def _one(event: Event, course: Course) -> str:
    on = day(local_date(event.started_at, course))
    return _("{term}, grade {grade}, {day}").format(
        term=event.term, grade=number(event.grade), day=on
    )


def _triangle(x: float, bottom: float) -> str:
    top, base = bottom + TOP, bottom + TOP + HEIGHT
    return f"M{x:.1f} {top:.1f}L{x + HALF:.1f} {base:.1f}L{x - HALF:.1f} {base:.1f}Z"
