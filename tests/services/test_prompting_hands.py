"""What a worker has in hand: still wanted, by the same way, by nobody else, under the same id."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from surveyapp.delivery.outcome import Outcome
from surveyapp.services import outcomes, prompting, reaching, stopping
from surveyapp.services.prompting import Job
from surveyapp.services.reaching import Contacts
from surveyapp.services.site import Site
from surveyapp.store.tables import Clearance, PromptRow
from surveyapp.store.windows import refresh_windows
from tests.world import DOSING, EARLIER, MailServer, add_course

from .test_prompting import INVITATION, ZONE, local, submit, tick
from .test_prompting_days import with_evening_follow_up

ASKED = datetime(2027, 9, 4, 10, tzinfo=ZONE).astimezone(UTC)
"""A second course's baseline is due; week 24 of the first at 18:00 goes along."""
TAKEN = Outcome("accepted", "handed to the mail server")
DROPPED = Outcome("unknown", "the mail server did not confirm")
BUSY = Outcome("transient", "put off: mailbox busy (450)")


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


def by_staff(now: datetime) -> dict[str, object]:
    return {"actor": "staff:1", "now": now}


def two_on_one_day(site: Site) -> tuple[Site, int, int]:
    site = with_evening_follow_up(site)
    first = add_course(site, confirmed=True, number=1)
    second = add_course(site, number=2, retreat="Autumn 2027", dosing=date(2027, 9, 14))
    with site.database.write() as session:
        clear = {"timepoint": "week-24", "given_by": "staff:1", "given_at": EARLIER}
        session.add(Clearance(course_id=first, **clear))
        refresh_windows(session, site.library, [first, second])
    return site, first, second


def take(site: Site, course: int, now: datetime, worker: str = "w") -> Job:
    job = prompting.claim(site, course, worker, now)
    assert job is not None
    return job


def fates(site: Site, timepoint: str) -> list[tuple[int, str, str]]:
    with site.database.read() as session:
        rows = session.scalars(select(PromptRow).order_by(PromptRow.id))
        return [(r.number, r.status, r.reason) for r in rows if r.timepoint == timepoint]


@pytest.mark.parametrize("address", ["new@example.org", ""])
def test_a_message_in_hand_does_not_go_to_the_address_that_was_changed(
    site: Site, address: str
) -> None:
    course = add_course(site)
    job = take(site, course, INVITATION)
    reaching.set_contacts(site, "P-01", Contacts(address), **by_staff(INVITATION))
    assert not prompting.recheck(site, job, INVITATION)
    again = prompting.claim(site, course, "w", INVITATION)
    assert (again.way.to if again else "") == address


def test_a_prompt_in_the_hands_of_a_dead_worker_is_settled_by_the_answers(site: Site) -> None:
    course = add_course(site)
    take(site, course, INVITATION)
    submit(site, course, "baseline", "hads", INVITATION)
    assert fates(site, "baseline") == [(0, "skipped", "already answered")]


def test_what_the_server_took_while_the_person_answered_is_sent(site: Site) -> None:
    course = add_course(site)
    job = take(site, course, INVITATION)
    assert prompting.recheck(site, job, INVITATION)
    submit(site, course, "baseline", "hads", INVITATION)
    outcomes.record(site, job, TAKEN, INVITATION)
    assert fates(site, "baseline") == [(0, "sent", "handed to the mail server")]


def test_what_goes_along_is_not_taken_out_of_another_workers_hands(sqlite_site: Site) -> None:
    site, first, second = two_on_one_day(sqlite_site)
    job = take(site, second, ASKED)
    assert len(job.prompt_ids) == 2
    add_course(site, number=3, retreat="Autumn too", dosing=date(2027, 9, 14))
    other = take(site, 3, ASKED + timedelta(seconds=1), "other")
    assert not {*job.prompt_ids} & {*other.prompt_ids}
    assert prompting.recheck(site, job, ASKED + timedelta(seconds=2))
    assert first in job.course_ids


@pytest.mark.parametrize("ends", ["answered", "died"])
def test_what_may_have_arrived_goes_again_under_the_same_id(sqlite_site: Site, ends: str) -> None:
    site, first, second = two_on_one_day(sqlite_site)
    job = take(site, second, ASKED)
    outcomes.record(site, job, DROPPED, ASKED)
    if ends == "answered":
        submit(site, second, "baseline", "hads", ASKED)
    else:
        wish = stopping.NewStop("left the study", reason="moved away")
        stopping.record_stop(site, "P-01", 2, wish, **by_staff(ASKED))
    evening = ASKED + timedelta(hours=8)
    again = take(site, first, evening)
    assert again.course_ids == (first,)
    assert again.message_id == job.message_id


