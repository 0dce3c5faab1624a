"""Backups: whole under load, put back elsewhere with every check, and nothing sent from there."""

from __future__ import annotations

import base64
import gzip
import io
import tarfile
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyrage
import pytest
from sqlalchemy import text

from surveyapp.config import Settings
from surveyapp.delivery.email import SmtpMailer
from surveyapp.services import erasing, instance
from surveyapp.services.backup import restoring
from surveyapp.services.backup.drill import Means, drill, newest
from surveyapp.services.backup.making import make
from surveyapp.services.backup.manifest import PURPOSE
from surveyapp.services.backup.restoring import Wish, restore
from surveyapp.services.site import Site, assemble
from surveyapp.store import trail
from surveyapp.store.copying import counts_of
from surveyapp.store.database import Database
from surveyapp.store.tables_keeping import EVERYTHING
from surveyapp.worker import Ticker
from tests.backups import ACTOR, an_empty_place, new_key, put_back, tools_first
from tests.conftest import NOON
from tests.world import MailServer, add_course


@pytest.fixture(autouse=True)
def _tools(monkeypatch: pytest.MonkeyPatch) -> None:
    tools_first(monkeypatch)


@pytest.fixture
def key(tmp_path: Path) -> tuple[Path, Any]:
    return new_key(tmp_path)


@pytest.fixture
def elsewhere(request: pytest.FixtureRequest, site: Site, tmp_path: Path) -> Settings:
    """An empty place for the same kind of database, with the same keys."""
    url = "" if site.database.is_sqlite else request.getfixturevalue("postgresql_url")
    return an_empty_place(site, tmp_path / "elsewhere", url)


@pytest.fixture
def opened(site: Site, elsewhere: Settings) -> Iterator[Site]:
    """The restored installation, once it is there."""
    database = Database(elsewhere.database)
    yield assemble(elsewhere, site.keys, database, site.library)
    database.close()


class Writers(threading.Thread):
    """Writes rows all the time, and knows which were acknowledged."""

    def __init__(self, site: Site) -> None:
        super().__init__()
        self.site, self.stopping = site, threading.Event()
        self.acknowledged: list[int] = []

    def run(self) -> None:
        number = 0
        while not self.stopping.is_set():
            number += 1
            with self.site.database.write() as session:
                trail.append(session, trail.SYSTEM, "tested", ACTOR, NOON, {"number": number})
            self.acknowledged.append(number)


def numbers(site: Site) -> set[int]:
    query = """SELECT p.payload FROM event_payload p JOIN event e ON e.uid = p.event_uid
        WHERE e.kind = 'tested'"""
    with site.database.read() as session:
        return {int(body.split(":")[1].strip("}")) for body in session.scalars(text(query))}


def test_what_was_acknowledged_before_is_in_it_and_writers_go_on(
    site: Site, elsewhere: Settings, opened: Site, key: tuple[Path, Any], tmp_path: Path
) -> None:
    add_course(site, confirmed=True)
    writer = Writers(site)
    writer.start()
    try:
        while len(writer.acknowledged) < 20:
            writer.join(0.01)
        before = len(writer.acknowledged)
        made = make(site, tmp_path / "b.age", key[1], actor=ACTOR, now=NOON)
        during = len(writer.acknowledged)
    finally:
        writer.stopping.set()
        writer.join()
    assert during > before
    restored = put_back(site, elsewhere, made.path, key[0])
    found = numbers(opened)
    assert set(range(1, before + 1)) <= found
    assert found == set(range(1, len(found) + 1))
    assert restored.manifest.counts["course"] == 1


