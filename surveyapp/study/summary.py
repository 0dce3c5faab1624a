"""Summary: a retreat's people as a group, by course, timepoint and scale.

Mean, sample SD and 95 % confidence interval (t) are over everybody who has the score, estimated
scores included; `complete_n` counts those without estimation. Answers given after the dose to a
before-timepoint, or after another course's dose, are left out.
"""

from __future__ import annotations

import functools
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .instrument import Instrument
from .record import Course, Person, Sheet
from .scoring import Score
from .trajectory import counts, marks_of


@dataclass(frozen=True)
class GroupScore:
    """One row of the group table; None where n is too small for the figure."""

    course: int
    timepoint: str
    instrument: str
    scale: str
    n: int
    complete_n: int
    mean: float | None
    sd: float | None
    ci_low: float | None
    ci_high: float | None


@dataclass(frozen=True)
class Median:
    """The middle score over the same people as the row of `GroupScore`; None of nobody."""

    course: int
    timepoint: str
    instrument: str
    scale: str
    median: float | None


@dataclass(frozen=True)
class Share:
    """How many of `n` people in one course; `percent` is None when n is 0."""

    course: int
    n: int
    count: int
    percent: float | None


Key = tuple[int, str, str, str]
"""Course number, timepoint, instrument, scale."""


def scores_of(
    people: Sequence[Person], instruments: Mapping[str, Instrument]
) -> dict[Key, dict[str, Score]]:
    """The scores that count, by study code, for every key that these people's protocols ask.

    One place decides what is left out, so that no table of a report can differ from another.
    """
    found: dict[Key, dict[str, Score]] = {}
    for number, timepoint, name in _asked(people):
        sheets = _counted(people, number, timepoint, name)
        for scale in instruments[name].scales:
            known = {code: s.scores[scale.id] for code, s in sheets if scale.id in s.scores}
            there = {code: s for code, s in known.items() if s.value is not None}
            found[number, timepoint, name, scale.id] = there
    return found


def values_of(scores: Mapping[str, Score]) -> dict[str, float]:
    """The same as plain numbers."""
    return {code: s.value for code, s in scores.items() if s.value is not None}


def group_scores(
    people: Sequence[Person], instruments: Mapping[str, Instrument]
) -> list[GroupScore]:
    """Every course number x timepoint x instrument x scale that these people's protocols ask."""
    return [_row(key, found) for key, found in scores_of(people, instruments).items()]


def group_medians(people: Sequence[Person], instruments: Mapping[str, Instrument]) -> list[Median]:
    """A median for every row of `group_scores`: few people's means hang on one of them."""
    scored = scores_of(people, instruments)
    return [Median(*key, _median([*values_of(found).values()])) for key, found in scored.items()]


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def _asked(people: Iterable[Person]) -> list[tuple[int, str, str]]:
    courses = sorted((c for p in people for c in p.courses), key=lambda c: c.number)
    asked = (
        (course.number, timepoint.id, name)
        for course in courses
        for timepoint in course.protocol.timepoints
        for name in timepoint.instruments
    )
    return list(dict.fromkeys(asked))


def _counted(
    people: Iterable[Person], number: int, timepoint: str, name: str
) -> list[tuple[str, Sheet]]:
    """The sheets that belong into the summary, with whose they are."""
    found: list[tuple[str, Sheet]] = []
    for person in people:
        for course in person.courses:
            sheet = course.sheet(timepoint, name) if course.number == number else None
            if sheet is not None and is_counted(person, course, sheet):
                found.append((person.code, sheet))
    return found


def is_counted(person: Person, course: Course, sheet: Sheet) -> bool:
    """Whether a sheet is none of those that are left out."""
    return counts(marks_of(course, course.protocol.timepoint(sheet.timepoint), sheet, person))


def _row(key: Key, scores: Mapping[str, Score]) -> GroupScore:
    values = list(values_of(scores).values())
    complete = sum(1 for s in scores.values() if not s.estimated)
    return GroupScore(*key, len(values), complete, *describe(values))


def describe(
    values: Sequence[float],
) -> tuple[float | None, float | None, float | None, float | None]:
    """Mean, sample SD, and the 95 % interval of the mean.

    The SD of equal values is exactly 0: a hair's breadth of it would make an effect size endless.
    """
    n = len(values)
    if n == 0:
        return None, None, None, None
    mean = values[0] if min(values) == max(values) else math.fsum(values) / n
    if n == 1:
        return mean, None, None, None
    sd = math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (n - 1))
    half = t_quantile(0.975, n - 1) * sd / math.sqrt(n)
    return mean, sd, mean - half, mean + half


def criterion_shares(people: Sequence[Person], instrument: str, criterion: str) -> list[Share]:
    """Per course: how many meet the criterion, of those for whom it is decided."""
    asked = {number for number, _, name in _asked(people) if name == instrument}
    shares: list[Share] = []
    for number in sorted(asked):
        decided = [_decided(person, number, instrument, criterion) for person in people]
        shares.append(_share(number, [met for met in decided if met is not None]))
    return shares


def _decided(person: Person, number: int, instrument: str, criterion: str) -> bool | None:
    """Whether this person met it in any session of the course; each person counts once."""
    timepoints = [t for n, t, name in _asked([person]) if (n, name) == (number, instrument)]
    sheets = [s for t in timepoints for _code, s in _counted([person], number, t, instrument)]
    met = [m for m in (s.criteria.get(criterion) for s in sheets) if m is not None]
    return any(met) if met else None


def booster_shares(people: Sequence[Person]) -> list[Share]:
    """Per course: how many had a booster, of those who had a dose."""
    courses = [c for p in people for c in p.courses]
    return [_boosted(n, courses) for n in sorted({c.number for c in courses})]


def _boosted(number: int, courses: Iterable[Course]) -> Share:
    dosed = [c for c in courses if c.number == number and c.first_dose]
    return _share(number, [course.booster is not None for course in dosed])


def _share(number: int, flags: Sequence[bool]) -> Share:
    n, count = len(flags), sum(flags)
    return Share(number, n, count, 100 * count / n if n else None)


@functools.cache
def t_quantile(p: float, df: int) -> float:
    """Student's t quantile, 0.5 <= p < 1, by bisection on the CDF (checked against scipy)."""
    low, high = 0.0, 1.0
    while _t_cdf(high, df) < p:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        if _t_cdf(middle, df) < p:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _t_cdf(t: float, df: int) -> float:
    """CDF for t >= 0 and whole df: the finite series of Abramowitz and Stegun 26.7.3-4."""
    angle = math.atan(t / math.sqrt(df))
    cos, sin = math.cos(angle), math.sin(angle)
    term = cos if df % 2 else 1.0
    total = term if df > 1 else 0.0
    for k in range(3 if df % 2 else 2, df - 1, 2):
        term *= cos * cos * (k - 1) / k
        total += term
    area = (angle + sin * total) * 2 / math.pi if df % 2 else sin * total
    return (1 + area) / 2
