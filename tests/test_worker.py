"""The worker: it beats, pings, lets others write, and is held when its data folder is another."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from zoneinfo import ZoneInfo

import pytest

from surveyapp import worker
from surveyapp.config import Keys, Settings
from surveyapp.delivery.email import SmtpMailer
from surveyapp.services import instance, outcomes, prompting
from surveyapp.services.site import Site, assemble
from surveyapp.store import windows
from surveyapp.store.database import Database, DatabaseUnavailableError
from surveyapp.study.library import Library
from surveyapp.worker import Pinger, Ticker
from tests.faults.test_workers import are_working, start
from tests.waiting import wait_for
from tests.world import AMSTERDAM, MailServer, add_course

INVITATION = datetime(2027, 3, 10, 10, tzinfo=ZoneInfo(AMSTERDAM)).astimezone(UTC)


class Monitor:
    """An outside monitor that counts the pings."""

    def __init__(self) -> None:
        counted: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                counted.append(self.path)
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                del format, args

        self.pings = counted
        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/alive"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def monitor() -> Iterator[Monitor]:
    monitor = Monitor()
    yield monitor
    monitor.stop()


def test_each_tick_is_told_to_the_operators_address(
    sqlite_site: Site, monitor: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SURVEYAPP_PING_URL", monitor.url)
    with MailServer() as server:
        started = start(sqlite_site, server)
        wait_for(lambda: len(monitor.pings) >= 3)
        started.send_signal(signal.SIGTERM)
        assert started.wait(10) == 0
    assert set(monitor.pings) == {"/alive"}


def test_a_held_worker_beats_but_does_not_ping(
    sqlite_site: Site, monitor: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Silence is the operator's alarm, so what holds all messages must be silent there."""
    folder = sqlite_site.settings.data_dir
    folder.mkdir(exist_ok=True)
    (folder / instance.FILE).write_text('{"mark": "another", "beat": null}')
    monkeypatch.setenv("SURVEYAPP_PING_URL", monitor.url)
    with MailServer() as server:
        started = start(sqlite_site, server)
        wait_for(lambda: are_working(sqlite_site, [started]))
        held = instance.held(sqlite_site)
        started.send_signal(signal.SIGTERM)
        assert started.wait(10) == 0
    assert held is not None
    assert held.why == instance.OTHER_DATABASE
    assert monitor.pings == []


def test_a_monitor_that_is_away_hurts_nothing(monitor: Monitor) -> None:
    assert Pinger(monitor.url).ping() is True
    assert Pinger("http://127.0.0.1:1/").ping() is False
    assert Pinger("nonsense").ping() is False


def test_somebody_whom_staff_are_writing_about_is_left_to_the_next_tick(
    settings: Settings, keys: Keys, migrated_postgresql_url: str, library: Library
) -> None:
    database = Database(migrated_postgresql_url)
    site = assemble(settings, keys, database, library)
    courses = [add_course(site, code, address=f"{code}@example.org") for code in ("P-01", "P-02")]
    with MailServer() as server:
        ticker = Ticker(site, SmtpMailer(server.url), lambda: INVITATION)
        with site.database.write() as session:
            windows.lock_courses(session, courses[:1])
            assert ticker.tick() == 1
        assert ticker.tick() == 1
    database.close()


def test_an_outcome_that_cannot_be_written_at_once_makes_no_copy(
    sqlite_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database goes away just after the mail server took the message."""
    faults = [DatabaseUnavailableError("the database is away")] * 2
    write = outcomes.record

    def record(*arguments: object) -> None:
        if faults:
            raise faults.pop()
        write(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(outcomes, "record", record)
    monkeypatch.setattr(worker, "RECORD_PAUSES", (0.0, 0.0))
    add_course(sqlite_site)
    with MailServer() as server:
        clock = [INVITATION, INVITATION + prompting.LEASE]
        for now in clock:
            Ticker(sqlite_site, SmtpMailer(server.url), lambda now=now: now).tick()
        assert len(server.sink.messages) == 1
    assert faults == []
