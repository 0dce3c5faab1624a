"""Erasing under faults: a crash, a restored backup, a lost ledger, a full disk, a reader.

And the proof that nothing is left: the bytes of the files are searched.
"""

from __future__ import annotations

import resource
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from surveyapp.services import batch, cleaning, erasing, ledger
from surveyapp.services.backup import workplace
from surveyapp.services.erasing import Wish
from surveyapp.services.errors import RefusedError
from surveyapp.services.site import Site, assemble
from surveyapp.store import belongings, contacts, trail
from surveyapp.store import erasing as store
from surveyapp.store.database import Database, DatabaseUnavailableError
from surveyapp.store.tables_keeping import CONTACTS, EVERYTHING, SafetyCount
from tests.wholly import AT, CODE, OTHER, WORDS, add_mentions, add_wholly, codes, is_whole
from tests.world import add_course

LATER = AT + timedelta(days=1)
BY: Any = {"actor": "staff:2", "now": LATER}
ALL = Wish(EVERYTHING, "asked to be forgotten")
ONLY = Wish(CONTACTS, "left")


@pytest.fixture
def filled(site: Site) -> Site:
    add_wholly(site)
    add_mentions(site)
    return site


@pytest.fixture
def on_sqlite(sqlite_site: Site) -> Site:
    add_wholly(sqlite_site)
    add_mentions(sqlite_site)
    return sqlite_site


# The ledger -------------------------------------------------------------------------------


