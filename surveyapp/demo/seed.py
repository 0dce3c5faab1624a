"""The demo's study: the synthetic cohort, and a retreat of a few people that is about to begin."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from ..services import accounts, alert_acts, enrolment, people
from ..services.alert_acts import NewResponders
from ..services.enrolment import CONSENT_SCOPES, NewRetreat, StudySettings
from ..services.exchange import import_folder
from ..services.overview import studies
from ..services.people import NewPerson
from ..services.site import Site
from ..store import links
from ..store.roster import find_course
from ..texts import month
from .around import write_around
from .cohort import make_cohort, make_earlier, write_files
from .outlook import ZONE

ACTOR = "demo"
STAFF = "staff@example.org"
PROTOCOL = "second-retreat"
CODES = ("M-01", "M-02", "M-03", "M-04")
AHEAD = timedelta(days=9)
HELP = StudySettings(
    emergency="112",
    crisis_line="the 24-hour line of your country (this is a demo)",
    phone="+31 20 555 0100",
    hours="Monday to Friday, 9:00 to 17:00",
    readers="the two facilitators of your retreat",
    read_when="before each integration session",
)


TOLD = NewResponders(
    name="On call",
    email="on-call@example.org",
    minutes=30,
    deputy_name="The deputy",
    deputy_email="deputy@example.org",
)


@dataclass(frozen=True)
class StaffDoor:
    email: str
    password: str


def add_staff(site: Site, now: datetime) -> StaffDoor:
    """The first staff account, its password already set."""
    password = secrets.token_urlsafe(12)
    first = accounts.ensure_first_account(site, STAFF, now)
    accounts.accept_invite(site, first.token, password, now)
    return StaffDoor(first.email, password)


def seed(site: Site, now: datetime) -> str:
    """Fill an empty site; the address of one participant's open check-in."""
    instruments = site.library.instruments
    _import(site, make_cohort(instruments), now)
    _import(site, make_earlier(CODES[0], ZONE, instruments), now)
    for study in studies(site):
        enrolment.save_settings(site, study.id, HELP, actor=ACTOR, now=now)
        alert_acts.set_responders(site, study.id, TOLD, actor=ACTOR, now=now)
    number = _add_retreat(site, now)
    write_around(site, now)
    return _link(site, CODES[0], number)


def _import(site: Site, files: Mapping[str, str], now: datetime) -> None:
    with tempfile.TemporaryDirectory() as name:
        write_files(Path(name), files)
        import_folder(site, Path(name), now, ACTOR)


def _add_retreat(site: Site, now: datetime) -> int:
    """A retreat whose baseline is open; the course's number of the first person."""
    today = now.astimezone(ZoneInfo(ZONE)).date()
    dosing_day = today + AHEAD
    name = month(dosing_day)
    wish = NewRetreat(name, PROTOCOL, ZONE, dosing_day)
    retreat = enrolment.add_retreat(site, wish, actor=ACTOR, now=now)
    group = [NewPerson(code, f"{code.lower()}@example.org") for code in CODES]
    planned = people.add_people(site, retreat, group, actor=ACTOR, now=now)
    for person in planned:
        enrolment.record_consent(
            site, person.code, person.number, today, CONSENT_SCOPES[0], actor=ACTOR, now=now
        )
    return planned[0].number


def _link(site: Site, code: str, number: int) -> str:
    timepoint = site.library.protocols[PROTOCOL].timepoints[0].id
    with site.database.write() as session:
        course = find_course(session, code, number)
        assert course is not None
        token = links.ensure_link(session, site.link_key, course, timepoint)
    return site.settings.link(f"s/{token}")
