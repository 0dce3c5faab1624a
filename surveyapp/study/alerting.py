"""Alerting: a protocol's rules for worrying answers, and what they find.

A rule compares numbers; it does not know how somebody is. What it finds is a fact: which rule, of
which scale or item, with the numbers that it went by. Answers that came with an import find
nothing: they are history, which somebody read already.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from .change import change
from .instrument import Instrument, Scale
from .reading import Table

if TYPE_CHECKING:
    from .protocol import Protocol
    from .record import Course, Sheet

WORSENING, CASE, SAFETY = "reliable worsening", "case range", "safety item"
KINDS = (WORSENING, CASE)
CASE_BAND = "case"
Instruments = Mapping[str, Instrument]


@dataclass(frozen=True)
class AlertRule:
    """One `[[alerts]]` table. No `scales`: every scale of the instrument that can be judged. `band`
    is the id of the band that counts as the case range."""

    kind: str
    instrument: str
    scales: tuple[str, ...] = ()
    band: str = CASE_BAND


@dataclass(frozen=True)
class Finding:
    """What a rule found at a timepoint; `about` is a scale's or an item's id. `numbers`, in the
    scale's unit: `now`, `limit`, and `before` where it was compared."""

    rule: str
    timepoint: str
    instrument: str
    about: str
    numbers: Mapping[str, float] = field(default_factory=dict[str, float])


def read_alerts(root: Table) -> tuple[AlertRule, ...]:
    """The rules of a protocol's file."""
    rules: list[AlertRule] = []
    for row in root.tables("alerts", required=False):
        rule = AlertRule(
            kind=row.need("kind", str, WORSENING),
            instrument=row.need("instrument", str, ""),
            scales=row.list_of("scales", str, required=False),
            band=row.get("band", str, CASE_BAND),
        )
        if rule.kind not in KINDS:
            row.fault("kind", f"{rule.kind!r} must be one of {', '.join(KINDS)}")
        if rule.kind == WORSENING and row.has("band"):
            row.fault("band", f"belongs to {CASE!r} alone")
        row.close()
        rules.append(rule)
    return tuple(rules)


def check_alerts(root: Table, protocol: Protocol, instruments: Instruments) -> None:
    """Report rules that could never find anything, as faults of the file."""
    seen: set[tuple[str, str]] = set()
    for number, rule in enumerate(protocol.alerts):
        key = f"alerts[{number}]"
        if (rule.kind, rule.instrument) in seen:
            root.fault(key, f"{rule.kind!r} of {rule.instrument!r} is used twice")
        seen.add((rule.kind, rule.instrument))
        instrument = instruments.get(rule.instrument)
        if instrument is None:
            root.fault(f"{key}.instrument", f"there is no instrument {rule.instrument!r}")
        elif rule.kind in KINDS:
            _check_reach(root, key, rule, protocol)
            _check_scales(root, key, rule, instrument)


def _check_reach(root: Table, key: str, rule: AlertRule, protocol: Protocol) -> None:
    if rule.kind == WORSENING:
        if all(rule.instrument != c.instrument for c in protocol.changes):
            root.fault(f"{key}.instrument", f"no [[changes]] judges {rule.instrument!r}")
    elif not any(t.after_anchor and rule.instrument in t.instruments for t in protocol.timepoints):
        root.fault(f"{key}.instrument", f"no timepoint after an anchor asks {rule.instrument!r}")


def _check_scales(root: Table, key: str, rule: AlertRule, instrument: Instrument) -> None:
    known = {scale.id for scale in instrument.scales}
    able = {scale.id for scale in instrument.scales if _can_judge(rule, scale)}
    lacks = "has no direction and retest" if rule.kind == WORSENING else f"has no {rule.band!r}"
    for name in rule.scales:
        if name not in known:
            root.fault(f"{key}.scales", f"there is no scale {name!r}")
        elif name not in able:
            root.fault(f"{key}.scales", f"{name!r} {lacks}, so it cannot be judged")
    if not rule.scales and not able:
        root.fault(f"{key}.scales", f"every scale of {instrument.id!r} {lacks}")


