"""`surveyapp backup`, `backup-key`, `restore`, `drill`: the data kept safe elsewhere."""

from __future__ import annotations

import argparse
import contextlib
import signal
from collections.abc import Generator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from .opening import now, opened_site, set_up_faults, settings
from .parsing import Commands
from .saying import CommandError, result, say

if TYPE_CHECKING:
    from ..config import Keys, Settings

NEWEST = "newest"


def add(commands: Commands) -> None:
    _add_backup(commands)
    _add_key(commands)
    _add_restore(commands)
    _add_drill(commands)


def _add_backup(commands: Commands) -> None:
    parser = commands.add_parser(
        "backup",
        help="write a backup to a file, while everything runs",
        description="One moment of everything, encrypted to SURVEYAPP_BACKUP_KEY, else to the "
        "installation's own keys. Prints the file's SHA-256.",
    )
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--unencrypted", action="store_true", help="anybody can read it")
    parser.set_defaults(run=_backup)


def _add_key(commands: Commands) -> None:
    key = commands.add_parser("backup-key", help="the key that backups are encrypted to")
    new = key.add_subparsers(title="commands", metavar="COMMAND", required=True).add_parser(
        "new",
        help="make one: the private key goes to a file, the public one is printed",
        description="Set the public key as SURVEYAPP_BACKUP_KEY. Keep the file away from this "
        "machine, in two places: without it no backup can be restored.",
    )
    new.add_argument("-o", "--output", type=Path, required=True, metavar="FILE")
    new.set_defaults(run=_new_key)


def _add_restore(commands: Commands) -> None:
    parser = commands.add_parser(
        "restore",
        help="put a backup into an empty data folder; nothing is sent until somebody says so",
    )
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--identity", type=Path, metavar="FILE", help="the file of the private key")
    parser.add_argument(
        "--other-keys",
        action="store_true",
        help="the keys of the installation that made it are lost",
    )
    parser.set_defaults(run=_restore)


def _add_drill(commands: Commands) -> None:
    parser = commands.add_parser(
        "drill",
        help="restore a backup into a folder that goes again, with every check",
        description="Needs no installation: it runs where the private key is. With SURVEYAPP_"
        "DATABASE_URL set to PostgreSQL, a backup of PostgreSQL is loaded into a database there.",
    )
    parser.add_argument("--identity", type=Path, required=True, metavar="FILE")
    parser.add_argument(
        "file", nargs="?", default=NEWEST, help="default: the newest in SURVEYAPP_BACKUP_DIR"
    )
    parser.set_defaults(run=_drill)


@contextlib.contextmanager
def _ended_tidily() -> Generator[None]:
    """Whoever ends the command or its terminal leaves nothing unencrypted behind."""
    asked = [s for s in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(s) is signal.SIG_DFL]
    for number in asked:
        signal.signal(number, _end)
    try:
        yield
    finally:
        for number in asked:
            signal.signal(number, signal.SIG_DFL)


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


@contextlib.contextmanager
def _faults() -> Generator[None]:
    """Sentences and exit codes of what can go wrong with a backup."""
    from ..services.backup.faults import BackupError, UnfitError

    try:
        with _ended_tidily(), set_up_faults():
            yield
    except UnfitError as error:
        raise CommandError(str(error)) from error
    except BackupError as error:
        raise CommandError(str(error), 1) from error
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise CommandError(f"{where}{error.strerror or error}", 1) from error


def _backup(arguments: argparse.Namespace) -> int:
    from ..services.backup import age
    from ..services.backup.archive import megabytes
    from ..services.backup.making import make
    from ..services.backup.own import own_identity

    with _faults(), opened_site(checkpoints=False) as site:
        public = site.settings.backup_key
        key = age.recipient(public) if public else own_identity(site.keys).to_public()
        if not public and not arguments.unencrypted:
            say("SURVEYAPP_BACKUP_KEY is not set: only this installation's own keys open the file")
        key = None if arguments.unencrypted else key
        made = make(site, arguments.file, key, actor="command", now=now())
    if made.manifest.fault:
        say(f"the trail is broken: {made.manifest.fault}")
    say(
        f"wrote {made.path}: {megabytes(made.size)}, {made.manifest.events:,} events, "
        f"schema {made.manifest.schema}, in {made.seconds:.1f} s"
    )
    result(made.sha256)
    return 0


def _new_key(arguments: argparse.Namespace) -> int:
    from ..services.backup import age

    path: Path = arguments.output
    with _faults():
        data = settings().data_dir.resolve()
        if path.resolve().is_relative_to(data):
            raise CommandError(f"Keep the private key outside of the data folder {data}.")
        public = age.new_identity(path, now())
    say(f"the private key is in {path}: keep it in two places away from this machine")
    say("set SURVEYAPP_BACKUP_KEY to the public key:")
    result(public)
    return 0


def _restore(arguments: argparse.Namespace) -> int:
    from ..services.backup.restoring import Wish, restore
    from ..study.library import load_library

    wish = Wish(arguments.file, arguments.identity, arguments.other_keys)
    own = settings()
    with _faults():
        keys = _keys(own, wish.other_keys)
        restored = restore(own, keys, load_library(own.instruments), wish, now())
    for sentence in restored.said:
        say(sentence)
    say(
        f"restored into {own.data_dir}: {restored.manifest.events:,} events, the trail and all "
        "counts are as they were"
    )
    say("messages are held: sign in, put in what happened since, then choose See what to do")
    result(restored.manifest.head)
    return 0


def _keys(own: Settings, other: bool) -> Keys:
    from ..config import SettingsError, load_keys, make_keys

    if other:
        make_keys(own)
    try:
        return load_keys(own)
    except SettingsError as error:
        raise CommandError(
            f"Put the keys back first: into {own.keys_folder}, or as SURVEYAPP_SECRET_KEY and "
            "SURVEYAPP_CONTACT_KEYS. They are never in a backup. If they are lost for good, say "
            "--other-keys."
        ) from error


def _drill(arguments: argparse.Namespace) -> int:
    from ..services.backup.drill import Means, a_while, drill
    from ..store.database import Database

    own = settings()
    with _faults():
        path = _which(arguments.file, own)
        server = Database(own.database) if own.database_url else None
        try:
            with a_while() as folder:
                drilled = drill(path, Means(arguments.identity, server=server), folder)
        finally:
            if server is not None:
                server.close()
    say(f"took {drilled.seconds:.1f} s")
    result(f"{path.name} {drilled.words}")
    return 0


def _which(name: str, own: Settings) -> Path:
    from ..services.backup.drill import newest

    if name != NEWEST:
        return Path(name)
    if own.backup_dir is None:
        raise CommandError("Name a file, or set SURVEYAPP_BACKUP_DIR.")
    return newest(own.backup_dir)
