"""Permissions: whether an installed wording may be used, from when on not, and how often it was.

A use is one assessment that was started under the wording, on a phone or from a sheet of paper.
Wordings under the same permission (instrument, holder, reference) are counted together. Whoever
began an assessment may finish it. A permission that has ended or is used up stops enrolment, and
holds the messages of those who are in; an admin may let those go on for a while, with a reason.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from ..store import wordings
from ..store.database import Session
from ..store.facts import CourseContext
from ..store.tables import Retreat
from ..store.wordings import Held
from ..study.instrument import Wording, pick
from ..study.protocol import Protocol, Timepoint
from ..study.schedule import Hold
from ..texts import LANGUAGES, day
from .enrolment import protocol_of, the_study
from .errors import GoneError, InputError
from .site import Site

AHEAD = timedelta(days=60)
NEARLY = 0.9
NOT_NOW = "This check-in takes no more answers."
UNWORDED = "in this study's languages"
NO_WORDING = f"there is no permitted wording of {{name}} {UNWORDED}"
NOT_ON_PHONES = "the permission for {name} does not cover phones"


@dataclass(frozen=True)
class Standing:
    """An installed wording's permission, with the instrument's name."""

    held: Held
    name: str

    @property
    def uses_words(self) -> str:
        """312 of 500; 312 where there is no maximum."""
        most = self.held.permission.maximum
        return f"{self.held.uses} of {most}" if most else str(self.held.uses)

    @property
    def used_up(self) -> bool:
        most = self.held.permission.maximum
        return most is not None and self.held.uses >= most

    @property
    def nearly_used_up(self) -> bool:
        most = self.held.permission.maximum
        return most is not None and self.held.uses >= NEARLY * most

    def has_ended(self, on: date) -> bool:
        """Whether the last day lies before `on`."""
        last = self.held.permission.expires
        return last is not None and on > last

    def ends_soon(self, on: date) -> bool:
        last = self.held.permission.expires
        return last is not None and on <= last < on + AHEAD

    def overridden(self, on: date) -> bool:
        """Whether an admin lets those who are in go on."""
        override = self.held.override
        return override is not None and on <= override.until

    def fault(self, on: date, *, phone: bool = True) -> str:
        """Why nothing new may begin under it, in words; empty where it may. For people who are
        not in yet: an override does not count."""
        permission = self.held.permission
        if phone and not permission.electronic:
            return NOT_ON_PHONES.format(name=self.name)
        if self.has_ended(on):
            assert permission.expires is not None
            return f"the permission for {self.name} ended on {day(permission.expires)}"
        if self.used_up:
            return f"the permission for {self.name} is used up ({self.uses_words} uses)"
        return ""

    def holds(self, on: date) -> str:
        """The same for people who are in."""
        if self.held.permission.electronic and self.overridden(on):
            return ""
        return self.fault(on)


class Permits:
    """The permissions of everything that is installed, read once and only when asked for. With
    `limited_only` uses are counted only where there is a maximum: to judge, not to show."""

    def __init__(
        self, session: Session, site: Site, *, lock: bool = False, limited_only: bool = False
    ) -> None:
        self._session, self._site, self._lock = session, site, lock
        self._limited_only = limited_only
        self._read: Mapping[int, Standing] | None = None

    def all(self) -> Mapping[int, Standing]:
        """By the wording's id."""
        if self._read is None:
            known = self._site.library.instruments
            found = wordings.held(self._session, lock=self._lock, limited_only=self._limited_only)
            self._read = {
                number: Standing(held, known[held.wording.instrument].name)
                for number, held in found.items()
                if held.wording.instrument in known
            }
        return self._read

    def hold(self, context: CourseContext, timepoint: Timepoint, at: datetime) -> Hold | None:
        """What keeps a message for this timepoint back at this time. What was begun goes on."""
        on = at.astimezone(context.zone).date()
        for name in timepoint.instruments:
            if (timepoint.id, name) not in context.facts.started and (
                why := self.why_not(context, context.wording(name), on)
            ):
                return Hold(why)
        return None

    def why_not(self, context: CourseContext, wording: Wording, on: date) -> str:
        """Why this course may not begin an assessment in this wording; empty where it may."""
        if wording.installed is not None:
            return self.all()[wording.installed].holds(on)
        if wording.placeholder and context.study.mode == "live":
            name = self._site.library.instruments[wording.instrument].name
            return NO_WORDING.format(name=name)
        return ""

    def starts(
        self, context: CourseContext, chosen: Collection[Wording], now: datetime
    ) -> list[int]:
        """The installed wordings among those that somebody begins on a phone now; each is one use.
        Raises GoneError where one may not be used."""
        on = now.astimezone(context.zone).date()
        if any(self.why_not(context, wording, on) for wording in chosen):
            raise GoneError(NOT_NOW)
        return [w.installed for w in chosen if w.installed is not None]


