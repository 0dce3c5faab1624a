"""Enrolment: retreats, the people in them, their consent and contact, and a study's settings.

Every act is one transaction that writes the trail and refreshes the windows it touches. `actor`
is who did it ("staff:1", "import"); `now` is aware. Acts on anchors and doses are in `dosing`.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from zoneinfo import available_timezones

from ..store import freezing, roster, trail, transfer
from ..store.database import Session
from ..store.facts import CourseContext, course_context
from ..store.tables import CONSENT_SCOPES as CONSENT_SCOPES
from ..store.tables import Consent, Participant, Retreat, Study
from ..store.windows import lock_courses, refresh_windows
from ..study.protocol import Anchor, Protocol
from ..study.schedule import AnchorFact, Facts, windows
from ..texts import day
from .dates import past_day_fault, year_fault
from .errors import InputError, NotFoundError
from .site import Site

CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
DEFAULT_PROTOCOL = "second-retreat"
LONGEST_NAME, LONGEST_SETTING = 80, 200


@dataclass(frozen=True)
class NewRetreat:
    """A retreat as typed; `dosing_date` is its first anchor's date, `later` those of others;
    `study_id` names a live study, without it the retreat is for practice."""

    name: str
    protocol: str
    time_zone: str
    dosing_date: date | None = None
    later: Mapping[str, date] = field(default_factory=dict[str, date])
    study_id: int | None = None

    def dates(self, protocol: Protocol) -> dict[str, date]:
        """The dates that are known, by anchor."""
        first = {protocol.main_anchor.id: self.dosing_date} if self.dosing_date else {}
        known = [a.id for a in protocol.anchors if a.id in self.later]
        return first | {name: self.later[name] for name in known}


@dataclass(frozen=True)
class StudySettings:
    """What participants are told about help, and about who reads their answers and when."""

    emergency: str = ""
    crisis_line: str = ""
    phone: str = ""
    hours: str = ""
    readers: str = ""
    read_when: str = ""


@dataclass(frozen=True)
class ConsentDetails:
    """What else is known of a consent: the form's version, who talked about it with the person,
    and what was agreed to besides; None was not asked. `own` are the form's own scopes by id."""

    version: str = ""
    taken_by: str = ""
    keep_for_research: bool | None = None
    contact_after: bool | None = None
    own: Mapping[str, bool] = field(default_factory=dict[str, bool])


NO_DETAILS = ConsentDetails()


def add_retreat(site: Site, wish: NewRetreat, *, actor: str, now: datetime) -> int:
    """A new retreat in a live study, or in its protocol's practice study; its id. Raises InputError
    by field."""
    name, zone = " ".join(wish.name.split()), wish.time_zone.strip()
    protocol = site.library.protocols.get(wish.protocol)
    with site.database.write() as session:
        problems = _retreat_problems(session, name, zone, protocol)
        problems |= _study_problems(session, wish)
        dates = wish.dates(protocol) if protocol else {}
        if protocol and "time_zone" not in problems:
            problems |= _date_problems(protocol, dates, zone, now)
        if problems or protocol is None:
            raise InputError(problems)
        study = _study_of(session, wish, protocol, actor, now)
        retreat = transfer.add_retreat(session, study, name, zone, dates, now)
        trail.append(
            session,
            trail.SYSTEM,
            "retreat added",
            actor,
            now,
            _retreat_payload(retreat, wish, dates),
        )
        return retreat.id


def _study_problems(session: Session, wish: NewRetreat) -> dict[str, str]:
    if wish.study_id is None:
        return {}
    study = roster.study(session, wish.study_id)
    if study is None or study.mode != "live":
        return {"study": "Choose one of the studies."}
    if study.protocol != wish.protocol:
        return {"protocol": f"{study.title} follows {study.protocol}. Choose that, or practice."}
    return {}


def _study_of(
    session: Session, wish: NewRetreat, protocol: Protocol, actor: str, now: datetime
) -> Study:
    """The live study that was chosen, else the practice study, made if there is none."""
    if wish.study_id is not None:
        return the_study(session, wish.study_id)
    study, made = transfer.practice_study(session, protocol, now)
    if made:
        fields = {"study": study.id, "protocol": protocol.id}
        trail.append(session, trail.SYSTEM, "study added", actor, now, fields)
    return study


def _retreat_payload(
    retreat: Retreat, wish: NewRetreat, dates: Mapping[str, date]
) -> dict[str, object]:
    return {
        "retreat": retreat.id,
        "study": retreat.study_id,
        "name": retreat.name,
        "dosing_date": _iso(wish.dosing_date),
        "anchors": {anchor: on.isoformat() for anchor, on in dates.items()},
    }


