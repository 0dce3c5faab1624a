"""Scoring: from answers to scale scores, by the instrument's key alone.

Missing answers: a scale with at least `minimum` answered items is its own mean times its number
of items (HADS: the half rule for individual use, Bell 2016, doi 10.1186/s13104-016-2284-z; MEQ30:
80 %, a decision of this project). A scale of parts exists when all its parts do.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from .instrument import Criterion, Instrument, Scale

Answers = Mapping[str, int | None]


class AnswerError(ValueError):
    """An answer that the instrument does not know: an item or a value of no option."""


@dataclass(frozen=True)
class Score:
    """One scale's score. `value` is unrounded and None where the missing rule forbids a score."""

    value: float | None
    answered: int
    of: int
    estimated: bool
    band: str | None


@dataclass(frozen=True)
class Scored:
    """All scores of one answer sheet; criteria are None where the answers do not decide."""

    scales: Mapping[str, Score]
    criteria: Mapping[str, bool | None]


def check_answer(instrument: Instrument, item: str, value: int | None) -> None:
    """Raise AnswerError unless `item` exists and `value` is one of its options (or None)."""
    known = {i.id: i for i in instrument.items}
    if item not in known:
        raise AnswerError(f"{instrument.name} has no item {item!r}")
    if value is None:
        return
    if type(value) is not int or value not in known[item].values:
        allowed = ", ".join(map(str, known[item].values))
        raise AnswerError(f"item {item} of {instrument.name} takes {allowed}, not {value!r}")


def score(instrument: Instrument, answers: Answers) -> Scored:
    """Score one answer sheet; an item that is absent or None counts as missing.

    Raises AnswerError for an unknown item or a value that is none of its options.
    """
    for item, value in answers.items():
        check_answer(instrument, item, value)
    scales: dict[str, Score] = {}
    for scale in instrument.scales:
        scales[scale.id] = (
            _of_items(scale, answers) if scale.items else _of_parts(scale, instrument, scales)
        )
    criteria = {c.id: _decide(c, instrument, answers) for c in instrument.criteria}
    return Scored(scales, criteria)


def band_of(scale: Scale, value: float) -> str | None:
    """The band of a value, rounded half up."""
    rounded = math.floor(value + 0.5)
    return next((b.id for b in scale.bands if b.low <= rounded <= b.high), None)


def _given(scale: Scale, answers: Answers) -> list[int]:
    values = (answers.get(item) for item in scale.items)
    return [value for value in values if value is not None]


def _of_items(scale: Scale, answers: Answers) -> Score:
    given = _given(scale, answers)
    of = len(scale.items)
    if len(given) < scale.minimum:
        return Score(None, len(given), of, False, None)
    # One division, so that a complete sheet keeps whole numbers exact.
    if scale.report == "percent":
        value = 100 * sum(given) * of / (len(given) * scale.high)
    else:
        value = sum(given) * of / len(given)
    return Score(value, len(given), of, len(given) < of, band_of(scale, value))


def _of_parts(scale: Scale, instrument: Instrument, done: Mapping[str, Score]) -> Score:
    parts = [(instrument.scale(p), done[p]) for p in scale.parts]
    answered = sum(s.answered for _, s in parts)
    of = sum(s.of for _, s in parts)
    values = [(part, s.value) for part, s in parts if s.value is not None]
    if len(values) < len(parts):
        return Score(None, answered, of, False, None)
    raw = math.fsum(value * _points(part) for part, value in values)
    value = raw * 100 / scale.high if scale.report == "percent" else raw
    estimated = any(s.estimated for _, s in parts)
    return Score(value, answered, of, estimated, band_of(scale, value))


def _points(scale: Scale) -> float:
    """How many points one unit of this scale's value is worth."""
    return scale.high / 100 if scale.report == "percent" else 1.0


def _decide(criterion: Criterion, instrument: Instrument, answers: Answers) -> bool | None:
    """True, False, or None: the least and the most the answers can still come to decide it."""
    undecided = False
    for scale in (instrument.scale(s) for s in criterion.scales):
        least, most = _reach(scale, instrument, answers)
        if 100 * most < criterion.percent * scale.high:
            return False
        undecided = undecided or 100 * least < criterion.percent * scale.high
    return None if undecided else True


def _reach(scale: Scale, instrument: Instrument, answers: Answers) -> tuple[int, int]:
    least = most = 0
    for item in scale.items:
        value = answers.get(item)
        values = instrument.item(item).values
        least += min(values) if value is None else value
        most += max(values) if value is None else value
    return least, most
