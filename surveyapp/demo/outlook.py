"""The outlook: what still lies ahead in the demo's study, for its bar."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from ..services.overview import retreats
from ..services.site import Site
from ..store import roster
from ..store.facts import course_contexts
from ..study.schedule import NOT_CLEARED, NOT_CONFIRMED, barrier, open_prompts, window_of
from ..texts import ngettext
from ..web.demo import Waiting

ZONE = "Europe/Amsterdam"


class Outlook:
    """One look at the courses that have a window still to close."""

    def __init__(self, site: Site, now: datetime) -> None:
        self._now = now
        self._retreats = retreats(site)
        with site.database.read() as session:
            ids = roster.active_course_ids(session, now)
            self._contexts = course_contexts(session, site.library, ids)

    @property
    def zone(self) -> str:
        """The zone of the newest retreat, in which the demo's clock is shown."""
        return self._retreats[0].zone if self._retreats else ZONE

    def follow_ups(self) -> dict[str, str]:
        """The timepoints after an anchor that these courses ask: id to label."""
        protocols = {c.protocol.id: c.protocol for c in self._contexts}
        found = (t for p in protocols.values() for t in p.timepoints if t.after_anchor)
        return {t.id: t.label for t in found}

    def first_prompt(self, timepoint: str) -> datetime | None:
        """When the next first message of this timepoint is due for anybody."""
        times = (
            prompts[0].utc
            for context in self._contexts
            for asked in context.protocol.timepoints
            if asked.id == timepoint and (prompts := open_prompts(asked, context.facts))
        )
        return min((at for at in times if at > self._now), default=None)

    def waiting(self) -> tuple[Waiting, ...]:
        """What holds messages back until somebody acts, with the page where that is done."""
        held: Counter[tuple[str, int, str]] = Counter(self._held())
        return tuple(
            Waiting(_sentence(reason, people, name), f"/staff/retreats/{retreat}")
            for (reason, retreat, name), people in held.items()
        )

    def _held(self) -> Iterator[tuple[str, int, str]]:
        """The first reason of each course, with its retreat."""
        for context in self._contexts:
            for timepoint in context.protocol.timepoints:
                window = window_of(timepoint, context.facts)
                hold = barrier(timepoint, context.facts)
                past = window is None or window.closes_at <= self._now
                if past or hold is None or not open_prompts(timepoint, context.facts):
                    continue
                yield hold.reason, context.retreat.id, context.retreat.name
                break


def _sentence(reason: str, people: int, retreat: str) -> str:
    who = ngettext("%(n)s person", "%(n)s people", people) % {"n": people}
    if reason == NOT_CONFIRMED:
        return f"Messages after the dosing day wait for {who} until it is confirmed in {retreat}."
    if reason == NOT_CLEARED:
        return f"The next check-in waits for {who} in {retreat} until you confirm them."
    return f"Messages to {who} in {retreat} are held: {reason}."
