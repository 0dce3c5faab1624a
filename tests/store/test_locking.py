"""Writers about one course wait for each other; none deadlocks, none loses a trail event."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

from surveyapp.config import Keys, Settings
from surveyapp.services import answering, enrolment, prompting, reaching, visits
from surveyapp.services.site import Site, assemble
from surveyapp.store import facts, trail, windows
from surveyapp.store.database import Database
from surveyapp.store.links import ensure_link
from surveyapp.study.library import Library
from tests.conftest import NOON
from tests.world import add_course

INVITED = NOON + timedelta(days=10)
ROUNDS = 12


def test_phone_staff_and_worker_on_one_course_at_once(site: Site) -> None:
    course = add_course(site)
    with site.database.write() as session:
        token = ensure_link(session, site.link_key, course, "baseline")
    opened = answering.begin(site, token, INVITED)
    write = visits.write_capability(opened.read_secret)
    faults: list[BaseException] = []

    def phone(turn: int) -> None:
        tap = answering.Tap("hads", str(turn + 1), turn % 4)
        answering.save(site, opened.visit, write, [tap], INVITED + timedelta(seconds=turn))

    def staff(_turn: int) -> None:
        enrolment.record_consent(
            site,
            "P-01",
            1,
            given_on=NOON.date(),
            scope="answers and messages",
            actor="staff:1",
            now=INVITED,
        )

    def worker(turn: int) -> None:
        prompting.claim(site, course, "w", INVITED + turn * timedelta(hours=1))

    def repeat(act: Callable[[int], None]) -> None:
        try:
            for turn in range(ROUNDS):
                act(turn)
        except BaseException as error:
            faults.append(error)

    acts = (phone, phone, staff, staff, worker)
    threads = [threading.Thread(target=repeat, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    with site.database.read() as session:
        assert trail.verify(session).fault is None
    assert prompting.sweep(site) == 0


def test_what_was_read_before_the_lock_is_read_anew(
    settings: Settings, keys: Keys, migrated_postgresql_url: str, library: Library
) -> None:
    """The zone changes while somebody who has read the person waits for the course."""
    database = Database(migrated_postgresql_url)
    site = assemble(settings, keys, database, library)
    course = add_course(site)
    with database.write() as session:
        read = facts.course_context(session, library, course)
        assert read is not None
        reaching.set_language_and_zone(
            site, "P-01", "en", "Asia/Tokyo", actor="staff:1", now=INVITED
        )
        windows.refresh_windows(session, library, [course])
        assert read.participant.time_zone == "Asia/Tokyo"
    assert prompting.sweep(site) == 0
    database.close()
