"""The outlook: what still lies ahead in the demo's study, for its bar."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..services.overview import retreats
from ..services.site import Site
from ..store import roster
from ..store.facts import CourseContext, course_contexts
from ..study.protocol import Timepoint
from ..study.schedule import (
    NOT_CLEARED,
    NOT_CONFIRMED,
    Prompt,
    barrier,
    next_prompt,
    open_prompts,
    waking,
    window_of,
)
from ..texts import ngettext
from ..web.demo import Waiting

ZONE = "Europe/Amsterdam"
IN_TIME = timedelta(days=3)


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

    def next_message(self) -> datetime | None:
        """When the next message is due that nothing holds back."""
        return min((at for context in self._contexts for at in self._due(context)), default=None)

    def _due(self, context: CourseContext) -> Iterator[datetime]:
        for timepoint in context.protocol.timepoints:
            held = barrier(timepoint, context.facts) is not None
            if held or next_prompt(timepoint, context.facts) is None:
                continue
            for prompt in open_prompts(timepoint, context.facts):
                # One that is due already waits for the morning.
                yield max(prompt.utc, waking(self._now, context.facts.zone))

    def waiting(self) -> tuple[Waiting, ...]:
        """What holds messages back until somebody acts, with the page where that is done."""
        held = Counter(self._held())
        return tuple(
            Waiting(_sentence(barred, people), f"/staff/retreats/{barred.retreat}")
            for barred, people in held.items()
        )

    def _held(self) -> Iterator[_Barred]:
        """The first thing each course waits for. A word for a person is asked for in its time."""
        ahead = self.next_message()
        for context in self._contexts:
            for timepoint in context.protocol.timepoints:
                hold = barrier(timepoint, context.facts)
                prompts = self._open(context, timepoint)
                if hold is None or not prompts:
                    continue
                early = prompts[0].utc - self._now > IN_TIME
                if not (hold.reason == NOT_CLEARED and early and ahead is not None):
                    retreat = context.retreat
                    yield _Barred(hold.reason, timepoint.label, retreat.id, retreat.name)
                break

    def _open(self, context: CourseContext, timepoint: Timepoint) -> list[Prompt]:
        window = window_of(timepoint, context.facts)
        past = window is None or window.closes_at <= self._now
        answered = all((timepoint.id, i) in context.facts.submitted for i in timepoint.instruments)
        return [] if past or answered else open_prompts(timepoint, context.facts)


@dataclass(frozen=True)
class _Barred:
    """Why messages of one timepoint are held in one retreat."""

    reason: str
    label: str
    retreat: int
    name: str


def _sentence(barred: _Barred, people: int) -> str:
    who = ngettext("%(n)s person", "%(n)s people", people) % {"n": people}
    wait = ngettext("waits", "wait", people)
    if barred.reason == NOT_CONFIRMED:
        return f"In {barred.name} {who} {wait} for the dosing day to be confirmed."
    if barred.reason == NOT_CLEARED:
        return f"{barred.label} waits for {who} in {barred.name} until each is confirmed."
    return f"Messages to {who} in {barred.name} are held: {barred.reason}."
