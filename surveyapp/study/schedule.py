"""Schedule: windows, states and prompts as pure functions of protocol, facts and now.

A prompt is a local date and a wall-clock time in the participant's zone; it is turned to UTC last.
A wall-clock time that the clocks skip is moved forward by the gap, one that comes twice is its
first. Nothing is sent outside 08:00 to 20:00 local time, nor in the person's own quiet hours: a
prompt planned for them comes after them on the same day, or before them where no hour is left.

States of one timepoint of one course (the specification):
- not expected  its anchor has no date, so there is no window; or the person died or left the
                study before it closed, and not all was sent
- upcoming      the window has not opened
- open          the window is open and nothing was started
- in progress   started, not all sent; takes answers for 60 days after the window closed
- submitted     every instrument was sent before the window closed
- late          every instrument was sent, the last after the window closed
- missed        the window closed (and the 60 days, if started) and something was not sent
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from .consent import NO_CONSENT as NO_CONSENT
from .protocol import EARLIEST, LATEST, Protocol, Timepoint

GRACE = timedelta(days=60)
WISHED = 100
"""Prompts above this number are reminders that the person asked for."""

State = Literal["not expected", "upcoming", "open", "in progress", "submitted", "late", "missed"]
STATES: tuple[State, ...] = (
    "not expected",
    "upcoming",
    "open",
    "in progress",
    "submitted",
    "late",
    "missed",
)


@dataclass(frozen=True)
class AnchorFact:
    """An anchor's date in one course; confirmed once the dose is recorded or staff said so."""

    date: date
    confirmed: bool


@dataclass(frozen=True)
class Facts:
    """What happened in one course, as far as the schedule asks.

    `submitted` and `started` are keyed by (timepoint, instrument); `settled` and `retry` by
    (timepoint, prompt number): a settled prompt (sent, skipped, refused) needs no more looking at,
    one with a retry time is looked at again then. Prompts due before `not_before` are never sent
    (a course that was imported). `wished` holds, by timepoint, number and time of the reminders
    that the person asked for. All datetimes are aware.

    Consent to messages ends on the local date `consent_ends` where a newer version must be signed;
    `no_consent` says why messages wait while there is none, or from that date on.

    `silent` says in words why nothing more is sent, and is empty while messages go. Nothing is sent
    before the local date `paused_until`. Windows that close on `ended_on` (death, leaving) or later
    are not expected. `quiet` are the person's own quiet hours, from and until, local; they may span
    midnight and leave an hour of the day at least.
    """

    zone: str
    anchors: Mapping[str, AnchorFact]
    consented: bool = True
    consent_ends: date | None = None
    no_consent: str = NO_CONSENT
    started: frozenset[tuple[str, str]] = frozenset()
    submitted: Mapping[tuple[str, str], datetime] = field(
        default_factory=dict[tuple[str, str], datetime]
    )
    confirmed: frozenset[str] = frozenset()
    settled: frozenset[tuple[str, int]] = frozenset()
    retry: Mapping[tuple[str, int], datetime] = field(
        default_factory=dict[tuple[str, int], datetime]
    )
    not_before: datetime | None = None
    wished: Mapping[str, tuple[tuple[int, datetime], ...]] = field(
        default_factory=dict[str, tuple[tuple[int, datetime], ...]]
    )
    silent: str = ""
    paused_until: date | None = None
    ended_on: date | None = None
    quiet: tuple[time, time] | None = None


@dataclass(frozen=True)
class Window:
    """A timepoint's window: local dates (the truth) and the instants they come to (UTC).

    `closes_at` is the first instant after the last local day.
    """

    timepoint: str
    opens: date
    target: date
    closes: date
    opens_at: datetime
    closes_at: datetime


@dataclass(frozen=True)
class Prompt:
    """Invitation (number 0) or reminder: its local wall-clock time (aware) and the same in UTC."""

    timepoint: str
    number: int
    local: datetime
    utc: datetime


@dataclass(frozen=True)
class Send:
    """The prompt is wanted now."""


@dataclass(frozen=True)
class Hold:
    """Not now: `reason` in words; `until` when time alone ends it, None when a fact must change."""

    reason: str
    until: datetime | None = None


@dataclass(frozen=True)
class Skip:
    """Never: `reason` in words."""

    reason: str


Verdict = Send | Hold | Skip

NOT_CONFIRMED = "the dosing day is not confirmed"
NOT_CLEARED = "waiting for the coordinator to confirm this person"
QUIET = "quiet hours (20:00 to 08:00)"
CLOSED = "the window has closed"
ANSWERED = "already answered"
NEWER = "a newer message was due"
NOT_OPEN = "the window has moved and is not open yet"
IMPORTED = "due before the import or the restore"
ENDED = "ended"


