"""Restoring: a backup into an empty data folder, all of it or nothing, and nothing is sent.

Everything is unpacked, checked, migrated and held beside its place. The last step puts the database
there, so that a restore that broke off has left no installation that would run.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from ...config import Keys, Settings
from ...store import copying, postgresql, trail
from ...store.database import Database
from ...store.vault import key_version
from ...study.library import Library
from ...texts import moment
from .. import erasing, instance, ledger
from ..errors import RefusedError
from ..site import Site, assemble
from .checking import check, put_back, require_known_schema, require_same_kind
from .faults import BackupError, UnfitError, told
from .making import digest_of, sync_folder
from .manifest import DATABASE, PURPOSE, Manifest
from .opening import open_into
from .own import own_identity

STAGE = ".restoring"
NOT_OURS = {STAGE, "lost+found"}
ACTOR = "restore"
CLOCK_SLACK = timedelta(minutes=10)

After = Callable[[Site, datetime], str]


def erase_again(site: Site, now: datetime) -> str:
    """Whoever the ledger names is erased from the restored data too."""
    count = erasing.replay(site, now, ACTOR)
    done = f"{count} {'person was' if count == 1 else 'people were'} erased again" if count else ""
    path = ledger.path_of(site)
    if not path.exists():
        done = (
            f"there is no ledger of erasures at {path}: if anybody was erased since the backup, "
            "put it there and run `surveyapp erase --replay` before you let messages go"
        )
    return "; ".join(filter(None, (done, *erasing.ledger_faults(site))))


AFTER_RESTORE: tuple[After, ...] = (erase_again,)
"""What is done to the restored data before anybody else sees them, each with a sentence of what it
did (empty: nothing)."""


@dataclass(frozen=True)
class Restored:
    manifest: Manifest
    said: tuple[str, ...]


@dataclass(frozen=True)
class Wish:
    """Which file, the file of its private key, and whether keys other than its own will do."""

    path: Path
    identity: Path | None = None
    other_keys: bool = False


def restore(
    settings: Settings, keys: Keys, library: Library, wish: Wish, now: datetime
) -> Restored:
    """Put a backup into the empty place that the settings name.

    Raises UnfitError, BackupError; then the place is as empty as it was.
    """
    target = Database(settings.database)
    try:
        _require_empty(settings, target)
        with _stage(settings, target) as stage:
            manifest, sealed = open_into(
                wish.path, wish.identity, stage, keys.derive(PURPOSE), own_identity(keys)
            )
            require_same_kind(manifest, target)
            require_known_schema(manifest)
            said = [_sealed(sealed, wish), _contact_keys(manifest, keys)]
            with _loaded(stage, target) as database:
                said += _make_good(settings, keys, library, database, manifest, wish, now)
                _move_in(settings, manifest, stage, target)
    finally:
        target.close()
    return Restored(manifest, tuple(filter(None, said)))


def _require_empty(settings: Settings, target: Database) -> None:
    """Raises UnfitError, which names what is there."""
    folder = settings.data_dir
    with told("looking whether there is room for it", folder):
        there = sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []
        found = [name for name in there if name not in NOT_OURS]
        if target.is_sqlite:
            file = Path(target.url.database or "")
            beside = (file, file.with_name(f"{file.name}-wal"))
            found += [str(p) for p in beside if p.exists() and p.name not in found]
        else:
            with target.read() as session:
                found += [f"table {name}" for name in postgresql.contents(session)]
    if found:
        more = f" and {len(found) - 5} more" if len(found) > 5 else ""
        raise UnfitError(
            f"A backup is restored into an empty data folder and database only. There is: "
            f"{', '.join(found[:5])}{more}. Name a new folder with SURVEYAPP_DATA_DIR"
            f"{'' if target.is_sqlite else ' and an empty database with SURVEYAPP_DATABASE_URL'}."
        )


@contextmanager
def _stage(settings: Settings, target: Database) -> Generator[Path]:
    """A folder beside where the database will be; afterwards nothing is left of it, nor of a data
    folder that was not there."""
    place = _place(settings, target)
    made = [f for f in dict.fromkeys((settings.data_dir, place)) if not f.exists()]
    stage = place / STAGE
    try:
        with told("making room for it", place):
            for folder in (settings.data_dir, place):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            shutil.rmtree(stage, ignore_errors=True)
            stage.mkdir(mode=0o700)
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)
        for folder in made:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()


def _place(settings: Settings, target: Database) -> Path:
    return Path(target.url.database or "").parent if target.is_sqlite else settings.data_dir


def throw_away(settings: Settings, database: Database) -> None:
    """Delete what a killed restore left beside an installation that runs."""
    shutil.rmtree(_place(settings, database) / STAGE, ignore_errors=True)


@contextmanager
def _loaded(stage: Path, target: Database) -> Generator[Database]:
    """The restored database: SQLite's in the stage, PostgreSQL's in its place, emptied again if
    anything fails."""
    database = Database(f"sqlite:///{stage / DATABASE}") if target.is_sqlite else target
    try:
        with told("putting the database back", stage):
            put_back(stage, database)
        yield database
    except BaseException:
        if not database.is_sqlite:
            postgresql.empty(database)
        raise
    finally:
        database.close()


def _sealed(sealed: bool, wish: Wish) -> str:
    if sealed:
        return ""
    if not wish.other_keys:
        raise UnfitError(
            "The backup was made with another secret key than the one that is set, or somebody "
            "changed it. Put back the keys of the installation that made it; without them every "
            "link stops working. If they are lost for good and you know where this file comes "
            "from, say --other-keys."
        )
    return "the backup was made with another secret key: links that were sent no longer work"


def _contact_keys(manifest: Manifest, keys: Keys) -> str:
    known = {key_version(key) for key in keys.contact}
    missing = [name for name in manifest.contact_keys if name not in known]
    if not missing:
        return ""
    return (
        f"contact key {', '.join(missing)} is not set: addresses and phone numbers cannot be read "
        "until it is among SURVEYAPP_CONTACT_KEYS or in the keys folder"
    )


def _make_good(
    settings: Settings,
    keys: Keys,
    library: Library,
    database: Database,
    manifest: Manifest,
    wish: Wish,
    now: datetime,
) -> list[str]:
    """Check, migrate, write down what happened, hold, and do what was done since."""
    with told("checking and migrating the restored database", wish.path):
        migrated = check(database, manifest)
        site = assemble(_at(settings, database), keys, database, library)
        _write_down(site, manifest, wish.path, now)
        done = _after(site, now)
        if database.is_sqlite:
            copying.settle(database)
    schema = f"its schema {manifest.schema} was brought to this program's" if migrated else ""
    broken = f"its trail was broken before it was made: {manifest.fault}" if manifest.fault else ""
    return [schema, broken, *done]


def _after(site: Site, now: datetime) -> list[str]:
    try:
        return [after(site, now) for after in AFTER_RESTORE]
    except RefusedError as error:
        raise BackupError(str(error)) from error


def _at(settings: Settings, database: Database) -> Settings:
    url = database.url.render_as_string(hide_password=False)
    return settings.model_copy(update={"database_url": url})


def _write_down(site: Site, manifest: Manifest, path: Path, now: datetime) -> None:
    payload: dict[str, object] = {
        "file": path.name,
        "sha256": digest_of(path),
        "made_at": manifest.made_at.isoformat(),
        "events": manifest.events,
        "head": manifest.head,
    }
    with site.database.write() as session:
        trail.append(session, trail.SYSTEM, "backup restored", ACTOR, now, payload)
    why = f"a backup of {moment(manifest.made_at)} UTC was restored"
    if manifest.made_at > now + CLOCK_SLACK:
        why += "; this machine's clock is behind the time when it was made"
    instance.hold_restored(site, why, actor=ACTOR, now=now)


def _move_in(settings: Settings, manifest: Manifest, stage: Path, target: Database) -> None:
    """Files first; the database last, because with it the installation is there."""
    moved: list[Path] = []
    with told("putting the files in their place", settings.data_dir):
        try:
            for member in manifest.members:
                if member.path:
                    place = settings.data_dir / member.path
                    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                    moved.append(settings.data_dir / member.path.split("/")[0])
                    shutil.move(stage / member.name, place)
            if target.is_sqlite:
                file = Path(target.url.database or "")
                (stage / DATABASE).chmod(0o600)
                (stage / DATABASE).rename(file)
                sync_folder(file.parent)
        except BaseException:
            for folder in set(moved):
                shutil.rmtree(folder, ignore_errors=True)
            raise
