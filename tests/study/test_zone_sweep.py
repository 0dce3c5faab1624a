"""Every zone, every clock change of two years, every protocol: once, at its hour, by day.

For each change and each protocol the anchors are laid so that some prompt falls on the day of the
change, and the worker's look is played at each moment that `next_prompt` names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import pytest

from surveyapp.resources import resource
from surveyapp.study.library import load_library
from surveyapp.study.protocol import EARLIEST, LATEST, Protocol
from surveyapp.study.schedule import (
    AnchorFact,
    Facts,
    Prompt,
    Send,
    judge,
    next_prompt,
    plan,
)

FIRST, LAST = datetime(2026, 11, 1, tzinfo=UTC), datetime(2028, 11, 30, tzinfo=UTC)
PROTOCOLS = load_library(resource("instruments")).protocols
APART = timedelta(days=40)
STEP = timedelta(days=8)


def offset(zone: ZoneInfo, at: datetime) -> timedelta | None:
    return at.astimezone(zone).utcoffset()


def changes(zone: ZoneInfo) -> Iterator[datetime]:
    """The instants of two years at which this zone's clocks change, to the minute."""
    at = FIRST
    while at < LAST:
        if offset(zone, at) != offset(zone, at + STEP):
            low, high = at, at + STEP
            while high - low > timedelta(minutes=1):
                middle = low + (high - low) / 2
                if offset(zone, middle) == offset(zone, low):
                    low = middle
                else:
                    high = middle
            yield high
        at += STEP


@cache
def rules() -> dict[tuple[object, ...], list[str]]:
    """Zones by their changes: those with the same offsets at the same instants are one."""
    found: dict[tuple[object, ...], list[str]] = {}
    for name in sorted(available_timezones()):
        zone = ZoneInfo(name)
        when = tuple(changes(zone))
        key = (offset(zone, FIRST), *((at, offset(zone, at)) for at in when))
        found.setdefault(key, []).append(name)
    return found


def anchored(protocol: Protocol, zone: str, day: date, offset_days: int) -> Facts:
    """Anchors so that the prompt of the first anchor's `offset_days` falls on `day`."""
    first = day - timedelta(days=offset_days)
    dates = {a.id: first + n * APART for n, a in enumerate(protocol.anchors)}
    return Facts(
        zone=zone,
        anchors={name: AnchorFact(on, confirmed=True) for name, on in dates.items()},
        confirmed=frozenset(t.id for t in protocol.timepoints),
    )


def played(protocol: Protocol, facts: Facts) -> list[tuple[Prompt, datetime]]:
    """What a worker sends that looks exactly when it must, and when."""
    sent: list[tuple[Prompt, datetime]] = []
    for timepoint in protocol.timepoints:
        now = facts
        while (at := next_prompt(timepoint, now)) is not None:
            verdicts = judge(timepoint, now, at)
            sent += [(prompt, at) for prompt, verdict in verdicts if isinstance(verdict, Send)]
            settled = {(p.timepoint, p.number) for p, _ in verdicts}
            assert settled, "a look must settle something"
            now = replace(now, settled=now.settled | settled)
    return sent


def test_all_zones_are_swept() -> None:
    names = [name for names in rules().values() for name in names]
    assert len(names) > 590
    assert {"Europe/Amsterdam", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu"} <= {*names}


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=lambda p: p.id)
def test_each_prompt_goes_once_at_its_hour(protocol: Protocol) -> None:
    first = protocol.anchors[0].id
    offsets = {d for t in protocol.timepoints if t.anchor == first for d in t.prompts}
    some = sorted(offsets)[:: max(1, len(offsets) // 3)]
    looked = 0
    for key, names in rules().items():
        days = {at.astimezone(ZoneInfo(names[0])).date() for at, _ in key[1:]} or {FIRST.date()}
        for day in days:
            for offset_days in some:
                _check(protocol, anchored(protocol, names[0], day, offset_days))
                looked += 1
    assert looked > 100


def _check(protocol: Protocol, facts: Facts) -> None:
    hours = {t.id: t.at for t in protocol.timepoints}
    sent = played(protocol, facts)
    assert sorted(p.utc for p, _ in sent) == [p.utc for p in plan(protocol, facts)]
    assert len({(p.timepoint, p.number) for p, _ in sent}) == len(sent)
    for prompt, at in sent:
        local = at.astimezone(ZoneInfo(facts.zone))
        assert at == prompt.utc
        assert EARLIEST <= local.time() < LATEST
        assert local.time() == hours[prompt.timepoint]
