"""Backups that are cut, changed, forged or another's, and disks that are full: each is a sentence,
and nothing is left behind."""

from __future__ import annotations

import gzip
import io
import resource
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyrage
import pytest
from alembic import command

from surveyapp.config import Keys, Settings
from surveyapp.services.backup import workplace
from surveyapp.services.backup.faults import BackupError, UnfitError
from surveyapp.services.backup.making import make
from surveyapp.services.backup.restoring import Wish, restore
from surveyapp.services.site import Site, assemble
from surveyapp.store import schema, trail
from surveyapp.store.database import Database
from tests.backups import ACTOR, Packed, an_empty_place, new_key, packed, put_back, refuses
from tests.conftest import NOON
from tests.world import add_course

DAMAGED = "damaged or cut short"
BIG = 1_600_000


@pytest.fixture
def archive(sqlite_site: Site, tmp_path: Path) -> Packed:
    add_course(sqlite_site)
    kept = sqlite_site.settings.data_dir / "wordings" / "a.csv"
    kept.parent.mkdir(parents=True)
    kept.write_text("words")
    return packed(sqlite_site, tmp_path / "b.tgz")


@pytest.fixture
def place(sqlite_site: Site, tmp_path: Path) -> Generator[Settings]:
    """An empty place, which a restore that fails leaves as it was."""
    folder = tmp_path / "there"
    folder.mkdir()
    yield an_empty_place(sqlite_site, folder)
    assert list(folder.iterdir()) == []


# Files that are not what they were ----------------------------------------------------------


