"""A newer program over an earlier installation: upgrading it, and what hinders that."""

from __future__ import annotations

import json
import os
import resource
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from surveyapp.cli import main
from surveyapp.config import load_settings
from surveyapp.delivery.email import SmtpMailer
from surveyapp.services import duties, overview, personal
from surveyapp.services.site import Site, open_site
from surveyapp.store import schema
from surveyapp.store.before import KEPT_FOR, copies, remove_copies
from surveyapp.store.database import Database
from tests.keep_schema import KEPT, KEYS, PEOPLE, RETREAT

NOW = datetime(2026, 11, 26, 15, tzinfo=UTC)
OLDEST = "0001"
KEPT_REVISIONS = sorted(path.stem for path in KEPT.glob("*.sql"))
TABLES = ("participant", "course", "answer", "score", "event", "event_payload")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [n for n in os.environ if n.startswith("SURVEYAPP_")]:
        monkeypatch.delenv(name)
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SURVEYAPP_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("SURVEYAPP_PUBLIC_URL", "http://127.0.0.1:8000")
    return tmp_path


def put_back(home: Path, revision: str) -> Path:
    """The kept installation of an earlier schema; where its database is."""
    path = home / "data" / "surveyapp.db"
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as database:
        database.executescript((KEPT / f"{revision}.sql").read_text("utf-8"))
    return path


def counts(path: Path) -> dict[str, int]:
    with closing(sqlite3.connect(path)) as database:
        return {t: database.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in TABLES}