def instant(day: date, at: time, zone: str) -> datetime:
    """A local wall-clock time as UTC; skipped times move forward, doubled ones are the first."""
    return datetime.combine(day, at, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def window_of(timepoint: Timepoint, facts: Facts) -> Window | None:
    """The window, or None while its anchor has no date."""
    anchor = facts.anchors.get(timepoint.anchor)
    if anchor is None:
        return None

    def day(offset: int) -> date:
        return anchor.date + timedelta(days=offset)

    return Window(
        timepoint=timepoint.id,
        opens=day(timepoint.opens),
        target=day(timepoint.target),
        closes=day(timepoint.closes),
        opens_at=instant(day(timepoint.opens), time(0), facts.zone),
        closes_at=instant(day(timepoint.closes + 1), time(0), facts.zone),
    )


def windows(protocol: Protocol, facts: Facts) -> Iterator[tuple[Timepoint, Window]]:
    """Every timepoint that has a window, in the protocol's order."""
    for timepoint in protocol.timepoints:
        window = window_of(timepoint, facts)
        if window is not None:
            yield timepoint, window


def state_of(timepoint: Timepoint, facts: Facts, now: datetime) -> State:
    """The state of one timepoint; see the module's specification."""
    window = window_of(timepoint, facts)
    if window is None:
        return "not expected"
    keys = [(timepoint.id, name) for name in timepoint.instruments]
    sent = [facts.submitted[key] for key in keys if key in facts.submitted]
    if len(sent) == len(keys):
        return "late" if max(sent) >= window.closes_at else "submitted"
    if is_ended(timepoint, facts):
        return "not expected"
    if sent or any(key in facts.started for key in keys):
        return "in progress" if now < window.closes_at + GRACE else "missed"
    if now < window.opens_at:
        return "upcoming"
    return "open" if now < window.closes_at else "missed"


def why_missing(timepoint: Timepoint, facts: Facts, now: datetime) -> str:
    """The state as the reason of a gap; `ended` where the person died or left before it closed."""
    return ENDED if is_ended(timepoint, facts) else state_of(timepoint, facts, now)


def is_ended(timepoint: Timepoint, facts: Facts) -> bool:
    """Whether the person died or left before it closed, and not all was sent."""
    window = window_of(timepoint, facts)
    over = window is not None and facts.ended_on is not None and window.closes >= facts.ended_on
    return over and not is_answered(timepoint, facts)


def prompts_of(timepoint: Timepoint, facts: Facts) -> tuple[Prompt, ...]:
    """Every prompt of one timepoint, earliest first, whatever became of it."""
    anchor = facts.anchors.get(timepoint.anchor)
    if anchor is None:
        return ()
    zone = ZoneInfo(facts.zone)
    found: list[Prompt] = []
    for number, offset in enumerate(timepoint.prompts):
        at = hour_within(timepoint.at, facts.quiet)
        utc = instant(anchor.date + timedelta(days=offset), at, facts.zone)
        found.append(Prompt(timepoint.id, number, utc.astimezone(zone), utc))
    for number, utc in facts.wished.get(timepoint.id, ()):
        found.append(Prompt(timepoint.id, WISHED + number, utc.astimezone(zone), utc))
    return tuple(sorted(found, key=lambda p: (p.utc, p.number)))


def plan(protocol: Protocol, facts: Facts) -> list[Prompt]:
    """Every message a participant who never answers would get, in time order."""
    prompts = [p for t in protocol.timepoints for p in prompts_of(t, facts)]
    return sorted(prompts, key=lambda p: (p.utc, p.timepoint, p.number))


def open_prompts(timepoint: Timepoint, facts: Facts) -> list[Prompt]:
    """The prompts of one timepoint that are neither settled nor from before an import."""
    start = facts.not_before
    return [
        p
        for p in prompts_of(timepoint, facts)
        if (p.timepoint, p.number) not in facts.settled and (start is None or p.utc >= start)
    ]


def not_confirmed(anchor: str) -> str:
    """Why prompts after this anchor are held; it is named as within a sentence."""
    return f"the {anchor} is not confirmed"


def barrier(timepoint: Timepoint, facts: Facts) -> Hold | None:
    """What holds every prompt of this timepoint until somebody changes a fact."""
    anchor = facts.anchors.get(timepoint.anchor)
    if facts.silent:
        return Hold(facts.silent)
    if not facts.consented:
        return Hold(facts.no_consent)
    if timepoint.after_anchor and (anchor is None or not anchor.confirmed):
        return Hold(not_confirmed(timepoint.anchor_named))
    if timepoint.confirm and timepoint.id not in facts.confirmed:
        return Hold(NOT_CLEARED)
    return None


def is_answered(timepoint: Timepoint, facts: Facts) -> bool:
    """Whether every instrument of this timepoint was sent."""
    return all((timepoint.id, name) in facts.submitted for name in timepoint.instruments)


def judge(timepoint: Timepoint, facts: Facts, now: datetime) -> list[tuple[Prompt, Verdict]]:
    """What to do now with every open prompt of this timepoint that is due, earliest first.

    Of several that are due only the newest may be sent.
    """
    window = window_of(timepoint, facts)
    due = [p for p in open_prompts(timepoint, facts) if p.utc <= now]
    if window is None or not due:
        return []
    newest = _judge_newest(timepoint, facts, window, now)
    if due[-1].number > WISHED and now < window.opens_at:
        newest = Skip(NOT_OPEN)
    if isinstance(newest, Skip):
        return [(p, newest) for p in due]
    older: list[tuple[Prompt, Verdict]] = [(p, Skip(NEWER)) for p in due[:-1]]
    return [*older, (due[-1], newest)]


def later_today(timepoint: Timepoint, facts: Facts, now: datetime) -> Prompt | None:
    """The prompt planned for later this local day that may go with a message that goes now.

    A reminder that the person asked for keeps its hour.
    """
    window, zone = window_of(timepoint, facts), ZoneInfo(facts.zone)
    if window is None or not window.opens_at <= now:
        return None
    today = now.astimezone(zone).date()
    ahead = [p for p in open_prompts(timepoint, facts) if p.number < WISHED and p.utc > now]
    if not ahead or ahead[0].local.date() != today:
        return None
    sends = isinstance(_judge_newest(timepoint, facts, window, now), Send)
    return ahead[0] if sends else None


def _judge_newest(timepoint: Timepoint, facts: Facts, window: Window, now: datetime) -> Verdict:
    if is_answered(timepoint, facts):
        return Skip(ANSWERED)
    if now >= window.closes_at:
        return Skip(facts.silent or CLOSED)
    held = barrier(timepoint, facts)
    if held is not None:
        return held
    if (ends := consent_lapses(facts)) is not None and now >= ends:
        return Hold(facts.no_consent, window.closes_at)
    if (paused := pause_ends(facts)) is not None and now < paused:
        return Hold(f"paused until {facts.paused_until}", min(paused, window.closes_at))
    until = waking(now, facts.zone, facts.quiet)
    return Send() if until <= now else Hold(_quiet_words(now, facts), until)


def pause_ends(facts: Facts) -> datetime | None:
    """The first instant of the day on which messages come again, None without a pause."""
    if facts.paused_until is None:
        return None
    return instant(facts.paused_until, time(0), facts.zone)


def consent_lapses(facts: Facts) -> datetime | None:
    """The first instant of the day from which another version must be signed."""
    if facts.consent_ends is None:
        return None
    return instant(facts.consent_ends, time(0), facts.zone)


def _quiet_words(now: datetime, facts: Facts) -> str:
    if facts.quiet is None or waking(now, facts.zone) > now:
        return QUIET
    start, end = facts.quiet
    return f"this person's quiet hours ({start:%H:%M} to {end:%H:%M})"


def is_quiet(at: time, quiet: tuple[time, time] | None) -> bool:
    """Whether nothing is sent at this local time."""
    if not EARLIEST <= at < LATEST:
        return True
    if quiet is None:
        return False
    start, end = quiet
    return start <= at < end if start < end else at >= start or at < end


def hour_within(at: time, quiet: tuple[time, time] | None) -> time:
    """The time of the same day at which a prompt planned for `at` is sent: the first that is not
    quiet from then on, else the first of the day. `at` itself where all of the day is quiet."""
    ends = [EARLIEST] if quiet is None else [EARLIEST, quiet[1]]
    starts = sorted(end for end in ends if not is_quiet(end, quiet))
    if not is_quiet(at, quiet) or not starts:
        return at
    return next((start for start in starts if start > at), starts[0])


def waking(now: datetime, zone: str, quiet: tuple[time, time] | None = None) -> datetime:
    """`now` if messages may be sent in `zone`, else the next time at which they may, in UTC."""
    local = now.astimezone(ZoneInfo(zone))
    if not is_quiet(local.time(), quiet):
        return now
    ends = [EARLIEST] if quiet is None else [EARLIEST, quiet[1]]
    starts = sorted(end for end in ends if not is_quiet(end, quiet))
    for start in starts:
        if start > local.time():
            return instant(local.date(), start, zone)
    return instant(local.date() + timedelta(days=1), starts[0] if starts else EARLIEST, zone)


def next_prompt(timepoint: Timepoint, facts: Facts) -> datetime | None:
    """When the worker must look at this timepoint next; None when nothing is left to send.

    Derived from facts alone, so that it can be kept in an indexed column and checked. Prompts
    that wait for a fact are looked at when the window closes, to record that they were skipped.
    """
    window = window_of(timepoint, facts)
    prompts = open_prompts(timepoint, facts)
    if window is None or not prompts or is_answered(timepoint, facts):
        return None
    if barrier(timepoint, facts) is not None:
        return max(window.closes_at, prompts[0].utc)
    first = min(_look_at(p, facts) for p in prompts)
    paused, lapses = pause_ends(facts), consent_lapses(facts)
    if paused is not None:
        first = max(first, min(paused, window.closes_at))
    return first if lapses is None or first < lapses else max(window.closes_at, first)


def _look_at(prompt: Prompt, facts: Facts) -> datetime:
    """When to look at one prompt: at its retry, but never before it is due. One that waits may
    come to be due later: its person moved to another zone, or it went along with another."""
    return max(prompt.utc, facts.retry.get((prompt.timepoint, prompt.number), prompt.utc))
