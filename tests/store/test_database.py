"""Transactions: all or nothing at every step, and the next one works."""

from __future__ import annotations

import sqlite3
import threading
from datetime import date, datetime

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.exc import IntegrityError

from surveyapp.services.site import Site
from surveyapp.store.database import Database, DatabaseUnavailableError
from surveyapp.store.facts import course_context
from surveyapp.store.tables import Answer, Assessment, Consent, DoseRow, Study, WindowRow
from surveyapp.store.windows import refresh_windows
from tests.conftest import NOON
from tests.world import add_course


class Broken(Exception):  # noqa: N818
    """A fault of the driver at one statement."""


def test_sqlite_is_set_to_be_safe(sqlite_site: Site) -> None:
    with sqlite_site.database.engine.connect() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "recursive_triggers")
        }
    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "recursive_triggers": 1,
    }


def test_a_fault_at_any_statement_is_all_or_nothing(site: Site) -> None:
    """Fail at statement k of one act, for every k: nothing of it stays, and the next works."""
    course = add_course(site)
    steps = count_steps(site, course)
    assert steps > 5
    for k in range(1, steps + 1):
        with failing_at(site.database, k), pytest.raises(Broken):
            record_consent(site, course)
        assert consents(site, course) == 1
    record_consent(site, course)
    assert consents(site, course) == 2


def record_consent(site: Site, course: int) -> None:
    with site.database.write() as session:
        session.add(
            Consent(
                course_id=course,
                given_on=date(2027, 3, 1),
                scope="answers only",
                recorded_by="staff:1",
                recorded_at=NOON,
            )
        )
        refresh_windows(session, site.library, [course])


def consents(site: Site, course: int) -> int:
    """The number of consents; also that windows equal what the facts say."""
    with site.database.read() as session:
        context = course_context(session, site.library, course)
        assert context is not None
        rows = session.scalars(select(WindowRow).where(WindowRow.course_id == course)).all()
        assert len(rows) == 3
        return len(context.consents)


class failing_at:  # noqa: N801
    """While open, the k-th statement on this database raises."""

    def __init__(self, database: Database, k: int) -> None:
        self._engine = database.engine
        self._left = k

    def __enter__(self) -> failing_at:
        event.listen(self._engine, "before_cursor_execute", self._count)
        return self

    def __exit__(self, *_: object) -> None:
        event.remove(self._engine, "before_cursor_execute", self._count)

    def _count(self, *_: object) -> None:
        self._left -= 1
        if self._left == 0:
            raise Broken


def count_steps(site: Site, course: int) -> int:
    counter = failing_at(site.database, 10_000)
    try:
        with counter, site.database.write() as session:
            refresh_windows(session, site.library, [course])
            session.execute(text("SELECT 1"))
            raise Broken
    except Broken:
        return 10_000 - counter._left


def test_two_writers_wait_for_each_other(sqlite_site: Site) -> None:
    """`BEGIN IMMEDIATE`: the second writer starts when the first has ended, and neither fails."""
    database = sqlite_site.database
    started, release = threading.Event(), threading.Event()
    order: list[str] = []

    def slow() -> None:
        with database.write() as session:
            session.execute(text("SELECT 1"))
            started.set()
            release.wait(10)
            order.append("first")

    thread = threading.Thread(target=slow)
    thread.start()
    started.wait(10)
    other = threading.Thread(target=lambda: (write_nothing(database), order.append("second")))
    other.start()
    release.set()
    thread.join()
    other.join()
    assert order == ["first", "second"]


def write_nothing(database: Database) -> None:
    with database.write() as session:
        session.execute(text("SELECT 1"))


def test_a_locked_database_is_said_in_a_sentence(sqlite_url: str, sqlite_site: Site) -> None:
    path = sqlite_site.database.url.database
    assert path is not None
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    impatient = Database(sqlite_url)

    @event.listens_for(impatient.engine, "connect", insert=False)
    def no_patience(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA busy_timeout=50")

    with pytest.raises(DatabaseUnavailableError, match="is locked by another program"):
        write_nothing(impatient)
    other.execute("ROLLBACK")
    other.close()
    write_nothing(impatient)
    impatient.close()


def test_naive_times_are_refused(site: Site) -> None:
    with pytest.raises(Exception, match="naive"), site.database.write() as session:
        session.add(study(created_at=datetime(2027, 1, 1)))  # noqa: DTZ001


def study(**changes: object) -> Study:
    fields = {"protocol": "p", "protocol_version": "1", "title": "t", "created_at": NOON}
    return Study(**{**fields, **changes})


def test_the_database_itself_refuses_what_cannot_be(site: Site) -> None:
    course = add_course(site)
    with site.database.write() as session:
        assessment = Assessment(
            course_id=course,
            timepoint="baseline",
            instrument="hads",
            instrument_version="1",
            wording_sha256="0",
            placeholder=True,
            language="en",
            mode="phone",
            started_at=NOON,
        )
        session.add(assessment)
        session.flush()
        number = assessment.id
    wrong = [
        study(mode="pretend"),
        Answer(assessment_id=number, item="1", given_at=NOON, received_at=NOON),
        Answer(
            assessment_id=number,
            item="1",
            value=1,
            skip="declined",
            given_at=NOON,
            received_at=NOON,
        ),
        Answer(assessment_id=10_000, item="1", value=1, given_at=NOON, received_at=NOON),
        DoseRow(course_id=course, kind="first", status="given", recorded_at=NOON),
        DoseRow(course_id=course, kind="third", status="declined", recorded_at=NOON),
    ]
    for row in wrong:
        with pytest.raises(IntegrityError), site.database.write() as session:
            session.add(row)


@pytest.mark.parametrize(
    "url", ["postgresql://u:geheim@host/name", "mysql://u:geheim@host/name", "nonsense"]
)
def test_another_database_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(DatabaseUnavailableError, match="SURVEYAPP_DATABASE_URL is wrong") as said:
        Database(url)
    assert "geheim" not in str(said.value)
