"""Permissions: uses counted, the last day, the maximum, and what an admin may let go on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import delete, func, select

from surveyapp.delivery.email import SmtpMailer
from surveyapp.services import (
    answering,
    enrolment,
    people,
    personal,
    prompting,
    sheets,
    visits,
    wording_views,
    wordings,
)
from surveyapp.services.answering import Tap
from surveyapp.services.enrolment import NewRetreat, add_retreat
from surveyapp.services.errors import GoneError, InputError
from surveyapp.services.people import NewPerson
from surveyapp.services.sheets import NewSheet
from surveyapp.services.site import Site
from surveyapp.store.links import ensure_link
from surveyapp.store.tables import Answer, Assessment, PromptRow
from surveyapp.store.tables_access import Event
from surveyapp.store.tables_wording import WordingUse
from surveyapp.worker import Ticker
from tests.conftest import NOON
from tests.fillers import PERMISSION, install
from tests.services.test_enrolment import BY
from tests.services.test_wordings import begin, enrol
from tests.world import AMSTERDAM, DOSING, MailServer, needs_of

INVITED = datetime(2027, 3, 10, 9, tzinfo=UTC)
"""10:00 in Amsterdam, ten days before DOSING."""
LAST = date(2027, 3, 12)


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


def tick(site: Site, server: MailServer, at: datetime) -> int:
    return Ticker(site, SmtpMailer(server.url), lambda: at).tick()


def person(site: Site, code: str = "P-01", retreat: int | None = None) -> int:
    """Somebody who consented."""
    course = enrol(site, code, retreat)
    enrolment.record_consent(site, code, 1, NOON.date(), "answers and messages", **BY)
    return course


def reasons(site: Site) -> list[str]:
    with site.database.read() as session:
        return list(session.scalars(select(PromptRow.reason).where(PromptRow.status == "held")))


def permission_lines(site: Site, now: datetime) -> list[str]:
    return [need.why for need in needs_of(site, now) if need.kind == "Permissions"]


def test_uses_are_counted_and_outlive_an_erasure(sqlite_site: Site) -> None:
    site = sqlite_site
    wording = install(site, "hads", permission=replace(PERMISSION, maximum="10"), **BY)
    retreat = add_retreat(site, NewRetreat("R", "second-retreat", AMSTERDAM, DOSING), **BY)
    for number in range(3):
        begin(site, enrol(site, f"P-0{number}", retreat))
        begin(site, enrolled(site, f"P-0{number}"))
    view = wording_views.view(site, wording, NOON)
    assert (view.line.uses, view.courses, view.line.trouble) == ("3 of 10", 3, "")
    with site.database.write() as session:
        session.execute(delete(Answer))
        session.execute(delete(Assessment))
    assert wording_views.view(site, wording, NOON).line.uses == "3 of 10"


def enrolled(site: Site, code: str) -> int:
    with site.database.read() as session:
        return enrolment.the_course(session, site, code, 1).course_id


def test_one_permission_for_two_languages_is_counted_together(sqlite_site: Site) -> None:
    site, shared = sqlite_site, replace(PERMISSION, maximum="10")
    one = install(site, "hads", permission=shared, **BY)
    two = install(site, "hads", language="nl", mark="Vulling", permission=shared, **BY)
    other = install(site, "hads", language="de", permission=replace(shared, reference="F-2"), **BY)
    begin(site, enrol(site, "P-01"))
    begin(site, enrol(site, "P-02", language="nl"))
    uses = {n: wording_views.view(site, n, NOON).line.uses for n in (one, two, other)}
    assert uses == {one: "2 of 10", two: "2 of 10", other: "0 of 10"}


def test_at_the_maximum_nothing_new_begins_and_what_began_is_finished(
    site: Site, server: MailServer
) -> None:
    install(site, "hads", permission=replace(PERMISSION, maximum="2"), **BY)
    retreat = add_retreat(site, NewRetreat("R", "second-retreat", AMSTERDAM, DOSING), **BY)
    first, second, third = (person(site, f"P-0{n}", retreat) for n in range(3))
    opened = begin(site, first)
    assert permission_lines(site, NOON) == []
    begin(site, second)
    with pytest.raises(GoneError):
        begin(site, third)
    write = visits.write_capability(opened.read_secret)
    at = INVITED + timedelta(days=2)
    assert answering.save(site, opened.visit, write, [Tap("hads", "1", 2)], at) == 1
    assert answering.send(site, opened.visit, write, "hads", at)
    assert tick(site, server, INVITED) == 1  # to the second, who may finish
    used_up = "the permission for HADS is used up (2 of 2 uses)"
    assert {used_up} == {name_free(site, reason) for reason in reasons(site)}
    with pytest.raises(InputError, match="is used up"):
        enrol(site, "P-09", retreat)
    with site.database.read() as session:
        assert session.scalar(select(func.count()).select_from(WordingUse)) == 2


def name_free(site: Site, text: str) -> str:
    return text.replace(site.library.instruments["hads"].name, "HADS")


def test_nine_tenths_are_told(sqlite_site: Site) -> None:
    site = sqlite_site
    wording = install(site, "hads", permission=replace(PERMISSION, maximum="10"), **BY)
    for count, told in ((8, False), (9, True)):
        with site.database.write() as session:
            session.execute(delete(WordingUse))
            session.add_all(WordingUse(wording_id=wording, at=NOON) for _ in range(count))
        lines = permission_lines(site, NOON)
        assert bool(lines) is told
    assert lines == ["Permission: 9 of 10 uses. 0 courses run under it."]


def test_the_end_is_told_sixty_days_ahead(sqlite_site: Site) -> None:
    site = sqlite_site
    install(site, "hads", permission=replace(PERMISSION, expires="2027-06-30"), **BY)
    last = datetime(2027, 6, 30, 12, tzinfo=UTC)
    assert permission_lines(site, last - timedelta(days=60)) == []
    [line] = permission_lines(site, last - timedelta(days=59))
    assert "ends on Wed 30 Jun 2027, in 59 days" in line
    [line] = permission_lines(site, last)
    assert "in 0 days" in line
    [line] = permission_lines(site, last + timedelta(days=1))
    assert "ended on Wed 30 Jun 2027" in line


def test_messages_are_held_after_the_last_day_and_go_on_by_an_admins_word(
    site: Site, server: MailServer
) -> None:
    """Invitation on 10 March, last day 12 March, reminders on 13 and 17 March."""
    permission = replace(PERMISSION, expires=LAST.isoformat())
    wording = install(site, "hads", permission=permission, **BY)
    retreat = add_retreat(site, NewRetreat("R", "second-retreat", AMSTERDAM, DOSING), **BY)
    person(site, "P-01", retreat)
    assert tick(site, server, INVITED) == 1
    reminder = INVITED + timedelta(days=3)
    lines = personal.person_view(site, "P-01", INVITED).courses[0].prompts
    ended = f"the permission for {site.library.instruments['hads'].name} ended on Fri 12 Mar 2027"
    assert [line.reason for line in lines if line.label == "Before the retreat"][1] == ended
    assert tick(site, server, reminder) == 0
    assert reasons(site) == [ended]
    with pytest.raises(InputError, match=r"ended on Fri 12 Mar 2027"):
        enrol_at(site, "P-02", retreat, reminder)
    by = {"actor": "staff:1", "now": reminder}
    wordings.override(site, wording, date(2027, 3, 14), "renewal is signed", **by)
    assert tick(site, server, reminder) == 1
    with pytest.raises(InputError, match=r"ended on"):
        enrol_at(site, "P-02", retreat, reminder)
    assert tick(site, server, INVITED + timedelta(days=7)) == 0
    assert reasons(site) == [ended]
    renewed = replace(permission, expires="2028-03-12")
    later = {"actor": "staff:1", "now": INVITED + timedelta(days=7)}
    wordings.change_permission(site, wording, renewed, "renewed", **later)
    assert tick(site, server, INVITED + timedelta(days=7)) == 1
    with site.database.read() as session:
        kinds = set(session.scalars(select(Event.kind)))
    assert {"permission overridden", "permission changed"} <= kinds
    history = wording_views.view(site, wording, NOON)
    assert [row.why for row in history.history] == ["renewed", ""]
    assert [row.why for row in history.overrides] == ["renewal is signed"]


def enrol_at(site: Site, code: str, retreat: int, now: datetime) -> None:
    people.add_person(site, retreat, NewPerson(code), actor="staff:1", now=now)


def test_the_last_day_itself_counts_where_the_person_is(sqlite_site: Site) -> None:
    site = sqlite_site
    permission = replace(PERMISSION, expires=LAST.isoformat())
    install(site, "hads", permission=permission, **BY)
    course = person(site)
    with site.database.write() as session:
        token = ensure_link(session, site.link_key, course, "baseline")
    midnight = datetime(2027, 3, 12, 23, tzinfo=UTC)  # in Amsterdam
    with pytest.raises(GoneError):
        answering.begin(site, token, midnight)
    opened = answering.begin(site, token, midnight - timedelta(minutes=1))
    write = visits.write_capability(opened.read_secret)
    later = midnight + timedelta(days=3)
    assert answering.save(site, opened.visit, write, [Tap("hads", "1", 2)], later) == 1
    assert answering.begin(site, token, later).visit  # what began goes on


def test_a_timepoint_without_the_instrument_is_not_held(sqlite_site: Site) -> None:
    """Week 24 asks the HADS alone, day 8 the MEQ30 too."""
    site = sqlite_site
    install(site, "meq30", permission=replace(PERMISSION, expires="2027-03-20"), **BY)
    person(site)
    lines = personal.person_view(site, "P-01", INVITED).courses[0].prompts
    held = {line.label for line in lines if "permission" in line.reason}
    assert held <= {"Day 8"}


def test_without_phones_nothing_goes_to_phones_but_paper_is_entered(
    sqlite_site: Site, server: MailServer
) -> None:
    site = sqlite_site
    wording = install(site, "hads", permission=replace(PERMISSION, electronic="no"), **BY)
    course = person(site)
    assert tick(site, server, INVITED) == 0
    assert "does not cover phones" in reasons(site)[0]
    with pytest.raises(GoneError):
        begin(site, course)
    by = {"actor": "staff:1", "now": INVITED}
    wordings.override(site, wording, INVITED.date(), "just once", **by)
    assert tick(site, server, INVITED) == 0
    items = site.library.instruments["hads"].items
    paper = NewSheet({item.id: 1 for item in items}, "paper", INVITED.date())
    sheets.enter_sheet(site, "P-01", 1, "baseline", "hads", paper, **by)
    assert wording_views.view(site, wording, INVITED).line.uses == "1"


@pytest.mark.parametrize(
    ("until", "reason", "field"),
    [
        (None, "why", "until"),
        (date(2027, 2, 28), "why", "until"),
        (date(2028, 3, 3), "why", "until"),
        (date(2027, 3, 2), " ", "reason"),
        (date(2027, 3, 2), "x" * 301, "reason"),
    ],
)
def test_an_override_needs_a_day_and_a_reason(
    sqlite_site: Site, until: date | None, reason: str, field: str
) -> None:
    wording = install(sqlite_site, "hads", **BY)
    with pytest.raises(InputError) as caught:
        wordings.override(sqlite_site, wording, until, reason, **BY)
    assert list(caught.value.problems) == [field]


def test_a_change_needs_a_reason_and_keeps_what_stood(sqlite_site: Site) -> None:
    wording = install(sqlite_site, "hads", **BY)
    bad = replace(PERMISSION, maximum="none")
    with pytest.raises(InputError) as caught:
        wordings.change_permission(sqlite_site, wording, bad, "", **BY)
    assert set(caught.value.problems) == {"maximum", "why"}
    assert len(wording_views.view(sqlite_site, wording, NOON).history) == 1


def test_a_message_in_hand_does_not_go_under_a_permission_that_was_taken_back(
    site: Site, server: MailServer
) -> None:
    wording = install(site, "hads", **BY)
    course = person(site)
    job = prompting.claim(site, course, "one", INVITED)
    assert job is not None
    assert prompting.recheck(site, job, INVITED)
    by = {"actor": "staff:1", "now": INVITED}
    back = replace(PERMISSION, electronic="no")
    wordings.change_permission(site, wording, back, "taken back", **by)
    assert not prompting.recheck(site, job, INVITED)
    assert tick(site, server, INVITED) == 0
    assert "does not cover phones" in reasons(site)[0]