@dataclass(frozen=True)
class KeptBack:
    """What keeps messages back besides the schedule: `always` every one of a person, and where
    an instrument may not be asked then, those of its timepoints."""

    always: Hold | None
    permits: Permits

    def at(self, context: CourseContext, timepoint: Timepoint, when: datetime) -> Hold | None:
        return self.always or self.permits.hold(context, timepoint, when)


def count(session: Session, used: Iterable[int], now: datetime) -> None:
    """Write the uses down."""
    for wording_id in used:
        wordings.add_use(session, wording_id, now)


def enrolment_faults(
    session: Session,
    site: Site,
    protocol: Protocol,
    languages: Collection[str],
    *,
    live: bool,
    on: date,
) -> list[str]:
    """Why nobody may be enrolled in a study of this protocol: in each language that its
    participants may choose, every instrument needs a wording that may be used."""
    permits = Permits(session, site)
    present = wordings.present_wordings(session, site.library)
    faults: dict[str, None] = {}
    for name in dict.fromkeys(i for t in protocol.timepoints for i in t.instruments):
        lacking: list[str] = []
        if name not in present:  # frozen to, and installed no more
            faults |= {f"{name} is not installed any more.": None} if live else {}
            continue
        for language in languages:
            wording = pick(present[name], language, live=live)
            if fault := _fault(permits, wording, live=live, on=on):
                faults[fault] = None
            elif live and (wording.placeholder or wording.language != language):
                lacking.append(language)
        if lacking:
            about = site.library.instruments[name].name
            faults[f"There is no permitted wording of {about} in {', '.join(lacking)}."] = None
    return list(faults)


def refuse_enrolment(
    session: Session, site: Site, retreat: Retreat, languages: Collection[str], now: datetime
) -> None:
    """Raises InputError where a wording may not be used by people who are not in yet. A live
    study asks for every language that its participants may choose, whoever comes."""
    study = the_study(session, retreat.study_id)
    live = study.mode == "live"
    asked = choosable(session, study.id) if live else languages
    on = now.astimezone(ZoneInfo(retreat.time_zone)).date()
    protocol = protocol_of(session, site, retreat)
    faults = enrolment_faults(session, site, protocol, asked, live=live, on=on)
    if faults:
        raise InputError({"": f"Nobody can be enrolled now. {' '.join(faults)}"})


def choosable(session: Session, study_id: int) -> tuple[str, ...]:
    """The languages that a study's participants may choose."""
    return wordings.languages_of(session, study_id) or tuple(code for code, _ in LANGUAGES)


def _fault(permits: Permits, wording: Wording, *, live: bool, on: date) -> str:
    """What is wrong with an installed wording's permission, as a sentence."""
    if wording.installed is None:
        return ""
    fault = permits.all()[wording.installed].fault(on, phone=live)
    return f"{fault[0].upper()}{fault[1:]}." if fault else ""
