"""Reminders that the person asks for: this evening or tomorrow, inside the window only.

A wish becomes a prompt like any other, numbered from `WISHED` on: sent once, held in quiet hours,
skipped when everything was answered or the window closed.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from .protocol import Timepoint
from .schedule import Facts, barrier, hour_within, instant, window_of

When = Literal["evening", "tomorrow"]

EVENING = time(18)
LAST_CALL = time(17, 30)
"""Later than this, "this evening" would be at once."""


def choices(timepoint: Timepoint, facts: Facts, now: datetime) -> dict[When, datetime]:
    """What may be asked for now, as local times (aware); nothing outside an open window, and no
    evening that is quiet to its end."""
    window = window_of(timepoint, facts)
    if window is None or barrier(timepoint, facts) is not None:
        return {}
    if not window.opens_at <= now < window.closes_at:
        return {}
    zone = ZoneInfo(facts.zone)
    local = now.astimezone(zone)
    found: dict[When, datetime] = {}
    evening = hour_within(EVENING, facts.quiet)
    if local.time() < LAST_CALL and evening >= EVENING:
        found["evening"] = instant(local.date(), evening, facts.zone)
    hour = hour_within(timepoint.at, facts.quiet)
    found["tomorrow"] = instant(local.date() + timedelta(days=1), hour, facts.zone)
    return {when: at.astimezone(zone) for when, at in found.items() if at < window.closes_at}
