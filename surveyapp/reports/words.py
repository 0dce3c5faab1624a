"""Words: how courses, doses, scores and what is missing are said, on charts and in reports.

Scores are shown as whole numbers; estimated ones keep a decimal. Nothing here says why a score
changed, names a diagnosis or compares a person with others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from ..study.instrument import Scale
from ..study.record import Course, Dose, Sheet
from ..study.schedule import window_of
from ..study.trajectory import Gap, Line, Mark, Point, ScaleChange
from ..texts import (
    ENGLISH,
    amount,
    day,
    gettext,
    number,
    ordinal,
    plain_day,
    short_day,
    signed,
    spoken,
)

_ = gettext

OUTSIDE, AFTER = "†", "‡"
DAGGERS: dict[Mark, str] = {
    "early": OUTSIDE,
    "late": OUTSIDE,
    "after the dose": AFTER,
    "after another dose": AFTER,
}
WAYS = {"lower": _("Lower is better."), "higher": _("Higher is more."), "none": ""}
WORSE = "▲"
FLAG = "⚑"

REASONS = {
    "not expected": _("no dosing day yet"),
    "ended": _("not expected any more"),
    "upcoming": _("not yet"),
    "open": _("not answered yet"),
    "in progress": _("started, not sent"),
    "missed": _("not answered"),
    "submitted": _("not answered"),
    "late": _("not answered"),
    "too few answers": _("too few answers"),
}


def join(words: Sequence[str]) -> str:
    """a, b and c"""
    if len(words) < 2:
        return "".join(words)
    return _("{list} and {last}").format(list=", ".join(words[:-1]), last=words[-1])


def name(scale: Scale) -> str:
    """The scale's plain name."""
    return scale.plain or scale.label


def within(text: str) -> str:
    """A label within a sentence; German keeps the capitals of its nouns."""
    return text if spoken() == "de" else text.lower()


def opened(text: str) -> str:
    """A label such as "Before the retreat" within a sentence: its first letter alone is lowered."""
    return text[:1].lower() + text[1:]


def course_name(course: Course) -> str:
    return _("{ordinal} course").format(ordinal=ordinal(course.number))


def nth(number_of: int) -> str:
    """1st, 2nd, 3rd, …, where columns are narrow; other languages write 1., 1e, 1.º."""
    if spoken() != ENGLISH:
        return gettext("%(number)sth") % {"number": number_of}
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number_of if number_of < 20 else number_of % 10, "th")
    return f"{number_of}{ending}"


def course_title(course: Course) -> str:
    """First course · Spring 2025"""
    return f"{course_name(course)} · {course.retreat}"


def doses(course: Course) -> str:
    """35 + 10 mg; 35 mg, booster declined; planned; several dosing days: 80 mg; 80 + 40 mg."""
    dosing = [a for a in course.protocol.anchors if a.dosing]
    known = [a.id for a in dosing if a.id in course.facts.anchors]
    told = [doses_on(course, anchor) for anchor in known or [a.id for a in dosing[:1]]]
    return "; ".join(told)


def doses_on(course: Course, anchor: str) -> str:
    """The doses of one dosing day."""
    there = [d for d in course.doses if d.anchor == anchor]
    first = next((d for d in there if d.kind == "first"), None)
    if first is None:
        return _("planned") if anchor in course.facts.anchors else _("no dosing day yet")
    if first.status != "given":
        return _status(first)
    given = [d for d in there if d.status == "given"]
    refused = [d for d in there if d.status != "given"]
    parts = [_milligrams(given)]
    parts += [_("booster {status}").format(status=_status(d)) for d in refused]
    return ", ".join(parts)


def dose_labels(course: Course, anchor: str, on: date) -> tuple[str, ...]:
    """What an anchor's day is labelled with, from the fullest to the shortest text."""
    shortest = short_day(on)
    if not course.protocol.anchor(anchor).dosing:
        return plain_day(on), shortest
    given = [d for d in course.doses if d.anchor == anchor and d.status == "given"]
    told = doses_on(course, anchor)
    return (
        f"{plain_day(on)} · {told}",
        f"{shortest} · {told}",
        *([f"{shortest} · {_milligrams(given)}"] if given else []),
        shortest,
    )


def _status(dose: Dose) -> str:
    status = _(dose.status)
    return f"{status} ({dose.reason})" if dose.reason else status


def _milligrams(given: Iterable[Dose]) -> str:
    known = [amount(d.mg) for d in given if d.mg is not None]
    return f"{' + '.join(known)} mg" if known else _("given")


def value(scale: Scale, score: float, *, estimated: bool) -> str:
    """A score as shown: whole, one decimal when estimated, percent with its sign."""
    if scale.report == "percent":
        return f"{number(score)} %"
    return number(score, 1 if estimated else 0)


