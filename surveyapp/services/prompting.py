"""Prompting: find due prompts, claim each with a lease, check again.

The worker's loop is `claim`, `recheck`, hand over, `outcomes.record`. A claim is one short write
transaction: it settles what is skipped, notes what is held and why, and takes what is to be sent
with a lease. When a worker dies its lease runs out and another takes the prompt, with the same
Message-ID. All of one person's check-ins that are due together make one message.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from secrets import token_hex

from ..delivery.outcome import Outcome
from ..store import contacts, facts, instance, prompts, trail, windows
from ..store.database import Session
from ..store.facts import CourseContext
from ..store.prompts import Fate, Key
from ..store.tables import PromptRow
from ..study.protocol import Timepoint
from ..study.schedule import (
    IMPORTED,
    Hold,
    Prompt,
    Send,
    Skip,
    Verdict,
    judge,
    later_today,
    open_prompts,
    window_of,
)
from . import invitations
from .invitations import Invited, Route, Ways
from .permissions import Permits
from .site import Site

LEASE = timedelta(minutes=2)
LOOK_AGAIN = timedelta(hours=6)
AT_ONCE = 50
ACTOR = "worker"
UNKNOWN = Outcome("unknown", "the worker ended before it could say what came of it")


@dataclass(frozen=True)
class Job:
    """A message to hand over for one or more claimed prompts of one person; `sent_to` is the
    keyed hash of the contact, `contexts` are the courses as they were when it was claimed."""

    prompt_ids: tuple[int, ...]
    course_ids: tuple[int, ...]
    claimed_by: str
    person_id: int
    way: Route
    sent_to: str
    message_id: str
    message: EmailMessage | str
    contexts: tuple[CourseContext, ...]


def due(site: Site, now: datetime, without: Collection[Key] = ()) -> list[Key]:
    """Windows to look at now, longest due first; `without` are put off by the worker. None while
    sending is held."""
    with site.database.read() as session:
        if instance.is_held(session):
            return []
        return prompts.due_windows(session, now, without, AT_ONCE)


def next_due(site: Site) -> datetime | None:
    """When there is next something to do."""
    with site.database.read() as session:
        return prompts.next_due(session)


def claim(site: Site, course_id: int, worker: str, now: datetime) -> Job | None:
    """Settle and hold what is due for the person of this course; the message to send, if any."""
    return next(iter(claim_all(site, [course_id], worker, now)), None)


def claim_all(site: Site, course_ids: Collection[int], worker: str, now: datetime) -> list[Job]:
    """The same for the people of several courses, in one transaction."""
    with site.database.write() as session:
        return _Claim(session, site, worker, now).take(course_ids)


Taken = tuple[Invited, PromptRow]


class _Claim:
    """One claiming transaction."""

    def __init__(self, session: Session, site: Site, worker: str, now: datetime) -> None:
        self._session = session
        self._site = site
        # One name for each claim: a worker whose lease ran out may take the same prompt again,
        # and what it had in hand before must then be no longer its own.
        self._name = f"{worker}/{token_hex(4)}"
        self._now = now
        self._in_doubt: set[int] = set()
        self._ways = Ways(session, site, ())
        self._own = invitations.own_texts(session)

    def take(self, course_ids: Collection[int]) -> list[Job]:
        ids = prompts.lock_people(self._session, course_ids)
        due_now: dict[int, list[str]] = {}
        for course, timepoint in prompts.due_of(self._session, ids, self._now):
            due_now.setdefault(course, []).append(timepoint)
        people: dict[int, list[CourseContext]] = {}
        for context in facts.course_contexts(self._session, self._site.library, ids):
            people.setdefault(context.participant.id, []).append(context)
        everybody = [contexts[0] for contexts in people.values()]
        self._ways = Ways.of(self._session, self._site, everybody)
        found = [self._person(contexts, due_now) for contexts in people.values()]
        self._session.flush()
        after = windows.refresh_windows(self._session, self._site.library, ids)
        by_course = {context.course_id: context for context in after}
        return [
            self._job(together, way, by_course)
            for taken, way in found
            if isinstance(way, Route)
            for together in self._by_identity(taken)
        ]

    def _person(
        self, contexts: Sequence[CourseContext], due_now: Mapping[int, list[str]]
    ) -> tuple[list[Taken], Route | Hold]:
        """What is to be sent to one person, and how."""
        way = self._ways.route(contexts[0])
        taken: list[Taken] = []
        for context in contexts:
            for timepoint in due_now.get(context.course_id, ()):
                taken += self._settle(context, timepoint, way)
        return (self._with_later_ones(taken, contexts) if taken else []), way

    def _settle(self, context: CourseContext, timepoint_id: str, way: Route | Hold) -> list[Taken]:
        """Write every verdict down; what is to be sent comes back claimed."""
        timepoint = context.protocol.timepoint(timepoint_id)
        taken: list[Taken] = []
        for prompt, verdict in judge(timepoint, context.facts, self._now):
            if isinstance(verdict, Send):
                verdict = self._kept_back(context, timepoint, way) or verdict
            row = self._write(context, prompt, verdict)
            if isinstance(verdict, Send):
                taken.append((Invited(context, timepoint, prompt.number), row))
        return taken

    def _kept_back(
        self, context: CourseContext, timepoint: Timepoint, way: Route | Hold
    ) -> Hold | None:
        """What keeps a message back that the schedule would send."""
        if isinstance(way, Hold):
            return way
        return self._ways.permits.hold(context, timepoint, self._now)

    def _with_later_ones(
        self, taken: list[Taken], contexts: Sequence[CourseContext]
    ) -> list[Taken]:
        """What is planned for later today goes along: two check-ins on a day make one message.

        The check-in that closes last comes last.
        """
        asked = {item.key for item, _ in taken}
        for context in contexts:
            for timepoint in context.protocol.timepoints:
                prompt = later_today(timepoint, context.facts, self._now)
                if prompt is None or (context.course_id, timepoint.id) in asked:
                    continue
                if self._is_in_other_hands(context.row_of(prompt)):
                    continue
                if self._ways.permits.hold(context, timepoint, self._now):
                    continue
                row = self._write(context, prompt, Send())
                taken.append((Invited(context, timepoint, prompt.number), row))
        return sorted(taken, key=lambda pair: _closes(pair[0]))

    def _is_in_other_hands(self, row: PromptRow | None) -> bool:
        """Whether another worker is just about to hand this over."""
        if row is None or row.status != "claimed" or row.next_at is None:
            return False
        return row.next_at > self._now

    def _write(self, context: CourseContext, prompt: Prompt, verdict: Verdict) -> PromptRow:
        key = context.course_id, prompt.timepoint
        revision = context.revision(prompt.timepoint)
        fate = fate_of(verdict, self._now)
        known = context.row_of(prompt)
        doubted = known is not None and self._may_have_arrived(known)
        row = prompts.put_prompt(self._session, key, prompt, revision, fate, self._now, known)
        row.claimed_by = self._name if isinstance(verdict, Send) else ""
        if doubted:
            self._in_doubt.add(row.id)
        else:
            row.message_id = invitations.message_id(self._site, key, prompt.number, revision)
        if isinstance(verdict, Skip):
            note(self._session, context, row, self._now)
        return row

    def _may_have_arrived(self, row: PromptRow) -> bool:
        """Whether nobody knows what came of the last try; it keeps its Message-ID then."""
        if row.status == "claimed":
            # Its lease ran out: it may have been handed over, and nobody can know.
            prompts.add_attempt(self._session, row, self._now, "", row.message_id, UNKNOWN)
            return True
        return prompts.was_in_doubt(self._session, row.id)

    def _by_identity(self, taken: Sequence[Taken]) -> list[Sequence[Taken]]:
        """What goes in one message. What may have arrived goes again as it went, because a mail
        program may drop a second message of the same id, with whatever else were in it."""
        found: dict[str, list[Taken]] = {}
        for item, row in taken:
            identity = row.message_id if row.id in self._in_doubt else ""
            found.setdefault(identity, []).append((item, row))
        return list(found.values())

    def _job(self, taken: Sequence[Taken], way: Route, after: Mapping[int, CourseContext]) -> Job:
        """One message for everything taken; its prompts share the first one's Message-ID."""
        identity = taken[0][1].message_id
        for _, row in taken:
            row.message_id = identity
        message = invitations.write(
            self._session, self._site, [i for i, _ in taken], way, self._own, identity, self._now
        )
        course_ids = tuple(dict.fromkeys(row.course_id for _, row in taken))
        return Job(
            prompt_ids=tuple(row.id for _, row in taken),
            course_ids=course_ids,
            claimed_by=self._name,
            person_id=taken[0][0].context.participant.id,
            way=way,
            sent_to=self._site.vault.lookup(way.to),
            message_id=identity,
            message=message,
            contexts=tuple(after[course] for course in course_ids),
        )