def _retreat_problems(
    session: Session, name: str, zone: str, protocol: Protocol | None
) -> dict[str, str]:
    problems: dict[str, str] = {}
    if not name:
        problems["name"] = "Give the retreat a name."
    elif len(name) > LONGEST_NAME:
        problems["name"] = f"Use at most {LONGEST_NAME} characters."
    elif roster.name_taken(session, name):
        problems["name"] = f"There is already a retreat called {name}. Choose another name."
    if protocol is None:
        problems["protocol"] = "Choose one of the protocols."
    if fault := zone_fault(zone):
        problems["time_zone"] = fault
    return problems


def _date_problems(
    protocol: Protocol, dates: Mapping[str, date], zone: str, now: datetime
) -> dict[str, str]:
    """What is wrong with an anchor's date, by the field that it stands in."""
    problems: dict[str, str] = {}
    so_far: dict[str, date] = {}
    for anchor, on in dates.items():
        so_far[anchor] = on
        if fault := day_fault(protocol, so_far, anchor, zone, now):
            first = anchor == protocol.main_anchor.id
            problems["dosing_date" if first else f"{protocol.id}.{anchor}"] = fault
    return problems


def day_fault(
    protocol: Protocol, dates: Mapping[str, date], anchor: str, zone: str, now: datetime
) -> str | None:
    """A sentence when this anchor's date may not be what it is among `dates`, else None."""
    return (
        year_fault(dates[anchor], now.date())
        or _past_fault(protocol, anchor, dates[anchor], zone, now)
        or _order_fault(protocol, dates, anchor)
    )


def _order_fault(protocol: Protocol, dates: Mapping[str, date], anchor: str) -> str | None:
    """A sentence when this anchor's date is not after that of an earlier anchor, else None."""
    ids = [a.id for a in protocol.anchors]
    place = ids.index(anchor)
    for other in protocol.anchors[:place]:
        if other.id in dates and dates[anchor] <= dates[other.id]:
            return f"This must come after the {other.named}, {day(dates[other.id])}."
    for other in protocol.anchors[place + 1 :]:
        if other.id in dates and dates[anchor] >= dates[other.id]:
            return f"This must come before the {other.named}, {day(dates[other.id])}."
    return None


def _past_fault(protocol: Protocol, anchor: str, on: date, zone: str, now: datetime) -> str | None:
    """A sentence when every window that counts from this date has closed, else None."""
    facts = Facts(zone=zone, anchors={anchor: AnchorFact(on, False)})
    found = list(windows(protocol, facts))
    if not found or any(window.closes_at > now for _, window in found):
        return None
    timepoint, window = max(found, key=lambda pair: pair[1].closes_at)
    return (
        f"With this day every window would lie in the past: the last one, {timepoint.label}, "
        f"would have closed on {day(window.closes)}. Check the year."
    )