def test_restored_rows_trail_and_files_are_the_same(
    site: Site, elsewhere: Settings, opened: Site, key: tuple[Path, Any], tmp_path: Path
) -> None:
    add_course(site, confirmed=True)
    wording = site.settings.data_dir / "wordings" / "hads" / "de eerste.csv"
    wording.parent.mkdir(parents=True)
    wording.write_text("item,text\n1,x\n")
    (site.settings.data_dir / "session-pdfs").mkdir()
    (site.settings.data_dir / "session-pdfs" / "a.pdf").write_text("answers")
    before = rows(site)
    with site.database.read() as session:
        head = trail.verify(session)
    made = make(site, tmp_path / "b.age", key[1], actor=ACTOR, now=NOON)
    assert (made.manifest.head, made.manifest.events) == (head.head, head.events)
    put_back(site, elsewhere, made.path, key[0])
    after = rows(opened)
    changed = {name for name in before if before[name] != after[name]}
    assert changed <= {"event", "event_payload", "instance"}
    assert before["event"] == after["event"][: len(before["event"])]
    with opened.database.read() as session:
        found = trail.verify(session)
    assert (found.fault, found.events) == (None, head.events + 2)
    copied = elsewhere.data_dir / "wordings" / "hads" / "de eerste.csv"
    assert copied.read_bytes() == wording.read_bytes()
    assert not (elsewhere.data_dir / "session-pdfs").exists()


def rows(site: Site) -> dict[str, list[Any]]:
    """Every row of every table."""
    with site.database.read() as session:
        found = counts_of(session)
        order = {name: "at, seq, chain" if name == "event" else "1" for name in found}
        return {
            name: list(session.execute(text(f'SELECT * FROM "{name}" ORDER BY {by}')).all())
            for name, by in order.items()
        }


def test_nothing_is_sent_from_a_restored_copy_until_somebody_says_so(
    site: Site, elsewhere: Settings, opened: Site, key: tuple[Path, Any], tmp_path: Path
) -> None:
    add_course(site)
    made = make(site, tmp_path / "b.age", key[1], actor=ACTOR, now=NOON)
    put_back(site, elsewhere, made.path, key[0])
    due = NOON.replace(day=13)
    with MailServer() as server:
        assert instance.at_start(opened, due) is not None
        ticker = Ticker(opened, SmtpMailer(server.url), lambda: due)
        assert ticker.tick() == 0
        assert server.sink.messages == []
        held = instance.held(opened, due)
        assert held is not None
        assert (held.kind, held.due) == (instance.RESTORED, 1)
        instance.resume(opened, "Nobody died.", skip_due=False, actor=ACTOR, now=due)
        assert ticker.tick() == 1


def test_a_backup_that_was_held_for_its_clock_is_held_as_restored(
    sqlite_site: Site, tmp_path: Path
) -> None:
    site = sqlite_site
    instance.hold(site, instance.CLOCK, "the clock jumped", actor="worker", now=NOON)
    made = make(site, tmp_path / "b.tgz", None, actor=ACTOR, now=NOON)
    there = an_empty_place(site, tmp_path / "there")
    backwards = NOON - timedelta(days=2)
    restore(there, site.keys, site.library, Wish(made.path), backwards)
    database = Database(there.database)
    held = instance.held(assemble(there, site.keys, database, site.library))
    database.close()
    assert held is not None
    assert held.kind == instance.RESTORED
    assert "clock is behind the time" in held.why
    assert "the clock jumped" in held.why


def test_files_hold_no_keys_and_no_address(sqlite_site: Site, tmp_path: Path) -> None:
    site = sqlite_site
    add_course(site, address="somebody@example.org")
    made = make(site, tmp_path / "b.tgz", None, actor=ACTOR, now=NOON)
    with gzip.open(made.path) as file:
        body = file.read()
    secrets = [site.keys.secret, *site.keys.contact]
    secrets += [base64.urlsafe_b64encode(key) for key in site.keys.contact]
    assert all(secret not in body for secret in (*secrets, b"somebody@example.org"))