def _closes(item: Invited) -> datetime:
    window = window_of(item.timepoint, item.context.facts)
    assert window is not None
    return window.closes_at


def fate_of(verdict: Verdict, now: datetime) -> Fate:
    """What a verdict comes to in the store."""
    if isinstance(verdict, Skip):
        return Fate("skipped", verdict.reason, None)
    if isinstance(verdict, Hold):
        return Fate("held", verdict.reason, verdict.until or now + LOOK_AGAIN)
    return Fate("claimed", "", now + LEASE)


def recheck(site: Site, job: Job, now: datetime) -> bool:
    """Whether the message is still wanted: checked just before it is handed over.

    What is no longer wanted is given back to be settled.
    """
    with site.database.read() as session:
        rows = prompts.prompts_by_id(session, job.prompt_ids)
        contexts = facts.contexts_again(session, site.library, job.contexts)
        by_course = {context.course_id: context for context in contexts}
        # Of somebody who was erased meanwhile there is no row any more.
        ours = len(rows) == len(job.prompt_ids) and all(is_ours(row, job) for row in rows)
        held = instance.is_held(session)
        permits = Permits(session, site, limited_only=True)
        wanted = ours and not held and all(_wanted(by_course, row, permits, now) for row in rows)
        wanted = wanted and job.way.kind in invitations.channels(contexts[0].participant)
        wanted = wanted and contacts.stands(session, job.person_id, job.way.kind, job.sent_to)
        fresh = all(row.next_at and row.next_at - now > LEASE / 2 for row in rows)
    if not wanted:
        give_back(site, [job], "all messages are held" if held else "looked at again", now)
    elif not fresh:
        return _lease_again(site, job, now)
    return wanted