def test_a_crash_before_the_commit_is_made_good(
    filled: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every step between the ledger's line and the commit."""
    steps = [
        (belongings, "remove"),
        (trail, "erase_payloads"),
        (store, "mentions"),
        (store, "add_erasure"),
    ]
    for module, name in steps:
        break_off(filled, monkeypatch, module, name)
        assert codes(filled) == [OTHER, CODE], name
    assert len(ledger.read(filled).lines) == 1
    assert erasing.replay(filled, LATER) == 1
    assert codes(filled) == [OTHER]
    assert erasing.replay(filled, LATER) == 0
    assert is_whole(filled)


def break_off(site: Site, monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> None:
    """An erasure that ends where this function would be called."""

    def killed(*_args: object, **_named: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(module, name, killed)
        with pytest.raises(KeyboardInterrupt):
            erasing.erase(site, CODE, ALL, **BY)


def test_the_command_again_uses_the_line_that_was_written(
    on_sqlite: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_off(on_sqlite, monkeypatch, store, "add_erasure")
    erasing.erase(on_sqlite, CODE, ALL, **BY)
    assert len(ledger.read(on_sqlite).lines) == 1
    assert erasing.replay(on_sqlite, LATER) == 0


def test_a_restored_backup_is_erased_again(on_sqlite: Site, tmp_path: Path) -> None:
    backup = tmp_path / "backup.db"
    shutil.copy(str(on_sqlite.database.url.database), backup)  # nobody writes: log and all
    shutil.copy(f"{on_sqlite.database.url.database}-wal", f"{backup}-wal")
    erasing.erase(on_sqlite, CODE, replace(ALL, keep_safety=True), **BY)
    erasing.erase(on_sqlite, OTHER, ONLY, **BY)
    database = Database(f"sqlite:///{backup}")
    restored = assemble(on_sqlite.settings, on_sqlite.keys, database, on_sqlite.library)
    assert codes(restored) == [OTHER, CODE]
    assert erasing.ledger_faults(restored) == []
    assert erasing.replay(restored, LATER) == 2
    assert codes(restored) == [OTHER]
    with restored.database.read() as session:
        assert contacts.contact_of(session, restored.vault, 2, contacts.EMAIL) is None
        assert len(list(session.scalars(select(SafetyCount)))) == 2
    assert is_whole(restored)
    database.close()


def test_lost_and_changed_lines_are_named(on_sqlite: Site) -> None:
    for n in range(3):
        add_course(on_sqlite, f"Dunnart-{n}", retreat="Other")
        erasing.erase(on_sqlite, f"Dunnart-{n}", ALL, **BY)
    path = ledger.path_of(on_sqlite)
    whole = path.read_bytes()
    assert b"Dunnart" not in whole
    assert path.stat().st_mode & 0o777 == 0o600
    assert erasing.ledger_faults(on_sqlite) == []
    first, second, third = whole.splitlines(keepends=True)
    path.write_bytes(first + third)
    assert any("Before line 2" in f for f in erasing.ledger_faults(on_sqlite))
    path.write_bytes(first + second.replace(b"forgotten", b"remembered") + third)
    assert any("Line 2 of the ledger was changed" in f for f in erasing.ledger_faults(on_sqlite))
    path.write_bytes(first + second)
    (lost,) = erasing.ledger_faults(on_sqlite)
    assert lost.startswith("1 erasure is in the database and not in the ledger")
    path.write_bytes(whole[:-10])
    assert any("cut off" in f for f in erasing.ledger_faults(on_sqlite))
    shutil.rmtree(path.parent)
    (lost,) = erasing.ledger_faults(on_sqlite)
    assert lost.startswith("3 erasures are")


def test_a_line_that_was_cut_off_is_written_over(on_sqlite: Site) -> None:
    add_course(on_sqlite, "Dunnart-1", retreat="Other")
    erasing.erase(on_sqlite, "Dunnart-1", ALL, **BY)
    path = ledger.path_of(on_sqlite)
    path.write_bytes(path.read_bytes() + b'{"at": "20')
    erasing.erase(on_sqlite, CODE, ALL, **BY)
    assert erasing.ledger_faults(on_sqlite) == []
    assert len(ledger.read(on_sqlite).lines) == 2


def test_a_ledger_that_cannot_be_written_erases_nobody(
    on_sqlite: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: object) -> int:
        raise OSError(28, "No space left on device")

    for name in ("pwrite", "fsync"):
        with monkeypatch.context() as patched:
            patched.setattr(f"surveyapp.services.ledger.os.{name}", full)
            with pytest.raises(RefusedError, match=r"No space left on device\. Nothing was erased"):
                erasing.erase(on_sqlite, CODE, ALL, **BY)
        assert codes(on_sqlite) == [OTHER, CODE]
        assert ledger.path_of(on_sqlite).read_bytes() == b""
    erasing.erase(on_sqlite, CODE, ALL, **BY)


# Gone from the files ----------------------------------------------------------------------


def words_in(folder: Path) -> set[str]:
    """Which of the words stand in the bytes of a folder's files."""
    found: set[str] = set()
    for path in folder.rglob("*"):
        if path.is_file():
            try:
                body = path.read_bytes()
            except FileNotFoundError:
                continue
            found |= {word for word in WORDS if word.encode() in body}
    return found


def test_nothing_is_left_in_sqlite_s_files(on_sqlite: Site, tmp_path: Path) -> None:
    told = batch.Progress(1, AT.isoformat(), errors=((CODE, "x"),), finished=True)
    batch.tell(on_sqlite, 1, told)
    assert words_in(tmp_path) == set(WORDS)
    erasing.erase(on_sqlite, CODE, ALL, **BY)
    assert [made.cleaned_at for made in erasing.made(on_sqlite)] == [None]
    assert cleaning.clean(on_sqlite, LATER)
    assert words_in(tmp_path) == set()
    assert [made.cleaned_at for made in erasing.made(on_sqlite)] == [LATER]
    assert cleaning.clean(on_sqlite, LATER)


def test_a_reader_of_an_older_state_is_waited_for(on_sqlite: Site, tmp_path: Path) -> None:
    other = Database(str(on_sqlite.database.url))
    with other.read() as session:
        assert len(store.everybody(session)) == 2
        erasing.erase(on_sqlite, CODE, ALL, **BY)
        assert not cleaning.clean(on_sqlite, LATER, patience=0.2)
        assert len(store.everybody(session)) == 2
    assert cleaning.clean(on_sqlite, LATER)
    assert words_in(tmp_path) == set()
    other.close()


def test_the_worker_cleans_and_does_again_what_broke_off(
    on_sqlite: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailer: Any = None
    cleaning.duty(on_sqlite, mailer, LATER)
    break_off(on_sqlite, monkeypatch, store, "add_erasure")
    cleaning.duty(on_sqlite, mailer, LATER)
    assert codes(on_sqlite) == [OTHER]
    assert words_in(tmp_path) == set()
    with on_sqlite.database.read() as session:
        assert not store.uncleaned(session)
    cleaning.duty(on_sqlite, mailer, LATER)


@contextmanager
def full_disk(room: int = 0) -> Generator[None]:
    """No file grows beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_loses_no_erasure(on_sqlite: Site, tmp_path: Path) -> None:
    with full_disk(), pytest.raises(RefusedError, match="Nothing was erased"):
        erasing.erase(on_sqlite, CODE, ALL, **BY)
    assert codes(on_sqlite) == [OTHER, CODE]
    room = ledger.path_of(on_sqlite).stat().st_size + 1000
    with full_disk(room), pytest.raises((DatabaseUnavailableError, DBAPIError)):
        erasing.erase(on_sqlite, CODE, ALL, **BY)
    assert codes(on_sqlite) == [OTHER, CODE]
    assert erasing.replay(on_sqlite, LATER) == 1
    with full_disk(room), pytest.raises(RefusedError, match="could not be rewritten"):
        cleaning.clean(on_sqlite, LATER)
    assert cleaning.clean(on_sqlite, LATER)
    assert words_in(tmp_path) == set()


def test_what_killed_work_left_goes_too(on_sqlite: Site, tmp_path: Path) -> None:
    """Whole copies in the clear, of a backup, a restore and a migration that were killed."""
    database, data = Path(on_sqlite.database.url.database or ""), on_sqlite.settings.data_dir
    before = database.with_name(f"{database.stem}-before-0009.part")
    stage = database.parent / ".restoring"
    for left in (data / "backup-work" / "now" / "database", stage / "database", before):
        left.parent.mkdir(parents=True, exist_ok=True)
        with Database(f"sqlite:///{left}").engine.connect() as connection:
            connection.execute(text(f"CREATE TABLE left AS SELECT '{CODE}' AS code"))
            connection.commit()
    erasing.erase(on_sqlite, CODE, ALL, **BY)
    with workplace.workplace(data):
        assert not cleaning.clean(on_sqlite, LATER)
    assert cleaning.clean(on_sqlite, LATER)
    assert words_in(tmp_path) == set()


@pytest.fixture
def on_postgresql(settings: Any, keys: Any, migrated_postgresql_url: str, library: Any) -> Any:
    database = Database(migrated_postgresql_url)
    site = assemble(settings, keys, database, library)
    add_wholly(site)
    add_mentions(site)
    yield site
    database.close()


def own_files(site: Site) -> set[str]:
    """Words in the files of this database, after they were written out."""
    with site.database.engine.connect() as connection:
        connection.execute(text("CHECKPOINT"))
        folder = connection.scalar(text("SHOW data_directory"))
        oid = connection.scalar(
            text("SELECT oid FROM pg_database WHERE datname = current_database()")
        )
    return words_in(Path(str(folder)) / "base" / str(oid))


def test_nothing_is_left_in_postgresql_s_tables(on_postgresql: Site) -> None:
    assert own_files(on_postgresql) == set(WORDS)
    erasing.erase(on_postgresql, CODE, ALL, **BY)
    other = Database(on_postgresql.database.url.render_as_string(hide_password=False))
    with other.read() as session:
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        store.everybody(session)
        assert not cleaning.clean(on_postgresql, LATER, patience=0.2)
    other.close()
    assert cleaning.clean(on_postgresql, LATER)
    assert own_files(on_postgresql) == set()
