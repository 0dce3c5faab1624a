"""Forecast: what became of every prompt of a course, and what becomes of those still to come.

One answer for the person's page, for what goes out next in a retreat, and for the export.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from ..store.facts import CourseContext
from ..store.tables import PromptRow
from ..study.protocol import Timepoint
from ..study.schedule import (
    ANSWERED,
    CLOSED,
    IMPORTED,
    NEWER,
    Hold,
    Prompt,
    Skip,
    barrier,
    consent_lapses,
    is_answered,
    judge,
    prompts_of,
    window_of,
)
from ..texts import day
from .permissions import KeptBack
from .readmodels import PromptLine, PromptState

STATES: Mapping[str, PromptState] = {
    "claimed": "sending",
    "waiting": "waiting",
    "held": "held",
    "sent": "sent",
    "refused": "failed",
    "skipped": "skipped",
}


@dataclass(frozen=True)
class Ahead:
    """A prompt that was not looked at yet, and what becomes of it as the facts stand."""

    timepoint: Timepoint
    prompt: Prompt
    state: PromptState
    reason: str


def prompt_lines(
    context: CourseContext, now: datetime, kept_back: KeptBack | None
) -> tuple[PromptLine, ...]:
    """Every prompt there was or will be, in time order; `kept_back` as `invitations` tells it."""
    rows = context.all_prompts
    kept = [_kept(context, row) for row in rows if row.status == "sent" or row in context.prompts]
    lines = [*kept, *(_line(found) for found in prompts_ahead(context, now, kept_back))]
    return tuple(sorted(lines, key=lambda line: line.at))


def prompts_ahead(
    context: CourseContext, now: datetime, kept_back: KeptBack | None
) -> Iterator[Ahead]:
    """Every prompt that has no row and was not sent for the same day before."""
    settled = context.facts.settled
    known = {(row.timepoint, row.number) for row in context.prompts}
    known |= {(r.timepoint, r.number) for r in context.all_prompts if r.status == "sent"} & settled
    for timepoint in context.protocol.timepoints:
        for prompt in prompts_of(timepoint, context.facts):
            key = timepoint.id, prompt.number
            if key in known:
                continue
            state, reason = _lot(context, timepoint, prompt, now)
            if key in settled:
                state, reason = "skipped", NEWER
            elif state == "planned" and kept_back is not None:
                held = kept_back.at(context, timepoint, max(now, prompt.utc))
                state, reason = ("held", held.reason) if held else (state, reason)
            yield Ahead(timepoint, prompt, state, reason)


def _line(found: Ahead) -> PromptLine:
    prompt, label = found.prompt, found.timepoint.label
    return PromptLine(label, prompt.number, prompt.local, found.state, found.reason)


def _kept(context: CourseContext, row: PromptRow) -> PromptLine:
    """A prompt that has a row; when it was sent is when it was accepted."""
    at = row.updated_at if row.status == "sent" else row.due_at
    label = context.protocol.timepoint(row.timepoint).label
    local = at.astimezone(ZoneInfo(context.facts.zone))
    if row.status in ("held", "waiting"):
        # What was held for one reason may be held for another by now.
        barred = barrier(context.protocol.timepoint(row.timepoint), context.facts)
        if barred is not None:
            return PromptLine(label, row.number, local, *_barred(context, barred))
    return PromptLine(label, row.number, local, STATES[row.status], row.reason)


def _barred(context: CourseContext, barred: Hold) -> tuple[PromptState, str]:
    """What waits for a fact is held; what waits for somebody who is gone is not sent."""
    return ("skipped" if context.is_over else "held"), barred.reason


def _lot(
    context: CourseContext, timepoint: Timepoint, prompt: Prompt, now: datetime
) -> tuple[PromptState, str]:
    """What would become of a prompt that has no row, as the facts stand."""
    facts = context.facts
    if facts.not_before is not None and prompt.utc < facts.not_before:
        return "skipped", IMPORTED
    if is_answered(timepoint, facts):
        return "skipped", ANSWERED
    window = window_of(timepoint, facts)
    if window is not None and window.closes_at <= now:
        return "skipped", CLOSED
    verdict = next((v for p, v in judge(timepoint, facts, now) if p.number == prompt.number), None)
    held = verdict if isinstance(verdict, Hold) else barrier(timepoint, facts)
    if held is None and facts.paused_until and prompt.local.date() < facts.paused_until:
        held = Hold(f"paused until {day(facts.paused_until)}")
    if held is None and (ends := consent_lapses(facts)) is not None and prompt.utc >= ends:
        held = Hold(facts.no_consent)
    if isinstance(verdict, Skip):
        return "skipped", verdict.reason
    if held:
        return _barred(context, held)
    return "planned", "due now" if verdict is not None else ""
