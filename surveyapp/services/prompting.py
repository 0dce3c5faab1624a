"""Prompting: find due prompts, claim each with a lease, check again, record what became of it.

The worker's loop is `claim`, `recheck`, hand over, `record`. A claim is one short write
transaction: it settles what is skipped, notes what is held and why, and takes what is to be sent
with a lease. When a worker dies its lease runs out and another takes the prompt, with the same
Message-ID. All of one person's check-ins that are due together make one message.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage

from ..delivery.outcome import Outcome
from ..store import facts, prompts, trail
from ..store.database import Session
from ..store.facts import CourseContext
from ..store.prompts import Fate, Key
from ..store.tables import PromptRow
from ..study.schedule import Hold, Prompt, Send, Skip, Verdict, judge
from . import invitations
from .invitations import Invited
from .site import Site

LEASE = timedelta(minutes=2)
LOOK_AGAIN = timedelta(hours=6)
PAUSES = tuple(timedelta(minutes=m) for m in (1, 2, 5, 10, 20, 40, 60))
AT_ONCE = 50
ACTOR = "worker"


@dataclass(frozen=True)
class Job:
    """A message to hand over for one or more claimed prompts of one person."""

    prompt_ids: tuple[int, ...]
    course_ids: tuple[int, ...]
    claimed_by: str
    recipient: str
    message_id: str
    message: EmailMessage


def due(site: Site, now: datetime, without: Collection[Key] = ()) -> list[Key]:
    """Windows to look at now, longest due first; `without` are put off by the worker."""
    with site.database.read() as session:
        return prompts.due_windows(session, now, without, AT_ONCE)


def next_due(site: Site) -> datetime | None:
    """When there is next something to do."""
    with site.database.read() as session:
        return prompts.next_due(session)


def claim(site: Site, course_id: int, worker: str, now: datetime) -> Job | None:
    """Settle and hold what is due for the person of this course; the message to send, if any."""
    with site.database.write() as session:
        return _Claim(session, site, worker, now).take(course_id)


class _Claim:
    """One claiming transaction."""

    def __init__(self, session: Session, site: Site, worker: str, now: datetime) -> None:
        self._session = session
        self._site = site
        self._worker = worker
        self._now = now

    def take(self, course_id: int) -> Job | None:
        keys = prompts.lock_due_courses(self._session, course_id, self._now)
        ids = sorted({course for course, _ in keys})
        contexts = facts.course_contexts(self._session, self._site.library, ids)
        if not contexts:
            return None
        address = invitations.recipient(self._session, self._site, contexts[0])
        by_course = {context.course_id: context for context in contexts}
        taken: list[tuple[Invited, PromptRow]] = []
        for course, timepoint in keys:
            taken += self._settle(by_course[course], timepoint, address)
        facts.refresh_windows(self._session, self._site.library, ids)
        return self._job(taken, address) if taken and isinstance(address, str) else None

    def _settle(
        self, context: CourseContext, timepoint_id: str, address: str | Hold
    ) -> list[tuple[Invited, PromptRow]]:
        """Write every verdict down; what is to be sent comes back claimed."""
        timepoint = context.protocol.timepoint(timepoint_id)
        taken: list[tuple[Invited, PromptRow]] = []
        for prompt, verdict in judge(timepoint, context.facts, self._now):
            if isinstance(verdict, Send) and isinstance(address, Hold):
                verdict = address
            row = self._write(context, prompt, verdict)
            if isinstance(verdict, Send):
                taken.append((Invited(context, timepoint, prompt.number), row))
        return taken

    def _write(self, context: CourseContext, prompt: Prompt, verdict: Verdict) -> PromptRow:
        key = context.course_id, prompt.timepoint
        revision = context.revision(prompt.timepoint)
        fate = fate_of(verdict, self._now)
        row = prompts.put_prompt(self._session, key, prompt, revision, fate, self._now)
        row.claimed_by = self._worker if isinstance(verdict, Send) else ""
        row.message_id = invitations.message_id(self._site, key, prompt.number, revision)
        if isinstance(verdict, Skip):
            _note(self._session, context, row, self._now)
        return row

    def _job(self, taken: Sequence[tuple[Invited, PromptRow]], address: str) -> Job:
        """One message for everything taken; its prompts share the first one's Message-ID."""
        identity = taken[0][1].message_id
        for _, row in taken:
            row.message_id = identity
        message = invitations.write(
            self._session, self._site, [i for i, _ in taken], address, identity, self._now
        )
        return Job(
            prompt_ids=tuple(row.id for _, row in taken),
            course_ids=tuple(dict.fromkeys(row.course_id for _, row in taken)),
            claimed_by=self._worker,
            recipient=address,
            message_id=identity,
            message=message,
        )


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
    with site.database.write() as session:
        rows = prompts.prompts_by_id(session, job.prompt_ids)
        contexts = facts.course_contexts(session, site.library, job.course_ids)
        by_course = {context.course_id: context for context in contexts}
        wanted = all(_is_ours(row, job) and _wanted(by_course, row, now) for row in rows)
        if wanted:
            # The lease starts anew, so that a slow queue before this does not eat it.
            for row in rows:
                row.next_at = now + LEASE
        else:
            for row in rows:
                if _is_ours(row, job):
                    prompts.set_fate(row, Fate("waiting", "looked at again", now), now)
        session.flush()
        facts.refresh_windows(session, site.library, job.course_ids)
        return wanted


def _is_ours(row: PromptRow, job: Job) -> bool:
    return row.status == "claimed" and row.claimed_by == job.claimed_by


def _wanted(contexts: dict[int, CourseContext], row: PromptRow, now: datetime) -> bool:
    context = contexts[row.course_id]
    if row.revision != context.revision(row.timepoint):
        return False
    verdicts = judge(context.protocol.timepoint(row.timepoint), context.facts, now)
    return any(p.number == row.number and isinstance(v, Send) for p, v in verdicts)


def record(site: Site, job: Job, outcome: Outcome, now: datetime) -> None:
    """Write down what came of handing a message over."""
    with site.database.write() as session:
        contexts = facts.course_contexts(session, site.library, job.course_ids)
        by_course = {context.course_id: context for context in contexts}
        for row in prompts.prompts_by_id(session, job.prompt_ids):
            prompts.add_attempt(session, row.id, now, job.message_id, outcome.kind, outcome.detail)
            # What the server has, it has, even if the lease ran out meanwhile.
            if not (_is_ours(row, job) or outcome.kind == "accepted"):
                continue
            row.tries += 1
            prompts.set_fate(row, _after(outcome, row.tries, now), now)
            _note(session, by_course[row.course_id], row, now)
        session.flush()
        facts.refresh_windows(session, site.library, job.course_ids)


def _after(outcome: Outcome, tries: int, now: datetime) -> Fate:
    if outcome.kind == "accepted":
        return Fate("sent", outcome.detail, None)
    if outcome.kind == "permanent":
        return Fate("refused", outcome.detail, None)
    return Fate("waiting", outcome.detail, now + PAUSES[min(tries, len(PAUSES)) - 1])


def _note(session: Session, context: CourseContext, row: PromptRow, now: datetime) -> None:
    """The trail says what became of a prompt, and why."""
    payload = {"timepoint": row.timepoint, "number": row.number, "reason": row.reason}
    trail.append(session, context.course.chain, f"prompt {row.status}", ACTOR, now, payload)


def sweep(site: Site) -> int:
    """Derive every window anew; the number that differed from what was kept (0 is right)."""
    with site.database.write() as session:
        return facts.mend_windows(session, site.library)