def _lease_again(site: Site, job: Job, now: datetime) -> bool:
    """Let the lease start anew, so that a slow queue before this does not eat it."""
    with site.database.write() as session:
        windows.lock_courses(session, job.course_ids)
        rows = prompts.prompts_by_id(session, job.prompt_ids)
        ours = all(is_ours(row, job) for row in rows)
        for row in rows if ours else ():
            row.next_at = now + LEASE
        session.flush()
        windows.refresh_windows(session, site.library, job.course_ids)
        return ours


def give_back(site: Site, jobs: Sequence[Job], reason: str, now: datetime) -> None:
    """Let go of claimed messages that were not handed over; they are looked at again at once."""
    ids = sorted({course for job in jobs for course in job.course_ids})
    with site.database.write() as session:
        windows.lock_courses(session, ids)
        for job in jobs:
            for row in prompts.prompts_by_id(session, job.prompt_ids):
                if is_ours(row, job):
                    # A clock that jumped ahead must not leave a look at it in the future.
                    prompts.set_fate(row, Fate("waiting", reason, min(now, row.due_at)), now)
        windows.refresh_windows(session, site.library, ids)


def is_ours(row: PromptRow, job: Job) -> bool:
    return row.status == "claimed" and row.claimed_by == job.claimed_by


def _wanted(
    contexts: Mapping[int, CourseContext], row: PromptRow, permits: Permits, now: datetime
) -> bool:
    context = contexts[row.course_id]
    if row.revision != context.revision(row.timepoint):
        return False
    timepoint = context.protocol.timepoint(row.timepoint)
    if permits.hold(context, timepoint, now):
        return False
    # Its hour may have moved since it was claimed, with the person's zone or quiet hours.
    numbered = (p for p in open_prompts(timepoint, context.facts) if p.number == row.number)
    prompt = next(numbered, None)
    if prompt is None or prompt.utc > now:
        ahead = later_today(timepoint, context.facts, now)
        return ahead is not None and ahead.number == row.number
    verdicts = judge(timepoint, context.facts, now)
    return any(p.number == row.number and isinstance(v, Send) for p, v in verdicts)


def note(session: Session, context: CourseContext, row: PromptRow, now: datetime) -> None:
    """The trail says what became of a prompt, and why."""
    payload = {"timepoint": row.timepoint, "number": row.number, "reason": row.reason}
    trail.append(session, context.course.chain, f"prompt {row.status}", ACTOR, now, payload)


def skip_until_tonight(
    session: Session, site: Site, course_ids: Collection[int], now: datetime
) -> None:
    """Settle what is due by now, and what is planned for later this day and may have gone along
    with it, as sent before a restore; in the caller's write transaction."""
    windows.lock_courses(session, course_ids)
    for context in facts.course_contexts(session, site.library, course_ids):
        today = now.astimezone(context.zone).date()
        for timepoint in context.protocol.timepoints:
            key, revision = (context.course_id, timepoint.id), context.revision(timepoint.id)
            for prompt in open_prompts(timepoint, context.facts):
                if prompt.utc <= now or prompt.local.date() == today:
                    known, fate = context.row_of(prompt), Fate("skipped", IMPORTED, None)
                    prompts.put_prompt(session, key, prompt, revision, fate, now, known)
    windows.refresh_windows(session, site.library, course_ids)


def sweep(site: Site) -> int:
    """Derive every window anew; the number that differed from what was kept (0 is right)."""
    with site.database.write() as session:
        return windows.mend_windows(session, site.library)
