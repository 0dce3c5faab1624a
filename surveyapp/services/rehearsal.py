"""Rehearsal: what would be sent, before anybody is enrolled; what goes out next in a retreat.

The same schedule and the same texts as the worker's, with a stand-in for the link.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from .. import texts
from ..config import Settings
from ..delivery.message import CheckIn, Envelope, Notice, Own, compose, sms_text
from ..delivery.segments import segments
from ..store import roster
from ..store.facts import course_contexts
from ..store.scopes import Scope
from ..study.library import Library
from ..study.protocol import EARLIEST, LATEST, Protocol
from ..study.schedule import AnchorFact, Facts, Prompt, plan, window_of
from .enrolment import the_retreat, zone_fault
from .errors import InputError
from .forecast import prompt_lines
from .invitations import Ways, own_texts, stand_in_notices
from .readmodels import PromptLine
from .site import Site

EXAMPLE = "s/EXAMPLE-LINK-OF-NOBODY"
DEFAULT_URL = "https://checkin.example.org"
ZONES = (
    "Europe/Amsterdam",
    "Europe/London",
    "Europe/Madrid",
    "America/New_York",
    "America/Denver",
    "America/Los_Angeles",
    "America/Sao_Paulo",
    "Asia/Kolkata",
    "Asia/Tokyo",
    "Australia/Sydney",
    "Pacific/Auckland",
    "Atlantic/Azores",
)
SPREAD = timedelta(weeks=24)
APART = timedelta(days=35)
REPORT_EVERY = 10_000
LOOKED_AT = ("planned", "held", "waiting", "sending")


@dataclass(frozen=True)
class Said:
    """One message as it would be written: e-mail, and text with its SMS segments."""

    subject: str
    text: str
    html: str
    sms: str
    segments: int


@dataclass(frozen=True)
class Planned:
    """One message of a participant who never answers."""

    prompt: Prompt
    label: str
    said: Said


@dataclass(frozen=True)
class SiteTexts:
    """What a site's messages say besides the built-in words: own texts by channel, kind and
    language, and the study team's phone and hours."""

    own: Mapping[tuple[str, str, str], Own] = field(default_factory=dict[tuple[str, str, str], Own])
    phone: str = ""
    hours: str = ""


def site_texts(site: Site, protocol: Protocol, scope: Scope = None) -> SiteTexts:
    """Those of this site, with the lines of the study within the scope that runs this protocol, if
    there is one."""
    with site.database.read() as session:
        own = own_texts(session)
        known = (found.study for found in roster.studies(session, scope))
        running = (study for study in known if study.protocol == protocol.id)
        study = next(running, None)
        return SiteTexts(own, study.phone if study else "", study.hours if study else "")


def rehearse(
    library: Library,
    settings: Settings,
    protocol: Protocol,
    anchors: Mapping[str, date],
    zone: str,
    language: str,
    site_texts: SiteTexts | None = None,
) -> list[Planned]:
    """Every message with its texts, in time order, as if each anchor were confirmed. Without
    `site_texts` the texts are the built-in ones.

    Raises InputError for a zone that is none, or a date too far away to count from.
    """
    if fault := zone_fault(zone):
        raise InputError({"time_zone": fault})
    facts = Facts(zone, {name: AnchorFact(on, confirmed=True) for name, on in anchors.items()})
    try:
        prompts = plan(protocol, facts)
    except OverflowError as error:
        raise InputError({"date": "That date is too far away to count from."}) from error
    labels = {t.id: t.label for t in protocol.timepoints}
    known = site_texts or SiteTexts()
    with texts.speaking(language):
        return [
            Planned(p, labels[p.timepoint], said(library, settings, protocol, facts, p, known))
            for p in prompts
        ]


