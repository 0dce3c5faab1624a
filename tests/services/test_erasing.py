"""Erasing: what goes and what stays, gone from files, done again after a crash or restore."""

from __future__ import annotations

import json
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
from sqlmodel import SQLModel, col

from surveyapp.services import batch, cleaning, erasing, ledger, people, prompting, stopping
from surveyapp.services.erasing import Wish
from surveyapp.services.errors import InputError, NotFoundError, RefusedError
from surveyapp.services.people import NewPerson
from surveyapp.services.personal import person_view
from surveyapp.services.site import Site, assemble
from surveyapp.services.stopping import NewStop
from surveyapp.store import belongings, contacts, migrations, trail
from surveyapp.store import erasing as store
from surveyapp.store.database import Database, DatabaseUnavailableError
from surveyapp.store.tables_access import EventPayload
from surveyapp.store.tables_keeping import CONTACTS, EVERYTHING, SafetyCount
from tests.wholly import ADDRESS, AT, CODE, NOTE, OTHER, WORDS, add_mentions, add_wholly
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


def holding(site: Site, word: str) -> list[str]:
    """Tables and columns in which a word stands."""
    found: list[str] = []
    with site.database.read() as session:
        for table in SQLModel.metadata.sorted_tables:
            for row in session.execute(select(table)).mappings():
                found += [f"{table.name}.{k}" for k, v in row.items() if word in str(v)]
    return found


def is_whole(site: Site) -> bool:
    with site.database.read() as session:
        return trail.verify(session).fault is None


def payloads(site: Site, kind: str) -> list[dict[str, Any]]:
    query = "SELECT payload FROM event JOIN event_payload ON event_uid = uid WHERE kind = :kind"
    with site.database.read() as session:
        rows = session.scalars(text(f"{query} ORDER BY seq"), {"kind": kind})
        return [json.loads(body) for body in rows]


def codes(site: Site) -> list[str]:
    with site.database.read() as session:
        return sorted(store.everybody(session))


def test_the_person_that_is_erased_here_has_a_row_in_every_table(on_sqlite: Site) -> None:
    """Else a table that is forgotten would not be found; a new one needs a row in `wholly`."""
    with on_sqlite.database.read() as session:
        found = {b.table.name: belongings.count(session, b) for b in
                 belongings.belongings(session, [1])}  # fmt: skip
    assert [name for name, count in found.items() if not count] == []


def test_every_table_that_hangs_on_a_person_is_named_in_words() -> None:
    """A new table below a participant, course or assessment needs a name for the preview, and its
    module a place in `belongings.ROOMS`."""
    hanging = belongings.hanging()
    assert {table.name for table in hanging} == set(belongings.WORDS)
    modules = {p.stem for p in Path(belongings.__file__).parent.glob("tables_*.py")}
    known = {room.__name__.rpartition(".")[2] for room in belongings.ROOMS}
    assert modules - known <= {"tables_digest", "tables_keeping"}
    for table, leading in hanging.items():
        assert all(len(c.foreign_keys) == 1 for c in leading), table.name
    assert migrations  # every table is registered by then


def test_everything_goes_and_the_trail_stays_whole(filled: Site) -> None:
    before = erasing.preview(filled, CODE, ALL, LATER)
    words = dict(before.goes)
    assert words["answers"] == 1
    assert words["contact details"] == 2
    assert words["what the trail says of the person"] >= 4
    assert words["mentions of the code in notes about others"] == 2
    assert codes(filled) == [OTHER, CODE]
    assert erasing.erase(filled, CODE, ALL, **BY) == 0
    assert codes(filled) == [OTHER]
    for word in WORDS:
        assert holding(filled, word) == [], word
    assert is_whole(filled)
    with filled.database.read() as session:
        assert not any(belongings.count(session, b) for b in belongings.belongings(session, [1]))
        shared = contacts.contact_of(session, filled.vault, 2, contacts.EMAIL)
        assert shared is not None
        assert shared.value == ADDRESS
    with pytest.raises(NotFoundError):
        erasing.preview(filled, CODE, ALL, LATER)


def test_what_the_trail_said_of_others_is_left(on_sqlite: Site) -> None:
    erasing.erase(on_sqlite, CODE, ALL, **BY)
    (said,) = payloads(on_sqlite, trail.ERASED)
    slips = [left for left in said["left"].values() if "people" in left]
    assert sorted(slips[0]["people"]) == [store.GONE, OTHER]
    assert said["reason"] == ALL.reason
    assert person_view(on_sqlite, OTHER, LATER).courses


def test_both_are_erased_one_after_the_other(filled: Site) -> None:
    """The second erasure finds the first one's event, which quotes what was left of the second."""
    erasing.erase(filled, CODE, ALL, **BY)
    erasing.erase(filled, OTHER, ALL, **BY)
    assert codes(filled) == []
    assert [holding(filled, word) for word in ("Quokka", "bandicoot")] == [[], []]
    assert is_whole(filled)


