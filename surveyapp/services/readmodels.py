"""Read models: what a staff page shows, as plain data, with no address or mark-up of a page.

Local dates and times are already in the zone that they are to be read in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Literal

from ..study.schedule import WISHED, State
from .enrolment import StudySettings
from .pins import PinState
from .programme import SessionLine
from .safetylog import CourseLog

PromptState = Literal["planned", "waiting", "held", "sending", "sent", "skipped", "failed"]


@dataclass(frozen=True)
class Place:
    """A page by name with its arguments; web turns it into an address."""

    page: str
    args: Mapping[str, str | int] = field(default_factory=dict[str, str | int])


@dataclass(frozen=True)
class Need:
    """One line of Today: who or what, why, and the act that answers it (none for a server).
    `kind` says in general what it is about; it leaves the house by mail, so it tells of nobody."""

    subject: str
    why: str
    act: str = ""
    place: Place | None = None
    kind: str = "Something else"


@dataclass(frozen=True)
class StudyLine:
    """`retreats` counts those that one may see; `whole` if those are all of the study's."""

    id: int
    title: str
    protocol: str
    practice: bool
    retreats: int
    missing: tuple[str, ...]
    whole: bool = True


@dataclass(frozen=True)
class RetreatLine:
    """`confirmed` of `people` courses have a confirmed dosing day."""

    id: int
    name: str
    study: str
    zone: str
    dosing_date: date | None
    people: int
    confirmed: int


@dataclass(frozen=True)
class Cell:
    """One timepoint of one course: its state and the date that belongs to it.

    `word` says what the date is: opens, closes, sent, closed.
    """

    timepoint: str
    label: str
    state: State
    word: str
    on: date | None


@dataclass(frozen=True)
class RetreatAnchor:
    """One anchor of a retreat: for how many people its date waits for confirmation, and how many
    prompts that holds. `named` is its label within a sentence; doses are given on a `dosing` one.
    """

    id: str
    label: str
    named: str
    dosing: bool
    on: date | None
    unconfirmed: int
    held: int


@dataclass(frozen=True)
class RosterDay:
    """One anchor of one course in a retreat's table; doses in words, empty while there is none."""

    id: str
    named: str
    dosing: bool
    on: date | None
    confirmed: bool
    dose: str
    booster: str


@dataclass(frozen=True)
class RosterRow:
    """One course of a retreat; `dosing_date`, `dose` and `booster` are the first anchor's, `days`
    has every anchor's. Doses are in words, empty while nothing is recorded. `missing` says why a
    timepoint was not answered; `sessions` counts those attended, of those with attendance on
    record; `consent_due` says which version is to be signed, empty where none is."""

    code: str
    number: int
    consent: date | None
    consent_due: str
    dosing_date: date | None
    confirmed: bool
    dose: str
    booster: str
    days: tuple[RosterDay, ...]
    cells: tuple[Cell, ...]
    missing: Mapping[str, str]
    sessions: tuple[int, int]


@dataclass(frozen=True)
class Outdated:
    """The version of a protocol that a retreat runs under, the installed one, and what differs in
    words: the protocol's text, or an instrument's key."""

    before: str
    after: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class RetreatView:
    """A retreat's page; `held` counts prompts that wait for the first anchor's confirmation.
    `done` has, by timepoint, how many answered it of those whose window has opened."""

    id: int
    name: str
    study_id: int
    study: str
    practice: bool
    zone: str
    dosing_date: date | None
    timepoints: tuple[tuple[str, str], ...]
    rows: tuple[RosterRow, ...]
    unconfirmed: int
    held: int
    anchors: tuple[RetreatAnchor, ...]
    sessions: tuple[SessionLine, ...]
    done: Mapping[str, tuple[int, int]]
    outdated: Outdated | None = None
    runs_under: str = ""


@dataclass(frozen=True)
class PersonLine:
    """A person by their newest course; `now` is the timepoint that matters now."""

    code: str
    retreat: str
    number: int
    dosing_date: date | None
    consented: bool
    now: Cell | None


@dataclass(frozen=True)
class PromptLine:
    """One prompt: when (local, aware), what became of it, and why in words."""

    label: str
    number: int
    at: datetime
    state: PromptState
    reason: str

    @property
    def wished(self) -> bool:
        """Whether the person asked for it."""
        return self.number > WISHED


