"""What pages, lists and Today say of wordings and their permissions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from ..store import wordings
from ..store.alerts import staff_emails
from ..store.database import Session
from ..store.tables_wording import InstalledWording
from ..study.instrument import Instrument, Wording
from ..study.reading import FaultsFoundError
from ..texts import day
from .permissions import Permits, Standing
from .phonepages import Question
from .readmodels import Need, Place
from .site import Site
from .visits import questions_of
from .wordings import TypedPermission, the_instrument, the_wording, typed_of


@dataclass(frozen=True)
class WordingLine:
    """One wording in the list; `id` of what was installed. `trouble` says what is wrong with the
    permission, in words."""

    id: int | None
    instrument: str
    name: str
    language: str
    state: str
    sha256: str
    uses: str = ""
    expires: str = ""
    permission: str = ""
    trouble: str = ""

    @property
    def sentence(self) -> str:
        parts = (
            f"{self.instrument} {self.language}: {self.state}",
            self.sha256[:12],
            self.permission,
            f"uses {self.uses}" if self.uses else "",
            self.expires,
            self.trouble,
        )
        return "; ".join(filter(None, parts))


@dataclass(frozen=True)
class Recorded:
    """One permission or override of the past: what it said, who recorded it, and when."""

    words: str
    why: str
    by: str
    at: datetime


@dataclass(frozen=True)
class WordingView:
    """An installed wording's page."""

    line: WordingLine
    permission: TypedPermission
    electronic: bool
    courses: int
    history: Sequence[Recorded]
    overrides: Sequence[Recorded]
    retired: str
    screens: Screens | None


@dataclass(frozen=True)
class Screens:
    """How a text looks on the phone, item by item."""

    language: str
    title: str
    recall: str
    notice: str
    questions: tuple[Question, ...]


def screens_of(instrument: Instrument, wording: Wording, holder: str) -> Screens:
    """`holder` as the permission names them."""
    told = wording.notice or f"{instrument.name}: {holder}"
    none = questions_of(instrument, wording, {})
    return Screens(wording.language, wording.title, wording.recall, told, none)


def listed(site: Site, now: datetime) -> list[WordingLine]:
    """Every wording, by instrument and language: what stands, and what is retired."""
    with site.database.read() as session:
        permits = Permits(session, site).all()
        return [
            line
            for instrument in site.library.instruments.values()
            for line in _of_instrument(session, instrument, list(permits.values()), now.date())
        ]


def _of_instrument(
    session: Session, instrument: Instrument, permits: Sequence[Standing], on: date
) -> Iterator[WordingLine]:
    own = [p for p in permits if p.held.wording.instrument == instrument.id]
    newest = {row.id for row in wordings.newest(session).values()}
    languages = dict.fromkeys([*instrument.wordings, *(p.held.wording.language for p in own)])
    for language in languages:
        here = [p for p in own if p.held.wording.language == language]
        shipped = instrument.wordings.get(language)
        if shipped and not any(p.held.wording.id in newest for p in here):
            state = "placeholder" if shipped.placeholder else "ships with the program"
            yield WordingLine(None, instrument.id, instrument.name, language, state, shipped.sha256)
        for p in reversed(here):
            yield _line(p, on, stands=p.held.wording.id in newest)


def _line(standing: Standing, on: date, *, stands: bool) -> WordingLine:
    row, permission = standing.held.wording, standing.held.permission
    state = "installed" if stands else "retired" if row.retired_at else "installed, replaced"
    last = permission.expires
    return WordingLine(
        id=row.id,
        instrument=row.instrument,
        name=standing.name,
        language=row.language,
        state=state,
        sha256=row.sha256,
        uses=standing.uses_words,
        expires=f"until {day(last)}" if last else "without end",
        permission=f"{permission.basis}, {permission.holder}, {permission.reference}",
        trouble=_trouble(standing, on),
    )


def _trouble(standing: Standing, on: date) -> str:
    permission = standing.held.permission
    found: list[str] = []
    if fault := standing.fault(on):
        found.append(fault)
    if standing.ends_soon(on) and permission.expires:
        found.append(f"ends on {day(permission.expires)}, in {_days(permission.expires, on)}")
    if standing.nearly_used_up and not standing.used_up:
        found.append(f"{standing.uses_words} uses")
    if fault and standing.overridden(on) and standing.held.override:
        found.append(f"goes on until {day(standing.held.override.until)} by an admin's word")
    return "; ".join(found)


def _days(last: date, on: date) -> str:
    left = (last - on).days
    return "1 day" if left == 1 else f"{left} days"


def view(site: Site, wording_id: int, now: datetime) -> WordingView:
    """Raises NotFoundError."""
    with site.database.read() as session:
        row = the_wording(session, wording_id)
        standing = Permits(session, site).all()[wording_id]
        instrument = the_instrument(site, row.instrument)
        emails = staff_emails(session)
        stands = row.id in {r.id for r in wordings.newest(session).values()}
        history = wordings.history(session, wording_id)
        return WordingView(
            line=_line(standing, now.date(), stands=stands),
            permission=typed_of(history[0]),
            electronic=history[0].electronic,
            courses=len(wordings.courses_under(session, wording_id)),
            history=tuple(
                Recorded(
                    _said(typed_of(p)),
                    p.why,
                    emails.get(p.recorded_by, p.recorded_by),
                    p.recorded_at,
                )
                for p in history
            ),
            overrides=tuple(
                Recorded(
                    f"until {day(o.until)}",
                    o.reason,
                    emails.get(o.recorded_by, o.recorded_by),
                    o.recorded_at,
                )
                for o in wordings.overrides_of(session, wording_id)
            ),
            retired=row.retired_why,
            screens=_screens(session, instrument, row, history[0].holder),
        )


def _screens(
    session: Session, asked: Instrument, row: InstalledWording, holder: str
) -> Screens | None:
    """None where the text was made for another version of the key: it is not used then."""
    kept = row.sha256, row.language
    try:
        wording = wordings.text_of(session, asked, *kept, placeholder=False)
    except FaultsFoundError:
        return None
    return screens_of(asked, wording, holder)


def _said(typed: TypedPermission) -> str:
    return (
        f"{typed.basis}; {typed.holder}; {typed.reference}; on phones: {typed.electronic}; "
        f"languages {typed.languages}; in reports: {typed.reproduction}; until {typed.expires}; "
        f"uses {typed.maximum}"
    )


def needs(session: Session, site: Site, now: datetime) -> list[Need]:
    """Permissions that end, are used up, or are gone while somebody still runs under them."""
    found: list[Need] = []
    on = now.date()
    newest = {row.id for row in wordings.newest(session).values()}
    for number, standing in Permits(session, site).all().items():
        trouble = _trouble(standing, on)
        courses = len(wordings.courses_under(session, number)) if trouble else 0
        if trouble and (number in newest or courses):
            name = f"{standing.name} ({standing.held.wording.language})"
            place = Place("wording", {"wording_id": number})
            found.append(Need(name, _sentence(standing, trouble, courses, on), "Open", place))
    return found


def _sentence(standing: Standing, trouble: str, courses: int, on: date) -> str:
    people = "1 course runs" if courses == 1 else f"{courses} courses run"
    held = " Messages for it are held." if standing.holds(on) and courses else ""
    return f"Permission: {trouble}. {people} under it.{held}"
