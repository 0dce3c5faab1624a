"""Comparing: how a group's scores moved, and a first course against a second for the same people.

Only pairs are compared: whoever lacks one of two scores is in neither mean. What `summary` leaves
out is left out here. There is no control group, so none of it says why a score moved.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from .instrument import Instrument
from .record import Course, Person
from .scoring import Score
from .summary import Key, describe, scores_of, values_of

FIRST, SECOND = 1, 2
Measure = Literal["score", "change"]
Values = Mapping[str, float]
Scored = Mapping[Key, Mapping[str, Score]]


@dataclass(frozen=True)
class GroupChange:
    """Change from a course's baseline (`start`) to a later timepoint (`end`), over the `n` with
    both scores; None where n is too small for the figure.

    `effect_size` is the standardised mean change: the mean change by the SD at baseline of the
    same people, without a correction for small samples (Becker 1988, "raw score"
    standardisation). It speaks in the same unit as the difference between two arms of a trial, so
    reviewers can put it beside one. Dividing by the SD of the changes instead (d_z) gives a larger
    figure the more alike people's two scores are, which is why the Cochrane Handbook advises
    against it. None for fewer than two people, or when all had the same baseline.
    """

    course: int
    start: str
    end: str
    instrument: str
    scale: str
    n: int
    mean: float | None
    sd: float | None
    ci_low: float | None
    ci_high: float | None
    effect_size: float | None


@dataclass(frozen=True)
class CourseComparison:
    """The second course less the first at one timepoint, over the `n` who have both.

    `measure` says of what: the score itself, or its change from each course's own baseline (a
    second course may begin from another level).
    """

    instrument: str
    scale: str
    timepoint: str
    measure: Measure
    n: int
    mean_first: float | None
    mean_second: float | None
    difference: float | None
    ci_low: float | None
    ci_high: float | None


def group_changes(
    people: Sequence[Person], instruments: Mapping[str, Instrument]
) -> list[GroupChange]:
    """Every course x later timepoint x scale whose instrument was asked before the course too."""
    scored, baselines = scores_of(people, instruments), _baselines(people, instruments)
    return [
        _changed(key, start, _values(scored, _at(key, start)), _values(scored, key))
        for key, start in _ends(scored, baselines)
    ]


def courses_compared(
    people: Sequence[Person], instruments: Mapping[str, Instrument]
) -> list[CourseComparison]:
    """Everything that is asked in a first course and in a second: scores, then their changes."""
    scored, baselines = scores_of(people, instruments), _baselines(people, instruments)
    moved = {key: _moved(scored, key, start) for key, start in _ends(scored, baselines)}
    levels = {key: _values(scored, key) for key in scored}
    return [*_compared("score", levels), *_compared("change", moved)]


def _baselines(
    people: Sequence[Person], instruments: Mapping[str, Instrument]
) -> dict[tuple[int, str], list[str]]:
    """By course and instrument, the timepoints before the course's first anchor, in order.

    What asks about one session has no baseline.
    """
    found: dict[tuple[int, str], list[str]] = {}
    for course in (c for p in people for c in p.courses):
        for timepoint, name in _before(course):
            known = found.setdefault((course.number, name), [])
            if not instruments[name].session and timepoint not in known:
                known.append(timepoint)
    return found


def _before(course: Course) -> Iterator[tuple[str, str]]:
    main = course.protocol.main_anchor.id
    for timepoint in course.protocol.timepoints:
        if timepoint.before_anchor and timepoint.anchor == main:
            yield from ((timepoint.id, name) for name in timepoint.instruments)


def _ends(
    scored: Scored, baselines: Mapping[tuple[int, str], list[str]]
) -> Iterator[tuple[Key, str]]:
    """Every key after a baseline, with that baseline: the last one before the course."""
    for key in scored:
        number, timepoint, instrument, _scale = key
        before = baselines.get((number, instrument))
        if before and timepoint not in before:
            yield key, before[-1]


def _at(key: Key, timepoint: str) -> Key:
    number, _timepoint, instrument, scale = key
    return number, timepoint, instrument, scale


def _values(scored: Scored, key: Key) -> dict[str, float]:
    return values_of(scored.get(key, {}))


def _moved(scored: Scored, key: Key, start: str) -> dict[str, float]:
    return _differences(_values(scored, _at(key, start)), _values(scored, key))


def _differences(earlier: Values, later: Values) -> dict[str, float]:
    """Later less earlier, of those who have both."""
    return {code: value - earlier[code] for code, value in later.items() if code in earlier}


def _changed(key: Key, start: str, earlier: Values, later: Values) -> GroupChange:
    moved = _differences(earlier, later)
    mean, sd, low, high = describe([*moved.values()])
    spread = describe([earlier[code] for code in moved])[1]
    effect = mean / spread if mean is not None and spread else None
    number, end, instrument, scale = key
    row = (number, start, end, instrument, scale, len(moved))
    return GroupChange(*row, mean, sd, low, high, effect)


def _compared(measure: Measure, found: Mapping[Key, Values]) -> Iterator[CourseComparison]:
    for (number, timepoint, instrument, scale), first in found.items():
        second = found.get((SECOND, timepoint, instrument, scale))
        if number != FIRST or second is None:
            continue
        apart = _differences(first, second)
        before, after = ([values[code] for code in apart] for values in (first, second))
        mean, _sd, low, high = describe([*apart.values()])
        yield CourseComparison(
            *(instrument, scale, timepoint, measure, len(apart)),
            *(describe(before)[0], describe(after)[0], mean, low, high),
        )
