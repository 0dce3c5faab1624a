"""Protocols: which instruments are asked when, counted in days from an anchor.

Offsets are local dates: `target = 8` is eight dates after the anchor's date, at any hour. A
window opens at the start of its first local day and closes at the end of its last.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import time
from pathlib import Path

from .alerting import AlertRule, check_alerts, read_alerts
from .instrument import Instrument
from .notice import Notice, read_notice
from .programme import GroupSession, read_sessions
from .reading import Faults, Table, parse_toml, read_text

EARLIEST, LATEST = time(8), time(20)


@dataclass(frozen=True)
class Anchor:
    """A named date of one course, for example the dosing day.

    Nothing is given on one that is not `dosing`, as the start of a course of questionnaires.
    """

    id: str
    label: str
    dosing: bool = True

    @property
    def named(self) -> str:
        """Its label within a sentence: dosing day, second dosing day, start."""
        return self.label[:1].lower() + self.label[1:]


@dataclass(frozen=True)
class Timepoint:
    """A named moment: its window and prompts in days after the anchor, prompts at `at` local."""

    id: str
    label: str
    anchor: str
    opens: int
    target: int
    closes: int
    instruments: tuple[str, ...]
    prompts: tuple[int, ...]
    confirm: bool
    at: time
    anchor_named: str = "dosing day"

    @property
    def before_anchor(self) -> bool:
        return self.closes < 0

    @property
    def after_anchor(self) -> bool:
        return self.opens >= 0


@dataclass(frozen=True)
class ChangeRule:
    """Change of `instrument` from one timepoint to another is judged by this `retest` name."""

    instrument: str
    start: str
    end: str
    retest: str


@dataclass(frozen=True)
class Protocol:
    id: str
    version: str
    label: str
    anchors: tuple[Anchor, ...]
    timepoints: tuple[Timepoint, ...]
    changes: tuple[ChangeRule, ...]
    sha256: str
    text: str = field(default="", repr=False, compare=False)
    notice: Notice = field(default_factory=Notice)
    alerts: tuple[AlertRule, ...] = ()
    sessions: tuple[GroupSession, ...] = ()

    def timepoint(self, timepoint_id: str) -> Timepoint:
        """Raises KeyError."""
        return {t.id: t for t in self.timepoints}[timepoint_id]

    def rule(self, instrument: str, start: str, end: str) -> ChangeRule | None:
        """The rule for change from one timepoint to another, if the protocol has one."""
        wanted = instrument, start, end
        found = (c for c in self.changes if (c.instrument, c.start, c.end) == wanted)
        return next(found, None)

    @property
    def main_anchor(self) -> Anchor:
        return self.anchors[0]

    def anchor(self, anchor_id: str) -> Anchor:
        """Raises KeyError."""
        return {a.id: a for a in self.anchors}[anchor_id]


def load_protocol(path: Path, instruments: Mapping[str, Instrument]) -> Protocol:
    """Read one protocol. Raises FaultsFoundError naming file, key and fault."""
    faults = Faults(f"{path.parent.name}/{path.name}")
    return read_protocol(read_text(path, faults), path.stem, instruments, faults)


def read_protocol(
    text: str, name: str, instruments: Mapping[str, Instrument] | None, faults: Faults
) -> Protocol:
    """Read a protocol's text; `name` is its file's, without the ending. Raises FaultsFoundError.

    Without `instruments` what it says of them is not checked: one that was kept was, before.
    """
    root = parse_toml(text, faults)
    anchors = _anchors(root)
    named = {a.id: a.named for a in anchors}
    timepoints = tuple(t for row in root.tables("timepoints") for t in _timepoints(row, named))
    protocol = Protocol(
        id=root.name("id"),
        version=root.need("version", str, ""),
        label=root.get("label", str, name),
        anchors=anchors,
        timepoints=timepoints,
        changes=_changes(root),
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        text=text,
        notice=read_notice(root),
        alerts=read_alerts(root),
        sessions=read_sessions(root, {a.id for a in anchors}),
    )
    if protocol.id and protocol.id != name:
        root.fault("id", f"is {protocol.id!r} but the file is '{name}.toml'")
    root.close()
    if instruments is not None:
        _check_references(root, protocol, instruments)
        check_alerts(root, protocol, instruments)
    faults.raise_any()
    return protocol


def _anchors(root: Table) -> tuple[Anchor, ...]:
    anchors: list[Anchor] = []
    for row in root.tables("anchors"):
        label, dosing = row.need("label", str, ""), row.get("dosing", bool, True)
        anchors.append(Anchor(row.name("id"), label, dosing))
        row.close()
    if not anchors:
        root.fault("anchors", "needs at least one anchor")
    return tuple(anchors)


def _timepoints(row: Table, named: Mapping[str, str]) -> list[Timepoint]:
    """One table of the file: a timepoint, or several when it has `repeat`."""
    timepoint = Timepoint(
        id=row.name("id"),
        label=row.need("label", str, ""),
        anchor=(anchor := row.need("anchor", str, "")),
        opens=row.need("opens", int, 0),
        target=row.need("target", int, 0),
        closes=row.need("closes", int, 0),
        instruments=row.list_of("instruments", str),
        prompts=row.list_of("prompts", int),
        confirm=row.get("confirm", bool, False),
        at=_hour(row),
        anchor_named=named.get(anchor, anchor),
    )
    _check_days(row, timepoint)
    repeats = _repeats(row, timepoint)
    for repeat in repeats:
        if repeat.opens < 0 <= repeat.closes:
            row.fault("closes", f"{repeat.id} may not span the anchor: close by -1 or open from 0")
    row.close()
    return repeats


def _hour(row: Table) -> time:
    text = row.get("at", str, "10:00")
    try:
        at = time.fromisoformat(text)
    except ValueError:
        row.fault("at", f"{text!r} must be a time such as 10:00")
        return time(10)
    if at.tzinfo is not None or not EARLIEST <= at < LATEST:
        row.fault("at", f"{text} must lie from 08:00 to before 20:00, without a zone")
    return at


def _check_days(row: Table, t: Timepoint) -> None:
    if t.closes < t.opens:
        row.fault("closes", f"the window closes on day {t.closes}, before it opens on {t.opens}")
    elif not t.opens <= t.target <= t.closes:
        row.fault("target", f"day {t.target} lies outside the window {t.opens} to {t.closes}")
    if list(t.prompts) != sorted(set(t.prompts)):
        row.fault("prompts", "must rise, each day once")
    for day in t.prompts:
        if t.opens <= t.closes and not t.opens <= day <= t.closes:
            row.fault("prompts", f"day {day} lies outside the window {t.opens} to {t.closes}")
    if not t.instruments:
        row.fault("instruments", "asks nothing")
    for name, count in Counter(t.instruments).items():
        if count > 1:
            row.fault("instruments", f"{name!r} is used twice")


def _repeats(row: Table, t: Timepoint) -> list[Timepoint]:
    """`repeat = {every = 7, times = 12}` turns `week` into `week-01` to `week-12`."""
    if not row.has("repeat"):
        return [t]
    table = row.table("repeat")
    every, times = table.need("every", int, 1), table.need("times", int, 1)
    table.close()
    if every < 1 or not 1 <= times <= 366:
        row.fault("repeat", "every must be 1 or more days, times from 1 to 366")
        return [t]
    width = max(2, len(str(times)))
    return [_shifted(t, n, every * (n - 1), width) for n in range(1, times + 1)]


def _shifted(t: Timepoint, number: int, days: int, width: int) -> Timepoint:
    return replace(
        t,
        id=f"{t.id}-{number:0{width}d}",
        label=f"{t.label} {number}",
        opens=t.opens + days,
        target=t.target + days,
        closes=t.closes + days,
        prompts=tuple(day + days for day in t.prompts),
    )


def _changes(root: Table) -> tuple[ChangeRule, ...]:
    rules: list[ChangeRule] = []
    for row in root.tables("changes", required=False):
        rules.append(
            ChangeRule(
                instrument=row.need("instrument", str, ""),
                start=row.need("from", str, ""),
                end=row.need("to", str, ""),
                retest=row.need("retest", str, ""),
            )
        )
        row.close()
    return tuple(rules)


def _check_references(root: Table, p: Protocol, instruments: Mapping[str, Instrument]) -> None:
    _once(root, "anchors", [a.id for a in p.anchors])
    _once(root, "timepoints", [t.id for t in p.timepoints])
    _once(root, "changes", [f"{c.instrument} from {c.start} to {c.end}" for c in p.changes])
    anchors = {a.id for a in p.anchors}
    for t in p.timepoints:
        if t.anchor not in anchors:
            root.fault(f"timepoints.{t.id}.anchor", f"there is no anchor {t.anchor!r}")
        for name in t.instruments:
            if name not in instruments:
                root.fault(f"timepoints.{t.id}.instruments", f"there is no instrument {name!r}")
    if not p.timepoints:
        root.fault("timepoints", "needs at least one timepoint")
    for i, rule in enumerate(p.changes):
        _check_rule(root, f"changes[{i}]", rule, p, instruments)


def _check_rule(
    root: Table, key: str, rule: ChangeRule, p: Protocol, instruments: Mapping[str, Instrument]
) -> None:
    for end, name in (("from", rule.start), ("to", rule.end)):
        point = next((t for t in p.timepoints if t.id == name), None)
        if point is None:
            root.fault(f"{key}.{end}", f"there is no timepoint {name!r}")
        elif rule.instrument not in point.instruments:
            root.fault(f"{key}.{end}", f"{name!r} does not ask {rule.instrument!r}")
    _check_direction(root, key, rule, p)
    instrument = instruments.get(rule.instrument)
    if instrument is None:
        root.fault(f"{key}.instrument", f"there is no instrument {rule.instrument!r}")
        return
    known = {n for s in instrument.scales if s.reliability for n in s.reliability.retest}
    if rule.retest not in known:
        listed = ", ".join(sorted(known)) or "none"
        root.fault(f"{key}.retest", f"{rule.retest!r} is not a retest of its scales ({listed})")


def _check_direction(root: Table, key: str, rule: ChangeRule, p: Protocol) -> None:
    targets = {t.id: (t.anchor, t.target) for t in p.timepoints}
    start, end = targets.get(rule.start), targets.get(rule.end)
    if start and end and start[0] == end[0] and end[1] <= start[1]:
        root.fault(f"{key}.to", f"{rule.end!r} must come after {rule.start!r}")


def _once(root: Table, key: str, names: list[str]) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            root.fault(key, f"{name!r} is used twice")
