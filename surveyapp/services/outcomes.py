"""Outcomes: what came of handing a message over, written down, and when it is tried again.

Only tries that say something of the recipient count towards giving up: while the server is away or
refuses us, everything waits. What may have arrived is tried again ever more rarely, because each
try may be one copy more.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from ..delivery.outcome import Outcome
from ..store import contacts, facts, prompts, windows
from ..store.database import Session
from ..store.prompts import Fate
from ..store.tables import PromptRow
from .invitations import Route, Ways
from .prompting import Job, is_ours, note
from .site import Site

PAUSES = tuple(timedelta(minutes=m) for m in (1, 2, 5, 10, 20, 40, 60, 120, 240))
DOUBTFUL_PAUSES = tuple(timedelta(minutes=m) for m in (1, 10, 60, 240, 720, 1440))
SERVER_AWAY = timedelta(minutes=1)
GIVEN_UP = timedelta(hours=72)
ANOTHER_RUN = timedelta(hours=24)
"""Longer than any pause and any night: something else held the message meanwhile."""
MAY_HAVE_ARRIVED = "it may have arrived, and is tried again"
CHANNELS = {contacts.EMAIL: "e-mail", contacts.PHONE: "SMS"}


def record(site: Site, job: Job, outcome: Outcome, now: datetime) -> None:
    """Write down what came of handing a message over."""
    channel = CHANNELS[job.way.kind]
    with site.database.write() as session:
        windows.lock_courses(session, job.course_ids)
        rows = prompts.prompts_by_id(session, job.prompt_ids)
        settled: list[PromptRow] = []
        other_way = outcome.gone and _by_another_way(session, site, job, outcome.detail, now)
        for row in rows:
            # What the server has, it has, even if the lease ran out meanwhile.
            if is_ours(row, job) or outcome.kind == "accepted":
                fate = _after(session, outcome, row, now)
                if other_way:
                    fate = Fate("waiting", f"{outcome.detail}; goes by another channel", now)
                prompts.set_fate(row, fate, now)
                settled.append(row)
            prompts.add_attempt(session, row, now, channel, job.message_id, outcome, job.sent_to)
        session.flush()
        contexts = facts.contexts_again(session, site.library, job.contexts)
        by_course = {context.course_id: context for context in contexts}
        for row in settled:
            note(session, by_course[row.course_id], row, now)
        windows.write_windows(session, contexts)


def _by_another_way(session: Session, site: Site, job: Job, why: str, now: datetime) -> bool:
    """Note that the contact was refused; whether the person can be reached by another."""
    contacts.mark_refused(session, job.person_id, job.way.kind, why, now)
    context = facts.course_context(session, site.library, job.course_ids[0])
    if context is None:
        return False
    return isinstance(Ways.of(session, site, [context]).route(context), Route)


def _after(session: Session, outcome: Outcome, row: PromptRow, now: datetime) -> Fate:
    if outcome.ours:
        row.first_tried_at = None
        return Fate("waiting", outcome.detail, now + SERVER_AWAY)
    row.tries += 1
    if outcome.kind == "accepted":
        return Fate("sent", outcome.detail, None)
    if outcome.kind == "permanent":
        return Fate("refused", outcome.detail, None)
    last = prompts.last_try(session, row.id)
    if last is None or row.first_tried_at is None or now - last.at > ANOTHER_RUN:
        row.first_tried_at = now
    return _again(outcome, row, row.first_tried_at, now)


def _again(outcome: Outcome, row: PromptRow, first: datetime, now: datetime) -> Fate:
    doubtful = outcome.kind == "unknown"
    pauses = DOUBTFUL_PAUSES if doubtful else PAUSES
    again = now + pauses[min(row.tries, len(pauses)) - 1]
    if again - first > GIVEN_UP:
        return Fate("refused", f"given up after 72 hours: {outcome.detail}", None)
    if doubtful:
        return Fate("held", f"{outcome.detail}; {MAY_HAVE_ARRIVED}", again)
    return Fate("waiting", outcome.detail, again)