@dataclass(frozen=True)
class Happening:
    """One line of a course's timeline, on a local day and, where it is known, at a local time.

    `state` is a prompt's, else empty; `act` leads to `place`. `ahead`: it has not happened yet.
    """

    on: date
    at: time | None
    kind: str
    what: str
    detail: str = ""
    state: str = ""
    ahead: bool = False
    act: str = ""
    place: Place | None = None


@dataclass(frozen=True)
class SheetLine:
    """One answered instrument at one timepoint; `corrected`: the last day on which it was."""

    label: str
    timepoint: str
    key: str
    instrument: str
    corrected: date | None
    on: date
    mode: str
    marks: tuple[str, ...]


@dataclass(frozen=True)
class ScoreCell:
    """One score in words, with its marks below, or why there is none."""

    text: str
    below: str
    known: bool


@dataclass(frozen=True)
class ScoreRow:
    """One scale over the timepoints that ask it, with its changes in words."""

    scale: str
    unit: str
    scores: tuple[ScoreCell, ...]
    changes: tuple[str, ...]
    since_last: str = ""


@dataclass(frozen=True)
class ScoreTable:
    """One instrument in one course; `compares` unless it asks about a session."""

    instrument: str
    heads: tuple[str, ...]
    compares: bool
    rows: tuple[ScoreRow, ...]


@dataclass(frozen=True)
class DoseLine:
    kind: str
    words: str
    at: datetime | None


@dataclass(frozen=True)
class CourseAnchor:
    """One anchor of a course with its doses; `held` prompts wait for its confirmation."""

    id: str
    label: str
    named: str
    dosing: bool
    on: date | None
    confirmed: bool
    held: int
    doses: tuple[DoseLine, ...]


@dataclass(frozen=True)
class StopLine:
    """Something that ended or paused; `own`: chosen by the person from a message; `whole`: for
    every course."""

    id: int
    kind: str
    since: date
    until: date | None
    reason: str
    own: bool
    whole: bool


@dataclass(frozen=True)
class CourseView:
    """One course on a person's page; `to_enter` has, by timepoint, the instruments (id, name) that
    staff may still type in from paper, `missing` why one was not answered. `sessions` counts those
    attended, of those with attendance on record. `consent_lines` say more of its consent,
    `runs_under` which protocol and amendment it runs under. `dosing_date`, `confirmed`, `day` and
    `held` are of its first anchor, `doses` of all."""

    number: int
    retreat_id: int
    retreat: str
    study: str
    practice: bool
    dosing_date: date | None
    confirmed: bool
    day: int | None
    consent_on: date | None
    consent_scope: str
    consent_version: str
    consent_lines: Sequence[str]
    withdrawn: bool
    runs_under: str
    held: int
    cells: tuple[Cell, ...]
    to_clear: tuple[tuple[str, str], ...]
    scores: tuple[ScoreTable, ...]
    prompts: tuple[PromptLine, ...]
    sheets: tuple[SheetLine, ...]
    doses: tuple[DoseLine, ...]
    anchors: tuple[CourseAnchor, ...]
    log: CourseLog
    stops: tuple[StopLine, ...]
    to_enter: Mapping[str, Sequence[tuple[str, str]]]
    missing: Mapping[str, str]
    intention: str
    timeline: tuple[Happening, ...] = ()
    sessions: tuple[int, int] = (0, 0)
    next_session: str = ""


@dataclass(frozen=True)
class ChartView:
    """A figure as SVG mark-up of our own making, with the values of its points, if they need a
    table of their own."""

    title: str
    svg: str
    heads: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class ContactLine:
    """One contact as staff see it: masked, and what to know of it."""

    label: str
    value: str
    note: str


@dataclass(frozen=True)
class PersonView:
    """A person's page; courses newest first. Contacts are masked."""

    code: str
    language: str
    zone: str
    contacts: tuple[ContactLine, ...]
    channels: str
    quiet: str
    pin: PinState | None
    practice: bool
    notices: tuple[str, ...]
    acknowledged: tuple[str, ...]
    charts: tuple[ChartView, ...]
    courses: tuple[CourseView, ...]


@dataclass(frozen=True)
class StudyView:
    """A study with its settings."""

    id: int
    title: str
    protocol: str
    practice: bool
    settings: StudySettings
