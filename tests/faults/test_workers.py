"""Real workers on one database, killed at random, while a real SMTP server counts."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from surveyapp.services.site import Site
from surveyapp.store import trail
from surveyapp.store.tables import PromptRow
from surveyapp.store.tables_access import Heartbeat
from tests.waiting import wait_for
from tests.world import MailServer, add_course

SCRIPT = Path(__file__).with_name("impatient_worker.py")
PEOPLE = 60
KILLS = 5
ROOT = SCRIPT.parents[2]
# Long enough that a loaded machine hands a message over within half of it, as the real two
# minutes are; short only where a test waits for the lease of a worker it killed.
LEASE_SECONDS = 30
LEASE_OF_THE_KILLED = 5


def zone_at_noon() -> str:
    """A zone where it is about noon now, so that quiet hours are far."""
    ahead = 12 - datetime.now(UTC).hour
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


def start(site: Site, server: MailServer, lease: int = LEASE_SECONDS) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "SURVEYAPP_DATABASE_URL": site.database.url.render_as_string(hide_password=False),
        "SURVEYAPP_DATA_DIR": str(site.settings.data_dir),
        "SURVEYAPP_PUBLIC_URL": site.settings.public_url,
        "LEASE_SECONDS": str(lease),
        "SURVEYAPP_SMTP_URL": server.url,
        "SURVEYAPP_MAIL_FROM": "checkin@example.org",
    }
    return subprocess.Popen(
        [sys.executable, str(SCRIPT)], env=environment, stderr=subprocess.DEVNULL
    )


def settled(site: Site) -> int:
    with site.database.read() as session:
        query = select(func.count()).select_from(PromptRow).where(PromptRow.status == "sent")
        return session.scalar(query) or 0


def people_due_now(site: Site) -> None:
    zone = zone_at_noon()
    for number in range(PEOPLE):
        add_course(
            site,
            f"P-{number:02d}",
            address=f"p{number}@example.org",
            zone=zone,
            dosing=datetime.now(UTC).date() + timedelta(days=10),
        )


def are_working(site: Site, workers: list[subprocess.Popen[bytes]]) -> bool:
    """Whether each has said so: before that it does not mind signals."""
    with site.database.read() as session:
        names = session.scalars(select(Heartbeat.worker)).all()
    return all(any(f"-{worker.pid}-" in name for name in names) for worker in workers)


def end(site: Site, workers: list[subprocess.Popen[bytes]]) -> None:
    wait_for(lambda: are_working(site, workers))
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
    assert [worker.wait(10) for worker in workers] == [0] * len(workers)


@pytest.mark.parametrize("count", [2, 4])
def test_workers_killed_at_random_lose_nothing_and_double_little(site: Site, count: int) -> None:
    people_due_now(site)
    chance = random.Random(count)
    with MailServer() as server:
        workers = [start(site, server, LEASE_OF_THE_KILLED) for _ in range(count)]
        for kill in range(KILLS):
            goal = (kill + 1) * PEOPLE // (KILLS + 2)
            wait_for(lambda goal=goal: len(server.sink.messages) >= goal)
            victim = chance.randrange(count)
            workers[victim].kill()
            workers[victim].wait()
            workers[victim] = start(site, server, LEASE_OF_THE_KILLED)
        wait_for(lambda: settled(site) == PEOPLE)
        end(site, workers)
    copies = Counter(server.sink.ids)
    assert len(copies) == PEOPLE
    assert sum(copies.values()) - PEOPLE <= KILLS
    with site.database.read() as session:
        assert trail.verify(session).fault is None


def test_four_workers_never_send_the_same_prompt(site: Site) -> None:
    people_due_now(site)
    with MailServer() as server:
        workers = [start(site, server) for _ in range(4)]
        wait_for(lambda: settled(site) == PEOPLE)
        end(site, workers)
    assert sorted(Counter(server.sink.ids).values()) == [1] * PEOPLE