def test_a_payload_that_no_erasure_names_is_still_found(on_sqlite: Site) -> None:
    erasing.erase(on_sqlite, CODE, ALL, **BY)
    with on_sqlite.database.write() as session:
        (first,) = session.scalars(select(col(EventPayload.event_uid)).limit(1))
        trail.erase_payloads(session, [first])
    with on_sqlite.database.read() as session:
        fault = trail.verify(session).fault
    assert fault is not None
    assert "no erasure names it" in fault


def test_only_the_contacts_go(on_sqlite: Site) -> None:
    assert dict(erasing.preview(on_sqlite, CODE, ONLY, LATER).goes) == {
        "contact details": 2,
        "PINs": 1,
    }
    erasing.erase(on_sqlite, CODE, ONLY, **BY)
    assert holding(on_sqlite, on_sqlite.vault.lookup(ADDRESS)) == ["contact.lookup"]  # the other's
    assert "note.text" in holding(on_sqlite, NOTE)
    assert person_view(on_sqlite, CODE, LATER).contacts[0].value == "None on record"
    assert is_whole(on_sqlite)


def test_counts_for_safety_lead_to_nobody(on_sqlite: Site) -> None:
    erasing.erase(on_sqlite, CODE, replace(ALL, keep_safety=True), **BY)
    with on_sqlite.database.read() as session:
        rows = {row.what: row.number for row in session.scalars(select(SafetyCount))}
    assert rows == {"adverse event: grade 3, serious": 1, "dose: first, given": 1}
    assert holding(on_sqlite, "bettong") == []


def test_a_reason_is_needed_and_names_nobody(on_sqlite: Site) -> None:
    for reason, sentence in (
        (" ", "Say why"),
        ("x" * 301, "at most"),
        (f"{CODE.lower()} asked", "must not name"),
        (f"asked by {ADDRESS.upper()}", "must not name"),
        ("called from 06 555 01234", "must not name"),
    ):
        with pytest.raises(InputError, match=sentence):
            erasing.erase(on_sqlite, CODE, replace(ALL, reason=reason), **BY)
    with pytest.raises(InputError, match="Choose what"):
        erasing.preview(on_sqlite, CODE, Wish("some"), LATER)
    assert codes(on_sqlite) == [OTHER, CODE]
    assert not ledger.path_of(on_sqlite).exists()


def test_a_code_is_not_given_again(on_sqlite: Site) -> None:
    erasing.erase(on_sqlite, CODE, ALL, **BY)
    with pytest.raises(InputError, match="somebody who was erased"):
        people.add_person(on_sqlite, 1, NewPerson(CODE.upper()), actor="staff:1", now=LATER)
    people.add_person(on_sqlite, 1, NewPerson("Quokka-78"), actor="staff:1", now=LATER)


def test_a_message_that_was_claimed_does_not_go(filled: Site) -> None:
    at = AT.replace(day=13)
    course = add_course(filled, "Dunnart-1", retreat="Other", address="d1@example.org")
    job = prompting.claim(filled, course, "worker", at)
    assert job is not None
    late = erasing.erase(filled, "Dunnart-1", ALL, actor="staff:2", now=at)
    assert late == 1
    assert prompting.recheck(filled, job, at) is False
    assert prompting.claim(filled, course, "worker", at) is None


def test_contacts_that_went_are_not_written_to(on_sqlite: Site) -> None:
    at = AT.replace(day=13)
    course = add_course(on_sqlite, "Dunnart-1", retreat="Other", address="d1@example.org")
    job = prompting.claim(on_sqlite, course, "worker", at)
    assert job is not None
    erasing.erase(on_sqlite, "Dunnart-1", ONLY, actor="staff:2", now=at)
    assert prompting.recheck(on_sqlite, job, at) is False


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


# Leaving ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["left the study", "died"])
def test_who_leaves_is_not_written_to_and_their_contacts_go(on_sqlite: Site, kind: str) -> None:
    wish = NewStop(kind, reason="told us", drop_contacts=True)
    stopping.record_stop(on_sqlite, CODE, 1, wish, actor="staff:2", now=LATER)
    view = person_view(on_sqlite, CODE, LATER)
    assert view.contacts[0].value == "None on record"
    assert "note.text" in holding(on_sqlite, NOTE)
    (made,) = erasing.made(on_sqlite)
    assert (made.kind, made.reason) == (CONTACTS, kind)
    assert is_whole(on_sqlite)


def test_contacts_stay_where_people_only_pause(on_sqlite: Site) -> None:
    wish = NewStop("messages stopped", drop_contacts=True)
    stopping.record_stop(on_sqlite, CODE, 1, wish, actor="staff:2", now=LATER)
    assert erasing.made(on_sqlite) == []


def test_contacts_stay_where_another_course_goes_on(on_sqlite: Site) -> None:
    add_course(on_sqlite, CODE, retreat="Another", number=2, address=None)
    wish = NewStop("left the study", reason="told us", drop_contacts=True)
    with pytest.raises(InputError, match="another course that goes on"):
        stopping.record_stop(on_sqlite, CODE, 1, wish, actor="staff:2", now=LATER)
    stopping.record_stop(
        on_sqlite, CODE, 1, replace(wish, drop_contacts=False), actor="staff:2", now=LATER
    )
    assert erasing.made(on_sqlite) == []
