"""Records: what is known of a person's courses, as plain data for trajectories and summaries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from .instrument import Instrument
from .protocol import Protocol
from .schedule import Facts
from .scoring import Score

DoseKind = Literal["first", "booster"]
DoseStatus = Literal["given", "declined", "not eligible"]
Mode = Literal["phone", "paper", "telephone", "import"]
EndingKind = Literal["withdrawn", "died"]
MISSING = ("died", "too unwell", "declined", "not reached", "our error")


@dataclass(frozen=True)
class Dose:
    """One administration; `minutes` after the first dose of its dosing day, for a booster."""

    kind: DoseKind
    status: DoseStatus
    mg: float | None
    given_at: datetime | None
    minutes: int | None
    reason: str = ""
    anchor: str = "dosing"


@dataclass(frozen=True)
class Event:
    """An adverse event; times are aware, `ended_at` None while it lasts."""

    term: str
    started_at: datetime
    ended_at: datetime | None
    grade: int
    serious: bool
    relatedness: str


@dataclass(frozen=True)
class Ending:
    """Why and from which local date a person is asked no more."""

    kind: EndingKind
    on: date


@dataclass(frozen=True)
class Sheet:
    """One submitted assessment with the scores as they were computed at submission.

    `answers` holds value or None per item (None: skipped or missing). `placeholder` says that the
    texts were our stand-ins; `told` is what reports must say of texts that a site installed.
    """

    timepoint: str
    instrument: str
    submitted_at: datetime
    mode: Mode
    placeholder: bool
    scores: Mapping[str, Score]
    criteria: Mapping[str, bool | None]
    answers: Mapping[str, int | None] = field(default_factory=dict[str, int | None])
    told: str = ""


@dataclass(frozen=True)
class Course:
    """One participant's passage through one retreat.

    `missing` says by timepoint why its forms were not answered, where somebody found out: one of
    `MISSING`. `instruments` are under the keys it is frozen to; `amendment` is the one it runs
    under, None before the first.
    """

    number: int
    retreat: str
    protocol: Protocol
    facts: Facts
    doses: tuple[Dose, ...] = ()
    sheets: tuple[Sheet, ...] = ()
    events: tuple[Event, ...] = ()
    missing: Mapping[str, str] = field(default_factory=dict[str, str])
    intention: str = ""
    endings: tuple[Ending, ...] = ()
    instruments: Mapping[str, Instrument] = field(default_factory=dict[str, Instrument])
    amendment: int | None = None

    @property
    def dosing_date(self) -> date | None:
        """The date of the protocol's first anchor."""
        anchor = self.facts.anchors.get(self.protocol.main_anchor.id)
        return anchor.date if anchor else None

    @property
    def first_dose(self) -> Dose | None:
        return next((d for d in self.doses if d.kind == "first" and d.status == "given"), None)

    @property
    def booster(self) -> Dose | None:
        return next((d for d in self.doses if d.kind == "booster" and d.status == "given"), None)

    def sheet(self, timepoint: str, instrument: str) -> Sheet | None:
        key = (timepoint, instrument)
        return next((s for s in self.sheets if (s.timepoint, s.instrument) == key), None)


@dataclass(frozen=True)
class Person:
    """A participant by study code, with courses in order of their number."""

    code: str
    courses: tuple[Course, ...]

    @property
    def instruments(self) -> dict[str, Instrument]:
        """Under the keys that the courses are frozen to; where they differ, the newest course's."""
        return {name: found for c in self.courses for name, found in c.instruments.items()}
