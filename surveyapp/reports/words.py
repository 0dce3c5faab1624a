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
from ..texts import amount, day, gettext, number, ordinal, plain_day, short_day, signed

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


def course_name(course: Course) -> str:
    return _("{ordinal} course").format(ordinal=ordinal(course.number))


def nth(number_of: int) -> str:
    """1st, 2nd, 3rd, …, where columns are narrow."""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number_of if number_of < 20 else number_of % 10, "th")
    return f"{number_of}{ending}"


def course_title(course: Course) -> str:
    """First course · Spring 2025"""
    return f"{course_name(course)} · {course.retreat}"


def doses(course: Course) -> str:
    """35 + 10 mg; 35 mg, booster declined; planned; declined."""
    first = next((d for d in course.doses if d.kind == "first"), None)
    if first is None:
        return _("planned") if course.dosing_date else _("no dosing day yet")
    if first.status != "given":
        return _status(first)
    given = [d for d in course.doses if d.status == "given"]
    refused = [d for d in course.doses if d.status != "given"]
    parts = [_milligrams(given)]
    parts += [_("booster {status}").format(status=_status(d)) for d in refused]
    return ", ".join(parts)


def dose_labels(course: Course, dosing: date) -> tuple[str, ...]:
    """What the dosing day is labelled with, from the fullest to the shortest text."""
    given = [d for d in course.doses if d.status == "given"]
    shortest = short_day(dosing)
    return (
        f"{plain_day(dosing)} · {doses(course)}",
        f"{shortest} · {doses(course)}",
        *([f"{shortest} · {_milligrams(given)}"] if given else []),
        shortest,
    )


def _status(dose: Dose) -> str:
    return f"{dose.status} ({dose.reason})" if dose.reason else dose.status


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


def days_after(days: int) -> str:
    """9 days before the dose; on the dosing day; 8 days after the dose"""
    if days == 0:
        return _("on the dosing day")
    unit = _("day") if abs(days) == 1 else _("days")
    if days < 0:
        return _("{n} {unit} before the dose").format(n=-days, unit=unit)
    return _("{n} {unit} after the dose").format(n=days, unit=unit)


def timepoint_label(course: Course, sheet: Sheet) -> str:
    return course.protocol.timepoint(sheet.timepoint).label


def direction(scale: Scale) -> str:
    """Lower is better. 0–21."""
    unit = " %" if scale.report == "percent" else ""
    low, high = axis(scale)
    return f"{WAYS[scale.direction]} {number(low)}–{number(high)}{unit}".strip()


def heading(scales: Sequence[Scale]) -> str:
    """Anxiety and depression, lower is better"""
    names = [name(scales[0]), *(name(s).lower() for s in scales[1:])]
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
    reason = REASONS[gap.reason]
    if not scale_names:
        return f"{gap.label}: {reason}", gap.label, ""
    named = join(scale_names)
    return f"{gap.label}, {named.lower()}: {reason}", f"{named}: {reason}", named, ""


def missing(course: Course, gap: Gap, now: datetime) -> str:
    """One line on a timepoint without a score, with the date on which that changes."""
    text = f"{gap.label}: {REASONS[gap.reason]}"
    window = window_of(course.protocol.timepoint(gap.timepoint), course.facts)
    if window is None:
        return text
    if gap.reason == "upcoming":
        return _("{what}, opens {day}").format(what=text, day=day(window.opens))
    if gap.reason in ("open", "in progress") and now < window.closes_at:
        return _("{what}, open until {day}").format(what=text, day=day(window.closes))
    if gap.reason == "missed":
        return _("{what}, closed {day}").format(what=text, day=day(window.closes))
    return text


def spoken_line(line: Line) -> str:
    """One line's numbers in words, for those who cannot see the chart."""
    told = [
        _("{value} {when}").format(
            value=point_label(line.scale, p).rstrip(OUTSIDE + AFTER) + _asides(p),
            when=days_after(p.day),
        )
        for p in line.points
    ]
    told += [f"{g.label} {REASONS[g.reason]}" for g in line.gaps]
    return f"{name(line.scale)}: {'; '.join(told) or _('nothing yet')}."


def _asides(point: Point) -> str:
    asides = [_("estimated")] if point.estimated else []
    asides += point.marks
    return f" ({', '.join(asides)})" if asides else ""
