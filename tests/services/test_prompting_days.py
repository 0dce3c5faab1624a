"""Prompts and days: two check-ins on one day, and days that move."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from surveyapp.services import dosing, personal, prompting, reaching
from surveyapp.services.site import Site
from surveyapp.store.tables import Clearance
from surveyapp.store.windows import refresh_windows
from tests.world import EARLIER, MailServer, add_course

from .test_prompting import INVITATION, ZONE, local, tick


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


def with_evening_follow_up(site: Site) -> Site:
    """The same installation with week 24 asked at 18:00."""
    protocol = site.library.protocols["second-retreat"]
    points = tuple(replace(t, at=time(18)) if t.id == "week-24" else t for t in protocol.timepoints)
    changed = {**site.library.protocols, protocol.id: replace(protocol, timepoints=points)}
    return replace(site, library=replace(site.library, protocols=changed))


def test_two_check_ins_at_different_hours_of_one_day_make_one_message(
    site: Site, server: MailServer
) -> None:
    site = with_evening_follow_up(site)
    add_course(site, confirmed=True, number=1)
    second = add_course(site, number=2, retreat="Autumn 2027", dosing=date(2027, 9, 14))
    with site.database.write() as session:
        session.add(
            Clearance(course_id=1, timepoint="week-24", given_by="staff:1", given_at=EARLIER)
        )
        refresh_windows(session, site.library, [1, second])
    asked = datetime(2027, 9, 4, 10, tzinfo=ZONE).astimezone(UTC)
    assert tick(site, server, asked) == 1
    (message,) = server.sink.messages
    plain = message.get_body(("plain",))
    assert plain is not None
    links = {line for line in plain.get_content().splitlines() if line.startswith("https://")}
    assert len({link.removesuffix("/messages") for link in links}) == 2
    assert tick(site, server, asked + timedelta(hours=8)) == 0
    assert prompting.sweep(site) == 0


def test_a_day_that_moves_away_and_back_sends_nothing_twice(site: Site, server: MailServer) -> None:
    add_course(site)
    assert tick(site, server, INVITATION) == 1
    later = INVITATION + timedelta(hours=1)
    for day in (date(2027, 3, 25), date(2027, 3, 20)):
        dosing.set_dosing_day(site, "P-01", 1, day, actor="staff:1", now=later)
    assert tick(site, server, later) == 0
    assert tick(site, server, local(3, 13)) == 1
    assert [m["Subject"] for m in server.sink.messages] == [
        "Your check-in is ready",
        "A reminder: your check-in is ready",
    ]


def test_who_came_late_gets_no_older_message_after_a_day_moved_away_and_back(
    site: Site, server: MailServer
) -> None:
    add_course(site)
    late = local(3, 14, 9)
    assert tick(site, server, late) == 1
    for day in (date(2027, 3, 25), date(2027, 3, 20)):
        dosing.set_dosing_day(site, "P-01", 1, day, actor="staff:1", now=late)
    assert tick(site, server, late + timedelta(hours=1)) == 0
    lines = personal.person_view(site, "P-01", late).courses[0].prompts
    assert [(line.number, line.state, line.reason) for line in lines[:3]] == [
        (0, "skipped", "a newer message was due"),
        (1, "sent", "handed to the mail server"),
        (2, "planned", ""),
    ]


def test_a_zone_across_the_date_line_sends_nothing_twice(site: Site, server: MailServer) -> None:
    add_course(site)
    assert tick(site, server, INVITATION) == 1
    by = {"actor": "staff:1", "now": INVITATION}
    reaching.set_language_and_zone(site, "P-01", "en", "Pacific/Honolulu", **by)
    for day in (date(2027, 3, 19), date(2027, 3, 20)):
        dosing.set_dosing_day(site, "P-01", 1, day, **by)
    assert tick(site, server, INVITATION + timedelta(hours=12)) == 0


def test_a_day_that_moves_takes_a_claimed_message_with_it(site: Site, server: MailServer) -> None:
    course = add_course(site)
    job = prompting.claim(site, course, "worker", INVITATION)
    assert job is not None
    dosing.set_dosing_day(site, "P-01", 1, date(2027, 3, 25), actor="staff:1", now=INVITATION)
    assert prompting.recheck(site, job, INVITATION) is False
    assert tick(site, server, INVITATION) == 0
    assert tick(site, server, local(3, 15)) == 1
