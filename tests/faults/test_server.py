"""The real server, killed with kill -9 under load: every answer it confirmed is there."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from surveyapp.services import answering, visits
from surveyapp.services.site import Site
from surveyapp.store import trail
from surveyapp.store.links import ensure_link
from surveyapp.store.tables import Answer, Assessment
from tests.waiting import wait_for
from tests.world import add_course, free_port

PEOPLE = 8
KILLS = 4
COMMAND = "import sys; from surveyapp.cli import main; sys.exit(main())"
Confirmed = dict[tuple[int, str], int]


@contextmanager
def serving(site: Site, port: int, **more: str) -> Generator[subprocess.Popen[bytes]]:
    environment = {
        **os.environ,
        "SURVEYAPP_DATABASE_URL": site.database.url.render_as_string(hide_password=False),
        "SURVEYAPP_DATA_DIR": str(site.settings.data_dir),
        "SURVEYAPP_PUBLIC_URL": "http://127.0.0.1",
        "PYTHONPATH": str(Path(__file__).parents[2]),
        **more,
    }
    # Of a session of its own, so that the whole group can be killed at once.
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "serve", "--bind", f"127.0.0.1:{port}"],
        env=environment,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for(lambda: post(port, "/q/none/answers", {}) in (400, 404))
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def post(port: int, path: str, body: object) -> int:
    """The status of one delivery; 0 when nobody answered."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(
            "POST", path, json.dumps(body), headers={"Content-Type": "application/json"}
        )
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


@pytest.fixture
def phones(site: Site) -> list[tuple[int, str, str]]:
    """Course, visit and write capability of people who have begun."""
    now = datetime.now(UTC)
    found: list[tuple[int, str, str]] = []
    for number in range(PEOPLE):
        dosing = now.date() + timedelta(days=7)
        course = add_course(site, f"P-{number}", zone="UTC", dosing=dosing)
        with site.database.write() as session:
            token = ensure_link(session, site.link_key, course, "baseline")
        opened = answering.begin(site, token, now)
        found.append((course, opened.visit, visits.write_capability(opened.read_secret)))
    return found


def tap_until(
    stop: threading.Event, port: int, phone: tuple[int, str, str], confirmed: Confirmed
) -> None:
    """One person who answers every item over and over, each with a newer value."""
    course, visit, write = phone
    count = 0
    while not stop.is_set():
        item, value = str(count % 14 + 1), count // 14 % 4
        at = time.time() * 1000
        tap = {"instrument": "hads", "item": item, "value": value, "at": at}
        body = {"w": write, "sent_at": at, "answers": [tap]}
        if post(port, f"/q/{visit}/answers", body) == 200:
            confirmed[(course, item)] = value
            count += 1


def test_every_confirmed_answer_outlives_the_server(
    site: Site, phones: list[tuple[int, str, str]]
) -> None:
    port, stop = free_port(), threading.Event()
    confirmed: Confirmed = {}
    threads = [
        threading.Thread(target=tap_until, args=(stop, port, phone, confirmed)) for phone in phones
    ]
    total = 0
    for kill in range(KILLS):
        with serving(site, port):
            if kill == 0:
                for thread in threads:
                    thread.start()
            goal = min(PEOPLE * 14, len(confirmed) + 20)
            wait_for(lambda goal=goal: len(confirmed) >= goal)
        total += 1
    stop.set()
    for thread in threads:
        thread.join()
    assert total == KILLS
    check(site, confirmed)


def check(site: Site, confirmed: Confirmed) -> None:
    """Each confirmed answer is there, or a newer one that was stored but not yet confirmed."""
    with site.database.read() as session:
        query = select(Assessment.course_id, Answer.item, Answer.value).join(
            Answer, Answer.assessment_id == Assessment.id
        )
        stored = {(course, item): value for course, item, value in session.execute(query)}
        assert trail.verify(session).fault is None
    assert len(confirmed) >= 80
    for key, value in confirmed.items():
        assert stored[key] in (value, (value + 1) % 4)
    assert len(stored) <= len(confirmed) + PEOPLE