@cache
def zones() -> tuple[str, ...]:
    """The IANA zones that stand for a place, and UTC."""
    places = (zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/"))
    return (*sorted(places), "UTC")


def zone_fault(zone: str) -> str | None:
    if zone in zones():
        return None
    return "Write a time zone as region and place, for example Europe/Amsterdam."


def record_consent(
    site: Site,
    code: str,
    number: int,
    given_on: date | None,
    scope: str,
    more: ConsentDetails = NO_DETAILS,
    *,
    actor: str,
    now: datetime,
) -> None:
    """Record what a person agreed to, and when; messages that waited for it are looked at again.
    Raises InputError by field, NotFoundError."""
    with site.database.write() as session:
        lock_courses(session, [the_course(session, site, code, number).course_id])
        context = the_course(session, site, code, number)
        today = now.astimezone(context.zone).date()
        problems = _consent_problems(context, given_on, scope, more, today)
        if problems or given_on is None:
            raise InputError(problems)
        row = _consent(context, given_on, scope, more, actor, now)
        session.add(row)
        fields = {"given_on": given_on.isoformat(), "scope": scope, **vars(more)}
        trail.append(session, context.course.chain, "consent recorded", actor, now, fields)
        roster.look_again(session, [context.course_id], now)
        refresh_windows(session, site.library, [context.course_id])


def _consent(
    context: CourseContext,
    given_on: date,
    scope: str,
    more: ConsentDetails,
    actor: str,
    now: datetime,
) -> Consent:
    return Consent(
        course_id=context.course_id,
        given_on=given_on,
        scope=scope,
        version=more.version,
        taken_by=" ".join(more.taken_by.split()),
        keep_for_research=more.keep_for_research,
        contact_after=more.contact_after,
        own_scopes=json.dumps(dict(more.own), sort_keys=True) if more.own else "",
        recorded_by=actor,
        recorded_at=now,
    )


def _consent_problems(
    context: CourseContext, given_on: date | None, scope: str, more: ConsentDetails, today: date
) -> dict[str, str]:
    problems: dict[str, str] = {}
    ask = "Write the day on which consent was given."
    forms = {form.version: form for form in context.hanging.forms}
    form = forms.get(more.version)
    if fault := past_day_fault(given_on, today, ask):
        problems["given_on"] = fault
    elif form and given_on and given_on < form.dated:
        problems["given_on"] = f"Version {form.version} is of {day(form.dated)}, after that day."
    elif given_on and (withdrawn := context.hanging.withdrawn_after(given_on)):
        problems["given_on"] = f"Consent was withdrawn on {day(withdrawn)}, after that day."
    if scope not in CONSENT_SCOPES:
        problems["scope"] = "Choose what the consent covers."
    if form is None and (forms or more.version):
        problems["version"] = "Choose the version that was signed."
    if len(more.taken_by) > LONGEST_NAME:
        problems["taken_by"] = f"Use at most {LONGEST_NAME} characters."
    elif forms and not more.taken_by.strip():
        problems["taken_by"] = "Write who talked about it with the person: a name or a role."
    return problems


def save_settings(
    site: Site, study_id: int, wish: StudySettings, *, actor: str, now: datetime
) -> None:
    """Keep what participants are told. Raises InputError by field, NotFoundError."""
    fields = {name: " ".join(text.split()) for name, text in dataclasses.asdict(wish).items()}
    problems = {
        name: f"Use at most {LONGEST_SETTING} characters."
        for name, text in fields.items()
        if len(text) > LONGEST_SETTING
    }
    if problems:
        raise InputError(problems)
    with site.database.write() as session:
        study = the_study(session, study_id)
        before = {name: getattr(study, name) for name in fields}
        for name, text in fields.items():
            setattr(study, name, text)
        changed = {n: [before[n], text] for n, text in fields.items() if before[n] != text}
        if changed:
            payload = {"study": study_id, **changed}
            trail.append(session, trail.SYSTEM, "settings saved", actor, now, payload)


def the_course(session: Session, site: Site, code: str, number: int) -> CourseContext:
    """Raises NotFoundError."""
    course_id = roster.find_course(session, code, number)
    context = course_context(session, site.library, course_id) if course_id else None
    if context is None:
        raise NotFoundError(f"There is no course {number} of {shown(code)}.")
    return context


def shown(code: str) -> str:
    """A study code as a sentence may repeat it. What is none may be an address, and is not."""
    return code if CODE.fullmatch(code) else "…"


def the_person(session: Session, code: str) -> Participant:
    """Raises NotFoundError."""
    found = roster.participant(session, code)
    if found is None:
        raise NotFoundError(f"There is nobody with the study code {shown(code)}.")
    return found


def the_retreat(session: Session, retreat_id: int) -> Retreat:
    """Raises NotFoundError."""
    found = roster.retreat(session, retreat_id)
    if found is None:
        raise NotFoundError("There is no such retreat.")
    return found


def the_study(session: Session, study_id: int) -> Study:
    """Raises NotFoundError."""
    found = roster.study(session, study_id)
    if found is None:
        raise NotFoundError("There is no such study.")
    return found


def the_anchor(protocol: Protocol, anchor: str) -> Anchor:
    """The anchor of this name, the first for an empty one. Raises NotFoundError."""
    found = next((a for a in protocol.anchors if a.id == (anchor or protocol.main_anchor.id)), None)
    if found is None:
        raise NotFoundError(f"The protocol {protocol.id} has no {anchor}.")
    return found


def protocol_of(session: Session, site: Site, retreat: Retreat) -> Protocol:
    """The protocol that this retreat runs under. Raises NotFoundError."""
    study = the_study(session, retreat.study_id)
    under = freezing.of_retreat(session, site.library, retreat, study)
    if under is None:
        raise NotFoundError(f"The protocol {study.protocol} is not installed.")
    return under.protocol


def append_all(
    session: Session,
    contexts: Sequence[CourseContext],
    kind: str,
    actor: str,
    now: datetime,
    payload: dict[str, object],
) -> None:
    """The same event in the chain of each course."""
    for context in contexts:
        trail.append(session, context.course.chain, kind, actor, now, payload)


def _iso(on: date | None) -> str | None:
    return on.isoformat() if on else None