def said(
    library: Library,
    settings: Settings,
    protocol: Protocol,
    facts: Facts,
    prompt: Prompt,
    known: SiteTexts,
) -> Said:
    """What one message would say, in the language spoken just now."""
    timepoint = protocol.timepoint(prompt.timepoint)
    window = window_of(timepoint, facts)
    assert window is not None
    minutes = sum(library.instruments[name].minutes for name in timepoint.instruments)
    link = f"{(settings.public_url or DEFAULT_URL).rstrip('/')}/{EXAMPLE}"
    language, kind = texts.spoken(), "reminder" if prompt.number else "invitation"
    notice = Notice(
        check_ins=[CheckIn(link, minutes, window.closes)],
        reminder=prompt.number > 0,
        site_name=settings.site_name,
        phone=known.phone,
        hours=known.hours,
        placeholder_notices=stand_in_notices(
            library.instruments[name].wording(language) for name in timepoint.instruments
        ),
    )
    message = compose(
        replace(notice, own=known.own.get(("email", kind, language))),
        Envelope(settings.mail_from, "person@example.org", "<rehearsal@localhost>", prompt.utc),
    )
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    sms = sms_text(replace(notice, own=known.own.get(("sms", kind, language))))
    return Said(
        subject=str(message["Subject"]),
        text=plain.get_content(),
        html=html.get_content(),
        sms=sms,
        segments=segments(sms),
    )


@dataclass(frozen=True)
class Next:
    """One message that goes out, or would, in the coming days."""

    code: str
    line: PromptLine


@dataclass(frozen=True)
class Outgoing:
    """What goes out in a retreat until a day, in time order; `held` is what is kept back."""

    retreat_id: int
    name: str
    until: datetime
    going: tuple[Next, ...]
    held: tuple[Next, ...]


def going_out(site: Site, retreat_id: int, days: int, now: datetime) -> Outgoing:
    """What goes out in the next `days`, to whom, and what is held and why. Raises
    NotFoundError."""
    until = now + timedelta(days=days)
    with site.database.read() as session:
        retreat = the_retreat(session, retreat_id)
        contexts = course_contexts(session, site.library, roster.course_ids(session, retreat_id))
        ways = Ways.of(session, site, contexts)
        found = [
            Next(context.participant.code, line)
            for context in contexts
            for line in prompt_lines(context, now, ways.kept_back(context))
            if line.state in LOOKED_AT and line.at <= until
        ]
        found.sort(key=lambda n: (n.line.at, n.code))
        return Outgoing(
            retreat_id=retreat_id,
            name=retreat.name,
            until=until,
            going=tuple(n for n in found if n.line.state != "held"),
            held=tuple(n for n in found if n.line.state == "held"),
        )


def retreat_named(site: Site, name: str) -> int:
    """The retreat's id. Raises InputError."""
    with site.database.read() as session:
        found = {row.retreat.name: row.retreat.id for row in roster.retreats(session)}
    if name not in found:
        known = ", ".join(sorted(found)) or "none yet"
        raise InputError({"retreat": f"There is no retreat called {name!r}; there are: {known}."})
    return found[name]


@dataclass(frozen=True)
class Load:
    """What many participants who never answer would get."""

    participants: int
    messages: int
    busiest_day: date
    on_busiest_day: int
    busiest_minute: datetime
    in_busiest_minute: int
    outside_hours: int
    doubled: int


Progress = Callable[[int], None]


def simulate(protocol: Protocol, participants: int, first: date, progress: Progress) -> Load:
    """Participants over 24 weeks of starts and twelve zones, each planned by the worker's own
    schedule. Times of a busiest minute and day are UTC; `progress` hears of every 10,000.
    """
    minutes: Counter[datetime] = Counter()
    outside = doubled = 0
    for number in range(participants):
        prompts = plan(protocol, _participant(protocol, number, first))
        minutes.update(prompt.utc for prompt in prompts)
        doubled += len(prompts) - len({(p.timepoint, p.number) for p in prompts})
        outside += sum(not EARLIEST <= p.local.time() < LATEST for p in prompts)
        if (number + 1) % REPORT_EVERY == 0:
            progress(number + 1)
    days = Counter[date]()
    for at, count in minutes.items():
        days[at.date()] += count
    at, on = max(minutes, key=minutes.__getitem__), max(days, key=days.__getitem__)
    return Load(
        participants=participants,
        messages=minutes.total(),
        busiest_day=on,
        on_busiest_day=days[on],
        busiest_minute=at,
        in_busiest_minute=minutes[at],
        outside_hours=outside,
        doubled=doubled,
    )


def _participant(protocol: Protocol, number: int, first: date) -> Facts:
    start = first + timedelta(days=number % SPREAD.days)
    zone = ZONES[(number // SPREAD.days) % len(ZONES)]
    dates = {a.id: start + n * APART for n, a in enumerate(protocol.anchors)}
    return Facts(zone, {name: AnchorFact(on, confirmed=True) for name, on in dates.items()})