def revision_of(path: Path) -> str:
    with closing(sqlite3.connect(path)) as database:
        return str(database.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def differing(kept: object, told: object, where: str = "") -> list[str]:
    """Where a kept report says something else; what a later program says besides is no matter."""
    if isinstance(kept, dict) and isinstance(told, dict):
        pairs = [(kept[key], told.get(key), f"{where}.{key}") for key in kept]
    elif isinstance(kept, list) and isinstance(told, list) and len(kept) == len(told):
        pairs = [(old, told[n], f"{where}[{n}]") for n, old in enumerate(kept)]
    else:
        return [] if kept == told else [f"{where}: {kept!r} became {told!r}"]
    return [line for pair in pairs for line in differing(*pair)]


def report(capsys: pytest.CaptureFixture[str], *words: str) -> object:
    capsys.readouterr()
    assert main(["report", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("revision", KEPT_REVISIONS)
def test_an_installation_of_an_earlier_schema_reports_what_it_did(
    home: Path, revision: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = put_back(home, revision)
    before = counts(path)
    assert main(["init"]) == 0
    assert revision_of(path) == schema.head()
    after = counts(path)
    assert {t: after[t] for t in TABLES[:4]} == {t: before[t] for t in TABLES[:4]}
    assert after["event"] >= before["event"]
    assert main(["audit", "verify"]) == 0
    kept = json.loads((KEPT / "reports.json").read_text("utf-8"))
    assert differing(kept[RETREAT], report(capsys, "retreat", RETREAT)) == []
    for code in PEOPLE:
        assert differing(kept[code], report(capsys, "participant", code)) == []


@pytest.mark.parametrize("revision", KEPT_REVISIONS[-2:])
def test_the_staff_pages_read_what_an_earlier_program_wrote(home: Path, revision: str) -> None:
    put_back(home, revision)
    main(["init"])
    site = open_site(load_settings())
    assert [line.code for line in overview.people(site, "", NOW)] == list(PEOPLE)
    shown = {line.name: line for line in overview.retreats(site)}
    assert len(overview.retreat_view(site, shown[RETREAT].id, NOW).rows) == len(PEOPLE)
    assert len(personal.person_view(site, PEOPLE[0], NOW).courses) == 2
    site.database.close()


def test_no_kept_schema_is_thrown_away() -> None:
    """`python -m tests.keep_schema`, run before a migration is added, keeps one more."""
    assert {OLDEST, "0008", "0009"} <= set(KEPT_REVISIONS)


COMMANDS = [
    ["serve"],
    ["worker"],
    ["audit", "verify"],
    ["report", "retreat", RETREAT, "--json"],
    ["report", "participant", PEOPLE[0], "--json"],
    ["export", "out"],
    ["import", "."],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_says_what_to_do_about_an_older_and_a_newer_database(
    home: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    path = put_back(home, "0009")
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '0001'")
    assert main(command) == 2
    said = capsys.readouterr()
    assert "older schema 0001" in said.err
    assert "surveyapp init" in said.err
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    assert main(command) == 2
    again = capsys.readouterr()
    assert "newer than this program" in again.err
    assert "Start the version of surveyapp that wrote it" in again.err
    assert said.out == again.out == ""
    assert revision_of(path) == "9999"


# What was there before a migration is kept beside it for a while.


def test_a_copy_from_before_stands_beside_the_database(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = put_back(home, OLDEST)
    before = counts(path)
    main(["init"])
    copy = path.with_name(f"surveyapp-before-{OLDEST}.db")
    assert str(copy) in capsys.readouterr().err
    assert copy.stat().st_mode & 0o077 == 0
    assert revision_of(copy) == OLDEST
    assert counts(copy) == before
    assert sorted(p.name for p in path.parent.glob("*before*")) == [copy.name]
    main(["init"])
    assert "before" not in capsys.readouterr().err


def test_a_migration_of_a_copy_leaves_no_other(home: Path) -> None:
    put_back(home, OLDEST)
    database = Database(load_settings().database)
    migrated = schema.migrate(database, keep_copy=False)
    assert migrated == schema.Migrated(OLDEST, None)
    assert copies(database) == []
    database.close()


@pytest.fixture
def upgraded(home: Path) -> Generator[Site]:
    put_back(home, OLDEST)
    main(["init"])
    site = open_site(load_settings())
    yield site
    site.database.close()


def test_the_worker_removes_the_copy_after_two_weeks(upgraded: Site) -> None:
    (copy,) = copies(upgraded.database)
    made = datetime.fromtimestamp(copy.stat().st_mtime, UTC)
    mailer = SmtpMailer(upgraded.settings.smtp_url)
    assert duties.remove_old_copies in dict(duties.DUTIES).values()
    duties.remove_old_copies(upgraded, mailer, made + KEPT_FOR - timedelta(minutes=1))
    assert copies(upgraded.database) == [copy]
    duties.remove_old_copies(upgraded, mailer, made + KEPT_FOR + timedelta(minutes=1))
    assert copies(upgraded.database) == []


def test_erasing_may_remove_every_copy_at_once(upgraded: Site) -> None:
    assert len(remove_copies(upgraded.database)) == 1
    assert copies(upgraded.database) == []


# A migration that cannot end leaves what was there.


@contextmanager
def files_up_to(size: int) -> Generator[None]:
    """No file of this process grows beyond `size` bytes, as on a disk that fills."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_at_any_step_of_a_migration_leaves_the_earlier_database_whole(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = put_back(home, OLDEST)
    before, size = counts(path), path.stat().st_size
    refused = 0
    for limit in (0, *range(8192, 8 * size, size // 6)):
        with files_up_to(limit):
            code = main(["init"])
        said = capsys.readouterr().err
        assert "Traceback" not in said
        if code == 0:
            break
        refused += 1
        assert code in (1, 2)
        assert said.count("\n") <= 2
        # The migration itself may just have had room, and what comes after it not.
        assert revision_of(path) == (schema.head() if "is done and nothing" in said else OLDEST)
        assert counts(path) == before
        with closing(sqlite3.connect(path)) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert list(path.parent.glob("*.part")) == []
    assert refused >= 6
    assert main(["init"]) == 0
    assert revision_of(path) == schema.head()
    assert main(["audit", "verify"]) == 0


def test_a_failing_statement_says_where_things_stand(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = put_back(home, OLDEST)
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE note (somebody TEXT)")
    assert main(["init"]) == 1
    said = capsys.readouterr().err
    assert "already exists" in said
    assert f"has the schema {OLDEST} as before, and nothing was lost" in said
    assert "Traceback" not in said
    assert revision_of(path) == OLDEST
    with closing(sqlite3.connect(path)) as database, database:
        assert (
            database.execute("SELECT name FROM sqlite_master WHERE name = 'pin'").fetchall() == []
        )
        database.execute("DROP TABLE note")
    assert main(["init"]) == 0


def test_keys_that_a_full_disk_left_empty_are_made_again(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in KEYS:
        monkeypatch.delenv(name)
    with files_up_to(0):
        assert main(["init"]) == 1
    assert "Traceback" not in capsys.readouterr().err
    assert main(["init"]) == 0
    assert all(path.read_text().strip() for path in (home / "data-keys").iterdir())
