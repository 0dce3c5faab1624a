"""Sentences: one plain sentence per scale for page one, and the words of the change column.

A change is put beside the size of measurement error, and left there: no cause, no verdict on the
person. A reliable worsening and a score in the highest band carry a symbol as well as words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..study.instrument import Scale
from ..study.trajectory import Line, Point, ScaleChange, counts
from ..texts import gettext, number
from . import words

_ = gettext


@dataclass(frozen=True)
class Sentence:
    """`flag` is a symbol in front ("" for none): worse beyond error, or a concerning score.

    `when` names the timepoint that the sentence speaks of.
    """

    flag: str
    when: str
    text: str


def sentence(line: Line, changes: Sequence[ScaleChange]) -> Sentence | None:
    """The newest state of one scale against the course's own baseline; None without a score."""
    usable = [p for p in line.points if counts(p.marks)]
    if not usable:
        return None
    latest = usable[-1]
    change = next((c for c in reversed(changes) if c.end is latest), None)
    text, worse = _state(line, latest, change), _is_worse(line.scale, change)
    range_words = concern(line.scale, latest)
    flag = words.WORSE if worse else words.FLAG if range_words else ""
    return Sentence(flag, latest.label, f"{text} {range_words}".rstrip())


def _state(line: Line, latest: Point, change: ScaleChange | None) -> str:
    scale = line.scale
    here = f"{words.name(scale)} {_shown(scale, latest)}"
    if change is not None:
        before = _shown(scale, change.start)
        return f"{words.name(scale)} {before} → {_shown(scale, latest)} {_told(change)}"
    if latest.is_baseline:
        return _("{here} {start}; nothing later to compare it with yet.").format(
            here=here, start=words.opened(latest.label)
        )
    return _("{here}; no score from before the retreat to compare it with.").format(here=here)


def _shown(scale: Scale, point: Point) -> str:
    text = words.value(scale, point.value, estimated=point.estimated)
    return _("{value} (estimated)").format(value=text) if point.estimated else text


def _told(change: ScaleChange) -> str:
    since = _("since {start}").format(start=words.opened(change.start.label))
    reliable = change.change.reliable
    if reliable is not None:
        limit = _points(reliable.limit)
        if reliable.verdict == "within":
            return _("{since}; this may be within measurement error ({limit}).").format(
                since=since, limit=limit
            )
        return _("{since}: a {verdict} beyond measurement error ({limit}).").format(
            since=since, verdict=_(reliable.verdict), limit=limit
        )
    if change.change.meaningful:
        return _("{since}: a fall that people usually notice ({size}).").format(
            since=since, size=_fall(change)
        )
    return _("{since}; how much of this is measurement error is not known.").format(since=since)


def _points(limit: float) -> str:
    return _("{n} points").format(n=number(limit, 1))


def _fall(change: ScaleChange) -> str:
    points = _points_whole(-change.change.difference)
    percent = change.change.percent
    return points if percent is None else f"{points}, {number(-percent)} %"


def _points_whole(points: float) -> str:
    return _("1 point") if points == 1 else _("{n} points").format(n=number(points))


def _is_worse(scale: Scale, change: ScaleChange | None) -> bool:
    if change is None or change.change.reliable is None:
        return False
    bad = {"lower": "rise", "higher": "fall"}.get(scale.direction)
    return change.change.reliable.verdict == bad


def concern(scale: Scale, point: Point) -> str:
    """A sentence when the score lies in the highest of the bands where lower is better."""
    if scale.direction != "lower" or not scale.bands or point.band != scale.bands[-1].id:
        return ""
    return _("In the range often seen with {what} ({low} or more).").format(
        what=words.within(words.name(scale)), low=scale.bands[-1].low
    )


def verdict(change: ScaleChange) -> str:
    """The change column of the table: what may be said of it."""
    reliable = change.change.reliable
    if reliable is None:
        if change.change.meaningful is None:
            return _("error not known")
        noticed = _("usually noticed"), _("less than usually noticed")
        return noticed[0] if change.change.meaningful else noticed[1]
    if reliable.verdict == "within":
        return _("may be within error")
    worse = _is_worse(change.scale, change)
    text = _("a {verdict} beyond error").format(verdict=_(reliable.verdict))
    return f"{words.WORSE} {text}" if worse else text