def test_an_encrypted_file_that_was_cut_or_changed(
    sqlite_site: Site, place: Settings, tmp_path: Path
) -> None:
    identity, key = new_key(tmp_path)
    made = make(sqlite_site, tmp_path / "b.age", key, actor=ACTOR, now=NOON)
    whole, bad = made.path.read_bytes(), tmp_path / "bad.age"
    for length in (30, 100, 300, len(whole) // 2, len(whole) - 16, len(whole) - 1):
        bad.write_bytes(whole[:length])
        assert not isinstance(refuses(sqlite_site, place, bad, DAMAGED, identity), UnfitError)
    for at in (25, 150, len(whole) // 2, len(whole) - 1):
        bad.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        refuses(sqlite_site, place, bad, "damaged|does not open", identity)
    bad.write_bytes(whole + b"more")
    refuses(sqlite_site, place, bad, DAMAGED, identity)


def test_a_file_without_encryption_that_was_cut_or_changed(
    archive: Packed, place: Settings
) -> None:
    whole = archive.path.read_bytes()
    for length in (20, 500, len(whole) // 2, len(whole) - 8, len(whole) - 1):
        archive.path.write_bytes(whole[:length])
        refuses(archive.site, place, archive.path, DAMAGED)
    for at in (len(whole) // 3, len(whole) // 2, len(whole) - 5):
        archive.path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        refuses(archive.site, place, archive.path, f"{DAMAGED}|another secret key")


def test_another_key_and_no_key(sqlite_site: Site, place: Settings, tmp_path: Path) -> None:
    _, key = new_key(tmp_path)
    other, _ = new_key(tmp_path, "other.txt")
    made = make(sqlite_site, tmp_path / "b.age", key, actor=ACTOR, now=NOON)
    for identity, words in (
        (None, "--identity"),
        (other, "another one's"),
        (made.path, "holds no private key"),
        (tmp_path / "none", "cannot be read"),
    ):
        assert isinstance(refuses(sqlite_site, place, made.path, words, identity), UnfitError)


def test_what_is_no_backup_at_all(sqlite_site: Site, place: Settings, tmp_path: Path) -> None:
    identity, key = new_key(tmp_path)
    foreign: dict[str, bytes] = {
        "empty": b"",
        "text": b"once upon a time" * 100,
        "packed": gzip.compress(b"once upon a time" * 100),
        "zeros": gzip.compress(bytes(5000)),
    }
    for body in (foreign["text"], foreign["packed"]):
        held = io.BytesIO()
        pyrage.encrypt_io(io.BytesIO(body), held, [key])
        foreign[f"sealed {len(foreign)}"] = held.getvalue()
    for name, body in foreign.items():
        (tmp_path / name).write_bytes(body)
        refuses(sqlite_site, place, tmp_path / name, "not a backup|damaged", identity)
    refuses(sqlite_site, place, tmp_path / "nowhere", "There is no file")


# Archives that somebody meddled with --------------------------------------------------------

MEDDLE: dict[str, Callable[[list[Any]], list[Any]]] = {
    "without the manifest": lambda m: m[1:],
    "without the seal": lambda m: [m[0], *m[2:]],
    "without the database": lambda m: [*m[:2], *m[3:]],
    "without a file": lambda m: m[:3],
    "reordered": lambda m: [*m[:2], m[3], m[2]],
    "the manifest last": lambda m: [*m[1:], m[0]],
    "the database twice": lambda m: [*m[:3], *m[2:]],
    "the manifest twice": lambda m: [m[0], *m],
    "one more": lambda m: [*m, ("file-0002", b"x")],
    "one that leads out": lambda m: [*m[:2], ("../../evil", b"x"), *m[2:]],
    "one that leads out, last": lambda m: [*m, ("/etc/evil", b"x")],
    "a longer database": lambda m: [*m[:2], (m[2][0], m[2][1] + b"x"), *m[3:]],
    "another file": lambda m: [*m[:3], (m[3][0], b"WORDS")],
}


@pytest.mark.parametrize("how", MEDDLE)
def test_members_that_are_not_as_the_manifest_says(
    archive: Packed, place: Settings, how: str
) -> None:
    path = archive.write(MEDDLE[how](archive.members))
    refuses(archive.site, place, path, f"{DAMAGED}|not a backup")
    assert not (place.data_dir.parent / "evil").exists()


def _out(path: str) -> Callable[[dict[str, Any]], None]:
    return lambda said: said["members"][1].update(path=path)


FORGED: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "newer schema": (lambda said: said.update(schema="9999"), "newer than this program"),
    "newer format": (lambda said: said.update(format=2, version="9.0"), "made by surveyapp 9.0"),
    "another product": (lambda said: said.update(product="other"), "not a backup of surveyapp"),
    "other counts": (lambda said: said["counts"].update(course=7), "rows in course"),
    "a table more": (lambda said: said["counts"].update(more=0), "rows in more"),
    "another head": (lambda said: said.update(head="0" * 64), "The trail is not what"),
    "fewer events": (lambda said: said.update(events=0), "number of events"),
    "another schema": (lambda said: said.update(schema="0008"), "The schema is not what"),
    "another kind": (lambda said: said.update(database="postgresql"), "a backup of PostgreSQL"),
    "far too large": (lambda said: said["members"][0].update(size=10**15), "is full"),
    "no time": (lambda said: said.update(made_at="yesterday"), "manifest is damaged"),
    "no members": (lambda said: said.update(members=[]), "manifest is damaged"),
    "out of the folder": (_out("wordings/../../evil"), "manifest is damaged"),
    "an absolute path": (_out("/etc/evil"), "manifest is damaged"),
    "another folder": (_out("instance.json"), "manifest is damaged"),
    "a folder": (_out("wordings"), "manifest is damaged"),
    "a blank part": (_out("wordings//evil"), "manifest is damaged"),
}


@pytest.mark.parametrize("how", FORGED)
def test_manifests_that_do_not_fit(archive: Packed, place: Settings, how: str) -> None:
    change, words = FORGED[how]
    refuses(archive.site, place, archive.with_manifest(change), words)


def test_bombs_go_off_nowhere(archive: Packed, place: Settings) -> None:
    head = archive.members[0]
    path = archive.write([(head[0], bytes(60_000_000)), *archive.members[1:]])
    refuses(archive.site, place, path, "far too long")
    refuses(archive.site, place, archive.write(more=bytes(60_000_000)), "more than its manifest")


def test_a_manifest_that_others_wrote_needs_a_word(
    archive: Packed, place: Settings, library: Any, tmp_path: Path
) -> None:
    others = Keys(b"another secret, which is long enough", archive.site.keys.contact)
    with pytest.raises(UnfitError, match="another secret key"):
        restore(place, others, library, Wish(archive.path), NOON)
    there = place.model_copy(update={"data_dir": tmp_path / "lost"})
    strangers = Keys(others.secret, (b"x" * 32,))
    done = restore(there, strangers, library, Wish(archive.path, other_keys=True), NOON)
    assert "links that were sent no longer work" in done.said[0]
    assert "cannot be read" in done.said[1]


# Places that are not empty ------------------------------------------------------------------


def test_a_place_that_is_in_use_is_named(archive: Packed, place: Settings) -> None:
    for name in ("surveyapp.db", "instance.json"):
        (place.data_dir / name).write_text("mine")
        refuses(archive.site, place, archive.path, f"There is: {name}")
        assert (place.data_dir / name).read_text() == "mine"
        (place.data_dir / name).unlink()
    elsewhere = place.data_dir.parent / "other.db"
    elsewhere.write_text("mine")
    set_there = place.model_copy(update={"database_url": f"sqlite:///{elsewhere}"})
    refuses(archive.site, set_there, archive.path, "other.db")


def test_what_a_killed_restore_left_does_not_stop_the_next(
    archive: Packed, place: Settings, tmp_path: Path
) -> None:
    there = place.model_copy(update={"data_dir": tmp_path / "again"})
    (there.data_dir / ".restoring").mkdir(parents=True)
    (there.data_dir / ".restoring" / "database").write_text("half")
    put_back(archive.site, there, archive.path)
    names = sorted(p.name for p in there.data_dir.iterdir())
    assert names == ["surveyapp.db", "wordings"]


def test_a_backup_is_never_written_over(sqlite_site: Site, tmp_path: Path) -> None:
    (tmp_path / "b").write_text("mine")
    with pytest.raises(UnfitError, match="there already"):
        make(sqlite_site, tmp_path / "b", None, actor=ACTOR, now=NOON)
    with pytest.raises(UnfitError, match="no folder"):
        make(sqlite_site, tmp_path / "none" / "b", None, actor=ACTOR, now=NOON)
    with workplace.workplace(sqlite_site.settings.data_dir):
        assert workplace.is_busy(sqlite_site.settings.data_dir)
        with pytest.raises(BackupError, match="being made here already"):
            make(sqlite_site, tmp_path / "c", None, actor=ACTOR, now=NOON)


# Full disks ---------------------------------------------------------------------------------


@contextmanager
def room_for(size: int) -> Generator[None]:
    """No file can grow past `size` bytes: a disk that is full, for this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def fill(site: Site) -> None:
    """A database that packs well and is larger than its archive; a file that does not pack."""
    kept = site.settings.data_dir / "wordings" / "a.csv"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(_noise(BIG))
    with site.database.write() as session:
        payload: dict[str, object] = {"words": "x" * 2 * BIG}
        trail.append(session, trail.SYSTEM, "tested", ACTOR, NOON, payload)


def _noise(size: int) -> bytes:
    with Path("/dev/urandom").open("rb") as source:
        return source.read(size)


def test_a_full_disk_at_each_step_of_a_backup(sqlite_site: Site, tmp_path: Path) -> None:
    fill(sqlite_site)
    work, target = sqlite_site.settings.data_dir / "backup-work", tmp_path / "out"
    target.mkdir()
    said: list[str] = []
    size = 50_000
    while True:
        try:
            with room_for(size):
                make(sqlite_site, target / "b.tgz", None, actor=ACTOR, now=NOON)
            break
        except BackupError as error:
            said.append(str(error))
        assert list(target.iterdir()) == []
        assert [p.name for p in work.iterdir()] == ["lock"]
        size = round(size * 1.5)
    assert any("copying the database" in sentence for sentence in said)
    put_back(sqlite_site, an_empty_place(sqlite_site, tmp_path / "ok"), target / "b.tgz")


def test_a_full_disk_while_the_archive_is_written(sqlite_site: Site, tmp_path: Path) -> None:
    kept = sqlite_site.settings.data_dir / "wordings"
    kept.mkdir(parents=True)
    for number in range(3):
        (kept / f"{number}.csv").write_bytes(_noise(BIG))
    target = tmp_path / "out"
    target.mkdir()
    for key in (None, new_key(tmp_path)[1]):
        with pytest.raises(BackupError, match=r"is full: .* while writing"), room_for(BIG + 9):
            make(sqlite_site, target / "b", key, actor=ACTOR, now=NOON)
        assert list(target.iterdir()) == []


def test_a_full_disk_at_each_step_of_a_restore(
    sqlite_site: Site, place: Settings, tmp_path: Path
) -> None:
    fill(sqlite_site)
    identity, key = new_key(tmp_path)
    made = make(sqlite_site, tmp_path / "b.age", key, actor=ACTOR, now=NOON)
    said: list[str] = []
    for size in (BIG // 2, BIG + 90_000, 2 * BIG):
        with room_for(size), pytest.raises(BackupError) as told:
            put_back(sqlite_site, place, made.path, identity)
        said.append(str(told.value))
        assert list(place.data_dir.iterdir()) == []
    assert all("is full" in sentence for sentence in said), said


def test_a_full_disk_while_an_old_backup_is_migrated(
    settings: Settings, keys: Keys, library: Any, tmp_path: Path, sqlite_url: str
) -> None:
    site = an_old_site(settings, keys, library, sqlite_url)
    made = make(site, tmp_path / "b.tgz", None, actor=ACTOR, now=NOON)
    there = an_empty_place(site, tmp_path / "there")
    size, said = made.manifest.members[0].size, list[str]()
    while True:
        try:
            with room_for(size):
                done = restore(there, keys, library, Wish(made.path), NOON + timedelta(days=1))
            break
        except BackupError as error:
            said.append(str(error))
        assert not there.data_dir.exists()
        size += 60_000
    assert said
    assert all("checking and migrating" in sentence for sentence in said), said
    assert "brought to this program's" in done.said[0]
    site.database.close()


def an_old_site(settings: Settings, keys: Keys, library: Any, url: str) -> Site:
    """An installation of an earlier version, with something in its trail."""
    database = Database(url)
    with database.engine.begin() as connection:
        config = schema._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0008")
    with database.write() as session:
        trail.append(session, trail.SYSTEM, "tested", ACTOR, NOON, {})
    return assemble(settings, keys, database, library)