@pytest.mark.parametrize("then", [BUSY, replace(BUSY, ours=True)])
def test_the_id_stays_whatever_comes_after_a_try_in_doubt(site: Site, then: Outcome) -> None:
    site, first, second = two_on_one_day(site)
    job = take(site, second, ASKED)
    outcomes.record(site, job, DROPPED, ASKED)
    submit(site, second, "baseline", "hads", ASKED)
    for hours in (8, 9):
        again = take(site, first, ASKED + timedelta(hours=hours))
        assert again.message_id == job.message_id
        outcomes.record(site, again, then, ASKED + timedelta(hours=hours))


def test_what_is_new_does_not_hide_in_a_copy(site: Site) -> None:
    """A mail program may drop a second message of one id, and what stood in it with it."""
    course = add_course(site)
    job = take(site, course, INVITATION)
    outcomes.record(site, job, DROPPED, INVITATION)
    second = add_course(site, number=2, retreat="Autumn 2027", dosing=DOSING)
    later = INVITATION + timedelta(hours=1)
    jobs = prompting.claim_all(site, [course, second], "w", later)
    assert [job.course_ids for job in jobs] == [(course,), (second,)]
    assert jobs[0].message_id == job.message_id != jobs[1].message_id


def test_an_earlier_try_gives_way_once_the_newer_went(sqlite_site: Site) -> None:
    site, first, _ = two_on_one_day(sqlite_site)
    outcomes.record(site, take(site, first, ASKED + timedelta(hours=8)), BUSY, ASKED)
    later = ASKED + timedelta(days=4)
    outcomes.record(site, take(site, first, later + timedelta(hours=8)), TAKEN, later)
    assert [fate[:2] for fate in fates(site, "week-24")] == [(0, "skipped"), (1, "sent")]
    assert prompting.claim(site, first, "w", later + timedelta(hours=9)) is None


def test_an_answer_settles_what_waited(site: Site) -> None:
    course = add_course(site)
    outcomes.record(site, take(site, course, INVITATION), DROPPED, INVITATION)
    submit(site, course, "baseline", "hads", INVITATION)
    assert fates(site, "baseline") == [(0, "skipped", "already answered")]


@pytest.mark.parametrize("zone", ["Pacific/Honolulu", "Asia/Vladivostok"])
def test_somebody_who_moves_gets_what_waited_once_in_the_new_zone(
    sqlite_site: Site, server: MailServer, zone: str
) -> None:
    site, _, second = two_on_one_day(sqlite_site)
    outcomes.record(site, take(site, second, ASKED), BUSY, ASKED)
    reaching.set_language_and_zone(site, "P-01", "en", zone, **by_staff(ASKED))
    morning = datetime(2027, 9, 4 if "Pacific" in zone else 5, 10, tzinfo=ZoneInfo(zone))
    for hour in range(12):
        tick(site, server, max(ASKED, morning.astimezone(UTC)) + timedelta(hours=hour))
    assert len(server.sink.messages) == 1


def test_a_jump_of_the_clock_leaves_nothing_in_the_future(site: Site) -> None:
    course = add_course(site)
    job = take(site, course, INVITATION)
    prompting.give_back(site, [job], "the clock jumped", INVITATION + timedelta(days=366))
    assert prompting.due(site, INVITATION) == [(course, "baseline")]


def test_giving_up_counts_from_the_first_word_about_the_recipient(site: Site) -> None:
    """A server that was away for days says nothing about a mailbox."""
    course = add_course(site)
    away = Outcome("transient", "no connection to the mail server", ours=True)
    for day in (10, 11, 12):
        at = local(3, day)
        outcomes.record(site, take(site, course, at), away, at)
    at = local(3, 13, 9, 59)
    outcomes.record(site, take(site, course, at), BUSY, at)
    assert fates(site, "baseline") == [(0, "waiting", BUSY.detail)]


def test_copies_become_rarer_while_nobody_knows(sqlite_site: Site) -> None:
    course = add_course(sqlite_site)
    tried: list[datetime] = []
    at = INVITATION
    while at < local(3, 12, 20):
        if job := prompting.claim(sqlite_site, course, "w", at):
            outcomes.record(sqlite_site, job, DROPPED, at)
            tried.append(at)
        following = prompting.next_due(sqlite_site)
        assert following is not None
        at = following
    pauses = [late - early for early, late in pairwise(tried)]
    assert pauses == sorted(pauses)
    assert 4 <= len(tried) <= 7