def difference(scale: Scale, change: ScaleChange) -> str:
    estimated = change.start.estimated or change.end.estimated
    return signed(change.change.difference, 1 if estimated and scale.report == "sum" else 0)


def daggers(marks: Iterable[Mark]) -> str:
    return "".join(sorted({DAGGERS[m] for m in marks}))


def point_label(scale: Scale, point: Point) -> str:
    """What stands beside a point: 9, 8.4, 9†"""
    return value(scale, point.value, estimated=point.estimated) + daggers(point.marks)


def is_dosed(course: Course) -> bool:
    """Whether days count from a dose, and not from a start without one."""
    return course.protocol.main_anchor.dosing


def days_after(days: int, *, dosed: bool = True) -> str:
    """9 days before the dose; on the dosing day; 8 days after the dose; 7 days after the start"""
    if not dosed:
        return _days_after_start(days)
    if days == 0:
        return _("on the dosing day")
    unit = _("day") if abs(days) == 1 else _("days")
    if days < 0:
        return _("{n} {unit} before the dose").format(n=-days, unit=unit)
    return _("{n} {unit} after the dose").format(n=days, unit=unit)


def _days_after_start(days: int) -> str:
    if days == 0:
        return _("on the day of the start")
    unit = _("day") if abs(days) == 1 else _("days")
    if days < 0:
        return _("{n} {unit} before the start").format(n=-days, unit=unit)
    return _("{n} {unit} after the start").format(n=days, unit=unit)


def timepoint_label(course: Course, sheet: Sheet) -> str:
    return course.protocol.timepoint(sheet.timepoint).label


def direction(scale: Scale) -> str:
    """Lower is better. 0–21."""
    unit = " %" if scale.report == "percent" else ""
    low, high = axis(scale)
    return f"{way(scale)} {number(low)}–{number(high)}{unit}".strip()


def way(scale: Scale) -> str:
    """Lower is better. Empty for a scale without a direction."""
    found = WAYS[scale.direction]
    return _(found) if found else ""


def heading(scales: Sequence[Scale]) -> str:
    """Anxiety and depression, lower is better"""
    names = [name(scales[0]), *(within(name(s)) for s in scales[1:])]
    ways = {"lower": _(", lower is better"), "higher": _(", higher is more"), "none": ""}
    return join(names) + ways[scales[0].direction]


def axis(scale: Scale) -> tuple[float, float]:
    """The fixed ends of a scale's axis, in its unit."""
    return (0.0, 100.0) if scale.report == "percent" else (float(scale.low), float(scale.high))


def thresholds(scale: Scale) -> tuple[int, ...]:
    """Where each band but the first begins."""
    return tuple(band.low for band in scale.bands[1:])


def gap_labels(gap: Gap, scale_names: Sequence[str]) -> tuple[str, ...]:
    """Day 8: not answered; with the names of the scales when only those are missing."""
    reason = _(REASONS[gap.reason])
    if not scale_names:
        return f"{gap.label}: {reason}", gap.label, ""
    named = join(scale_names)
    return f"{gap.label}, {within(named)}: {reason}", f"{named}: {reason}", named, ""


def missing(course: Course, gap: Gap, now: datetime) -> str:
    """One line on a timepoint without a score, with the date on which that changes."""
    text = f"{gap.label}: {_(REASONS[gap.reason])}"
    window = window_of(course.protocol.timepoint(gap.timepoint), course.facts)
    if window is None:
        return text
    if gap.reason == "upcoming":
        return _("{what}, opens {day}").format(what=text, day=day(window.opens))
    if gap.reason in ("open", "in progress") and now < window.closes_at:
        return _("{what}, open until {day}").format(what=text, day=day(window.closes))
    if gap.reason == "missed":
        why = course.missing.get(gap.timepoint, "")
        text = f"{text} ({_(why)})" if why else text
        return _("{what}, closed {day}").format(what=text, day=day(window.closes))
    return text


def spoken_line(line: Line, *, dosed: bool = True) -> str:
    """One line's numbers in words, for those who cannot see the chart."""
    told = [
        _("{value} {when}").format(
            value=point_label(line.scale, p).rstrip(OUTSIDE + AFTER) + _asides(p),
            when=days_after(p.day, dosed=dosed),
        )
        for p in line.points
    ]
    told += [f"{g.label} {_(REASONS[g.reason])}" for g in line.gaps]
    return f"{name(line.scale)}: {'; '.join(told) or _('nothing yet')}."


def _asides(point: Point) -> str:
    asides = [_("estimated")] if point.estimated else []
    asides += [_(mark) for mark in point.marks]
    return f" ({', '.join(asides)})" if asides else ""