def _can_judge(rule: AlertRule, scale: Scale) -> bool:
    if rule.kind == CASE:
        return any(band.id == rule.band for band in scale.bands)
    return scale.direction != "none" and scale.reliability is not None


def found(protocol: Protocol, course: Course, instruments: Instruments) -> list[Finding]:
    """Everything that the rules and the marked items find in one course, in the sheets' order."""
    return [
        finding
        for sheet in course.sheets
        if sheet.mode != "import"
        for finding in _in_sheet(protocol, course, sheet, instruments)
    ]


def _in_sheet(
    protocol: Protocol, course: Course, sheet: Sheet, instruments: Instruments
) -> Iterator[Finding]:
    instrument = instruments[sheet.instrument]
    yield from in_answers(instrument, sheet.timepoint, sheet.answers)
    for rule in protocol.alerts:
        if rule.instrument != sheet.instrument:
            continue
        for scale in instrument.scales:
            if _can_judge(rule, scale) and (not rule.scales or scale.id in rule.scales):
                numbers = _judged(rule, scale, protocol, course, sheet)
                if numbers:
                    yield Finding(rule.kind, sheet.timepoint, sheet.instrument, scale.id, numbers)


def in_answers(
    instrument: Instrument, timepoint: str, answers: Mapping[str, int | None]
) -> list[Finding]:
    """Answers to items that are marked for safety, with a value that counts."""
    return [
        Finding(SAFETY, timepoint, instrument.id, item.id, {"now": float(value)})
        for item in instrument.items
        for value in [answers.get(item.id)]
        if value is not None and value in item.safety_values
    ]


def has_rules(protocol: Protocol, instruments: Instruments) -> bool:
    """Whether anything asked under this protocol may raise an alert."""
    return bool(protocol.alerts) or any(
        item.safety_values
        for timepoint in protocol.timepoints
        for name in timepoint.instruments
        if name in instruments
        for item in instruments[name].items
    )


def _judged(
    rule: AlertRule, scale: Scale, protocol: Protocol, course: Course, sheet: Sheet
) -> dict[str, float]:
    """The numbers by which the rule holds; empty where it does not."""
    value = _value(sheet, scale)
    if value is None:
        return {}
    if rule.kind == CASE:
        return _in_case_range(rule, scale, protocol, sheet, value)
    return _worse(scale, protocol, course, sheet, value)


def _in_case_range(
    rule: AlertRule, scale: Scale, protocol: Protocol, sheet: Sheet, value: float
) -> dict[str, float]:
    after = protocol.timepoint(sheet.timepoint).after_anchor
    if not after or sheet.scores[scale.id].band != rule.band:
        return {}
    low = next(band.low for band in scale.bands if band.id == rule.band)
    return {"now": value, "limit": float(low)}


def _worse(
    scale: Scale, protocol: Protocol, course: Course, sheet: Sheet, value: float
) -> dict[str, float]:
    to = sheet.instrument, sheet.timepoint
    judge = next((c for c in protocol.changes if (c.instrument, c.end) == to), None)
    start = course.sheet(judge.start, sheet.instrument) if judge else None
    before = _value(start, scale) if start and _is_start(course, protocol, start) else None
    if judge is None or before is None:
        return {}
    reliable = change(scale, before, value, judge.retest).reliable
    worse = "rise" if scale.direction == "lower" else "fall"
    if reliable is None or reliable.verdict != worse:
        return {}
    return {"before": before, "now": value, "limit": reliable.limit}


def _value(sheet: Sheet, scale: Scale) -> float | None:
    score = sheet.scores.get(scale.id)
    return score.value if score else None


def _is_start(course: Course, protocol: Protocol, sheet: Sheet) -> bool:
    """What was answered on or after the day it should come before is nothing to start from."""
    timepoint = protocol.timepoint(sheet.timepoint)
    anchor = course.facts.anchors.get(timepoint.anchor)
    if anchor is None:
        return False
    on = sheet.submitted_at.astimezone(ZoneInfo(course.facts.zone)).date()
    return not timepoint.before_anchor or on < anchor.date
