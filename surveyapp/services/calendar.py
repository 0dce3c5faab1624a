"""A person's windows as a calendar file: all-day entries that tell nothing but "Check-in".

Entries keep their identity (a keyed hash), so that a file fetched again after a day moved replaces
the old ones. A window whose day is not confirmed is tentative. Asking for the file changes nothing.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.utils import parseaddr
from typing import Any

from icalendar import Calendar, Event

from .. import texts
from ..store.facts import CourseContext
from ..study.protocol import Timepoint
from ..study.schedule import Window, state_of, window_of
from .site import Site
from .visits import context_of_token

AHEAD = ("upcoming", "open", "in progress")


def calendar_of(site: Site, token: str, now: datetime) -> bytes:
    """The file for the course behind a link, in the person's language. Raises NotFoundError."""
    with site.database.read() as session:
        context, _ = context_of_token(site, session, token)
        found: Any = Calendar()
        found.add("prodid", "-//Check-in//EN")
        found.add("version", "2.0")
        with texts.speaking(context.participant.language):
            for timepoint, window in _ahead(context, now):
                found.add_component(_entry(site, context, timepoint, window, now))
        return found.to_ical()


def _ahead(context: CourseContext, now: datetime) -> Iterator[tuple[Timepoint, Window]]:
    for timepoint in context.protocol.timepoints:
        window = window_of(timepoint, context.facts)
        if window is not None and state_of(timepoint, context.facts, now) in AHEAD:
            yield timepoint, window


def _entry(
    site: Site, context: CourseContext, timepoint: Timepoint, window: Window, now: datetime
) -> Any:
    """One window (icalendar's types are partly unknown)."""
    anchor = context.facts.anchors[timepoint.anchor]
    sure = timepoint.before_anchor or anchor.confirmed
    entry: Any = Event()
    entry.add("uid", _identity(site, context, timepoint))
    entry.add("dtstamp", now)
    entry.add("sequence", context.revision(timepoint.id))
    entry.add("summary", texts.gettext("Check-in"))
    entry.add("dtstart", window.opens)
    entry.add("dtend", window.closes + timedelta(days=1))
    entry.add("status", "CONFIRMED" if sure else "TENTATIVE")
    entry.add("transp", "TRANSPARENT")
    return entry


def _identity(site: Site, context: CourseContext, timepoint: Timepoint) -> str:
    key = site.keys.derive("calendar")
    text = f"{context.course_id}|{timepoint.id}"
    name = hmac.new(key, text.encode(), "sha256").hexdigest()[:32]
    domain = parseaddr(site.settings.mail_from)[1].rpartition("@")[2] or "localhost"
    return f"{name}@{domain}"
