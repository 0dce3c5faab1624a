"""A real Chromium, and the application on a real port that can go down and come back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Blueprint
from playwright.sync_api import Browser, BrowserContext, Page
from sqlalchemy import select
from werkzeug.serving import BaseWSGIServer, make_server

from surveyapp.services.site import Site
from surveyapp.store.links import ensure_link
from surveyapp.store.tables import Answer, Assessment, Study
from surveyapp.web.app import create_app
from tests.world import add_course, free_port

DOSING = date(2027, 3, 20)
DAY_8 = datetime(2027, 3, 28, 9, tzinfo=UTC)
PHONE = (360, 740)


@dataclass
class Server:
    """The application over one site, on one port; its clock runs on from `DAY_8`, `ahead` of it."""

    site: Site
    port: int = field(default_factory=free_port)
    ahead: timedelta = timedelta(0)
    extra: Sequence[Blueprint] = ()
    _started: float = field(default_factory=time.monotonic)
    _running: BaseWSGIServer | None = None
    _thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def clock(self) -> datetime:
        return DAY_8 + self.ahead + timedelta(seconds=time.monotonic() - self._started)

    def up(self) -> None:
        app = create_app(self.site, self.clock, self.extra)
        self._running = make_server("127.0.0.1", self.port, app, threaded=True)
        self._thread = threading.Thread(target=self._running.serve_forever)
        self._thread.start()

    def down(self) -> None:
        if self._running and self._thread:
            self._running.shutdown()
            self._thread.join()
            self._running.server_close()
            self._running = None

    def link(self, timepoint: str = "day-8", *, confirmed: bool = True, code: str = "P-01") -> str:
        """The address of a check-in of one person in a study with all its lines."""
        course = add_course(self.site, code, dosing=DOSING, confirmed=confirmed)
        with self.site.database.write() as session:
            study = session.scalars(select(Study)).one()
            study.emergency, study.crisis_line = "112", "0800 0113"
            study.phone, study.hours = "+31 20 123 4567", "weekdays 9:00 to 17:00"
            study.readers, study.read_when = "the study nurse", "within three working days"
            token = ensure_link(session, self.site.link_key, course, timepoint)
        return f"{self.url}/s/{token}"

    def answers(self, instrument: str) -> dict[str, int | None]:
        """What the store holds of one instrument, by item."""
        query = (
            select(Answer.item, Answer.value)
            .join(Assessment, Assessment.id == Answer.assessment_id)
            .where(Assessment.instrument == instrument)
        )
        with self.site.database.read() as session:
            return {row.item: row.value for row in session.execute(query)}

    def sent(self) -> set[str]:
        query = select(Assessment.instrument).where(Assessment.submitted_at.is_not(None))
        with self.site.database.read() as session:
            return set(session.scalars(query))


@pytest.fixture
def server(sqlite_site: Site) -> Generator[Server]:
    server = Server(sqlite_site)
    server.up()
    yield server
    server.down()


Phone = Callable[..., Page]


@pytest.fixture
def phone(chromium: Browser) -> Generator[Phone]:
    """Makes phones, each with its own storage. Its pages may not raise an error."""
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def make(size: tuple[int, int] = PHONE, **options: Any) -> Page:
        width, height = size
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        context.set_default_timeout(10_000)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: _note_violation(line.text, errors))
        return page

    yield make
    for context in contexts:
        context.close()
    assert errors == []


def _note_violation(line: str, errors: list[str]) -> None:
    if "Content Security Policy" in line or "Content-Security-Policy" in line:
        errors.append(line)