def test_a_backup_opens_with_any_program_that_knows_age(sqlite_site: Site, tmp_path: Path) -> None:
    identity, public = new_key(tmp_path)
    made = make(sqlite_site, tmp_path / "b.age", public, actor=ACTOR, now=NOON)
    line = identity.read_text().splitlines()[-1]
    opened = pyrage.decrypt(made.path.read_bytes(), [pyrage.x25519.Identity.from_str(line)])
    with tarfile.open(fileobj=io.BytesIO(opened)) as tar:
        assert tar.getnames() == ["manifest.json", "manifest.seal", "database"]
        database = tar.extractfile("database")
        assert database is not None
        assert database.read(15) == b"SQLite format 3"


def test_what_is_done_after_a_restore_is_done_before_anybody_sees_it(
    sqlite_site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = an_empty_place(sqlite_site, tmp_path / "there")
    made = make(sqlite_site, tmp_path / "b.tgz", None, actor=ACTOR, now=NOON)

    def erase_again(site: Site, now: datetime) -> str:
        assert not (there.data_dir / "surveyapp.db").exists()
        with site.database.write() as session:
            trail.append(session, trail.SYSTEM, "tested", ACTOR, now, {"number": 7})
        return "one person was erased again"

    monkeypatch.setattr(restoring, "AFTER_RESTORE", (erase_again,))
    done = put_back(sqlite_site, there, made.path)
    assert done.said == ("one person was erased again",)
    database = Database(there.database)
    assert numbers(assemble(there, sqlite_site.keys, database, sqlite_site.library)) == {7}
    database.close()


def test_a_broken_trail_is_told_and_does_not_stop_a_backup(
    sqlite_site: Site, tmp_path: Path
) -> None:
    add_course(sqlite_site)
    with sqlite_site.database.engine.begin() as connection:
        connection.execute(text("DROP TRIGGER event_no_update"))
        connection.execute(text("UPDATE event SET actor = 'somebody else'"))
    made = make(sqlite_site, tmp_path / "b.tgz", None, actor=ACTOR, now=NOON)
    assert "its header was changed" in made.manifest.fault
    done = put_back(sqlite_site, an_empty_place(sqlite_site, tmp_path / "there"), made.path)
    assert "its trail was broken before it was made" in done.said[0]


def test_a_drill_restores_and_leaves_nothing(
    site: Site, key: tuple[Path, Any], tmp_path: Path
) -> None:
    add_course(site)
    path = tmp_path / "surveyapp-20270301T120000Z.age"
    make(site, path, key[1], actor=ACTOR, now=NOON)
    assert newest(tmp_path) == path
    folder = tmp_path / "drill"
    folder.mkdir()
    means = Means(key[0], site.keys.derive(PURPOSE), site.database)
    assert "restored whole" in drill(path, means, folder).words
    if not site.database.is_sqlite:
        with site.database.read() as session:
            query = "SELECT count(*) FROM pg_database WHERE datname LIKE 'surveyapp_drill%'"
            assert session.scalar(text(query)) == 0
        again = tmp_path / "again"
        again.mkdir()
        assert "less than a restore" in drill(path, Means(key[0]), again).words


def test_who_was_erased_since_is_erased_again(sqlite_site: Site, tmp_path: Path) -> None:
    for code in ("P-01", "P-02"):
        add_course(sqlite_site, code, address=f"{code}@example.org")
    made = make(sqlite_site, tmp_path / "b.tgz", None, actor=ACTOR, now=NOON)
    wish = erasing.Wish(EVERYTHING, "asked to be forgotten")
    erasing.erase(sqlite_site, "P-02", wish, actor=ACTOR, now=NOON)
    there = an_empty_place(sqlite_site, tmp_path / "there")
    assert put_back(sqlite_site, there, made.path).said == ("1 person was erased again",)
    database = Database(there.database)
    with database.read() as session:
        assert session.scalars(text("SELECT code FROM participant")).all() == ["P-01"]
        assert trail.verify(session).fault is None
    database.close()
    elsewhere = there.model_copy(update={"ledger_dir": tmp_path, "data_dir": tmp_path / "other"})
    assert "there is no ledger" in put_back(sqlite_site, elsewhere, made.path).said[0]
