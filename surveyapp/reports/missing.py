"""What is missing and why: every timepoint without its answers or scores, in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from ..study.instrument import Instrument
from ..study.protocol import Timepoint
from ..study.record import Course, Person
from ..study.schedule import why_missing
from ..study.trajectory import Gap
from ..texts import gettext
from . import words

_ = gettext


def missing_lines(
    person: Person, instruments: Mapping[str, Instrument], now: datetime
) -> tuple[str, ...]:
    """One line per timepoint (or instrument, or scale) that has nothing to show, oldest first."""
    several = len(person.courses) > 1
    return tuple(
        f"{words.course_name(course)}, {text[0].lower()}{text[1:]}." if several else f"{text}."
        for course in person.courses
        for timepoint in course.protocol.timepoints
        for text in _of_timepoint(course, timepoint, instruments, now)
    )


def _of_timepoint(
    course: Course, timepoint: Timepoint, instruments: Mapping[str, Instrument], now: datetime
) -> list[str]:
    gap = Gap(
        timepoint.id, timepoint.label, timepoint.target, why_missing(timepoint, course.facts, now)
    )
    unsent = [n for n in timepoint.instruments if course.sheet(timepoint.id, n) is None]
    if len(unsent) == len(timepoint.instruments):
        return [words.missing(course, gap, now)]
    found = [words.missing(course, _renamed(gap, instruments[name].name), now) for name in unsent]
    for name in timepoint.instruments:
        found += _unscored(course, timepoint, instruments[name])
    return found


def _renamed(gap: Gap, instrument: str) -> Gap:
    return Gap(gap.timepoint, f"{gap.label}, {instrument}", gap.target_day, gap.reason)


def _unscored(course: Course, timepoint: Timepoint, instrument: Instrument) -> list[str]:
    """Scales of a sent sheet that have too few answers; a total says no more than its parts."""
    sheet = course.sheet(timepoint.id, instrument.id)
    if sheet is None:
        return []
    text = _("{timepoint}, {scale}: too few answers for a score ({k} of {n})")
    return [
        text.format(
            timepoint=timepoint.label,
            scale=words.within(words.name(s)),
            k=score.answered,
            n=score.of,
        )
        for s in instrument.scales
        if s.items and (score := sheet.scores.get(s.id)) is not None and score.value is None
    ]
