"""Where the bench runs: a temporary installation with a retreat whose day 8 is open today."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.client import Address, fetch, request, wait_until
from surveyapp.config import Settings
from surveyapp.demo.cohort import make_cohort, write_files
from surveyapp.services import dosing, enrolment, people, stewardship
from surveyapp.services.enrolment import NewRetreat
from surveyapp.services.exchange import import_folder
from surveyapp.services.people import NewPerson
from surveyapp.services.site import Site, open_site
from surveyapp.store import links
from surveyapp.store.roster import find_course

ACTOR = "bench"
DAYS_AGO = timedelta(days=9)
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Place:
    """An installation and its people's links to day 8 (both questionnaires)."""

    site: Site
    folder: Path
    address: Address
    tokens: Sequence[str]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_place(folder: Path, count: int) -> Place:
    """The synthetic cohort for the report, and `count` people who can answer now."""
    port = free_port()
    settings = Settings(
        data_dir=folder / "data",
        keys_dir=folder / "keys",
        database_url=f"sqlite:///{folder / 'surveyapp.db'}",
        public_url=f"http://127.0.0.1:{port}",
        secret_key="",
        contact_keys="",
        smtp_url="smtp://127.0.0.1:9",
    )
    now = datetime.now(UTC)
    stewardship.prepare(settings, "admin@localhost", now)
    site = open_site(settings)
    cohort = folder / "cohort"
    cohort.mkdir()
    write_files(cohort, make_cohort(site.library.instruments))
    import_folder(site, cohort, now, ACTOR)
    return Place(site, folder, ("127.0.0.1", port), _people(site, count, now))


def _people(site: Site, count: int, now: datetime) -> list[str]:
    wish = NewRetreat("Bench", "second-retreat", "UTC", (now - DAYS_AGO).date())
    retreat = enrolment.add_retreat(site, wish, actor=ACTOR, now=now)
    group = [NewPerson(f"B-{n:02d}") for n in range(count)]
    people.add_people(site, retreat, group, actor=ACTOR, now=now)
    dosing.confirm_retreat(site, retreat, actor=ACTOR, now=now)
    tokens: list[str] = []
    with site.database.write() as session:
        for person in group:
            course = find_course(session, person.code, 1)
            assert course is not None
            tokens.append(links.ensure_link(session, site.link_key, course, "day-8"))
    return tokens


@contextmanager
def serving(place: Place) -> Iterator[None]:
    """`surveyapp serve` with two sync workers and `surveyapp worker`, as in production."""
    worker = [str(BIN / "surveyapp"), "worker"]
    with serving_alone(place), _running(worker, place.folder / "worker.log", _settings(place)):
        yield


@contextmanager
def serving_alone(place: Place) -> Iterator[None]:
    """The web processes without a worker."""
    host, port = place.address
    serve = [str(BIN / "surveyapp"), "serve", "--bind", f"{host}:{port}", "--workers", "2"]
    with _running(serve, place.folder / "serve.log", _settings(place)):
        wait_until(lambda: _answers(place.address, "GET", "/healthz"), 30)
        yield


def _settings(place: Place) -> dict[str, str]:
    settings = place.site.settings
    return {
        **{k: v for k, v in os.environ.items() if not k.startswith("SURVEYAPP_")},
        "SURVEYAPP_DATA_DIR": str(settings.data_dir),
        "SURVEYAPP_KEYS_DIR": str(settings.keys_folder),
        "SURVEYAPP_DATABASE_URL": settings.database_url,
        "SURVEYAPP_PUBLIC_URL": settings.public_url,
        "SURVEYAPP_SMTP_URL": settings.smtp_url,
    }


@contextmanager
def serving_bare(folder: Path) -> Iterator[Address]:
    """The empty endpoint under the same server: gunicorn with two sync workers."""
    address = ("127.0.0.1", free_port())
    gunicorn = [str(BIN / "gunicorn"), "--workers", "2", "--worker-class", "sync"]
    gunicorn += ["--bind", f"{address[0]}:{address[1]}", "--log-level", "warning", "bench.bare:app"]
    with _running(gunicorn, folder / "bare.log", dict(os.environ)):
        wait_until(lambda: _answers(address, "POST", "/empty"), 30)
        yield address


@contextmanager
def _running(command: Sequence[str], log: Path, env: dict[str, str]) -> Iterator[None]:
    with log.open("wb") as lines:
        process = subprocess.Popen(command, stdout=lines, stderr=lines, env=env)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=15)


def _answers(address: Address, method: str, path: str) -> bool:
    try:
        return fetch(address, request(method, f"{address[0]}:{address[1]}", path)).status == 200
    except (OSError, ValueError, IndexError):
        return False


def clear(place: Place) -> None:
    place.site.renderer.close()
    place.site.database.close()
    shutil.rmtree(place.folder)
