"""The stage: the demo's clock moved by hand, with every prompt played at its own time.

Moving forward never skips over a message: the clock stops at each time at which the worker has
something to do, the worker does it, and the clock goes on.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from ..services import prompting
from ..services.site import Site
from ..texts import moment, ngettext
from ..web.demo import Bar, Leap, Mail
from ..worker import Ticker
from .clock import DemoClock
from .mail import MailSink
from .outlook import Outlook

STUCK = timedelta(hours=6)
AFTERWARDS = timedelta(minutes=1)
NEXT, DAY = "prompt", "day"


class PlayedTicker(Ticker):
    """The worker's tick, taking turns with whoever moves the clock."""

    turns = threading.RLock()

    def tick(self) -> int:
        with self.turns:
            return super().tick()


class Stage:
    """What the demo's bar and inbox show and do."""

    def __init__(self, site: Site, clock: DemoClock, ticker: PlayedTicker, sink: MailSink) -> None:
        self._site, self._clock, self._ticker, self._sink = site, clock, ticker, sink

    def bar(self) -> Bar:
        now = self._clock()
        outlook = Outlook(self._site, now)
        local = now.astimezone(ZoneInfo(outlook.zone))
        later = (Leap(name, label) for name, label in outlook.follow_ups().items())
        return Bar(
            clock=moment(local),
            zone=outlook.zone,
            leaps=(Leap(NEXT, "Next prompt"), Leap(DAY, "+1 day"), *later),
            waiting=outlook.waiting(),
            mails=len(self._sink.mails()),
        )

    def mails(self) -> Sequence[Mail]:
        zone = ZoneInfo(Outlook(self._site, self._clock()).zone)
        return [replace(mail, at=mail.at.astimezone(zone)) for mail in self._sink.mails()]

    def leap(self, target: str) -> str:
        """Move the clock to a target of the bar; a sentence about what happened.

        Raises KeyError for a target that the bar does not have.
        """
        with self._ticker.turns:
            if target == NEXT:
                return self._to_next_message()
            if target == DAY:
                return self._said(self._play(self._clock() + timedelta(days=1)))
            return self._to_timepoint(target)

    def _to_timepoint(self, target: str) -> str:
        outlook = Outlook(self._site, self._clock())
        label = outlook.follow_ups()[target]
        at = outlook.first_prompt(target)
        if at is None:
            return f"No message of {label} lies ahead for anybody."
        return self._said(self._play(at + AFTERWARDS))

    def _to_next_message(self) -> str:
        """Held messages do not count: the clock never runs past what somebody has to do."""
        sent = self._ticker.tick()
        while not sent and (at := self._next_message()) is not None:
            sent = self._play(at)
        if sent:
            return self._said(sent)
        return "No message lies ahead until somebody does what it waits for; the clock stays."

    def _next_message(self) -> datetime | None:
        now = self._clock()
        at = Outlook(self._site, now).next_message()
        # One that is due and was not sent has a reason of its own: an address, a mail server.
        return at if at is not None and at > now else None

    def _play(self, until: datetime) -> int:
        """Go to `until`, stopping at every time at which there is something to do."""
        sent = self._ticker.tick()
        while self._clock() < until:
            due = prompting.next_due(self._site)
            if due is None or due > until:
                break
            sent += self._step(due)
        self._clock.move_to(until)
        return sent + self._ticker.tick()

    def _step(self, due: datetime) -> int:
        now = self._clock()
        # What is due and stays so (a row that fails is put off) must not stop the clock.
        self._clock.move_to(due if due > now else now + STUCK)
        return self._ticker.tick()

    def _said(self, sent: int) -> str:
        now = self._clock()
        local = now.astimezone(ZoneInfo(Outlook(self._site, now).zone))
        said = ngettext("%(n)s message was sent.", "%(n)s messages were sent.", sent or 2)
        return f"It is now {moment(local)}. {said % {'n': sent or 'No'}}"
