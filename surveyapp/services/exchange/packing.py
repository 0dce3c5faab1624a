"""Packing: the export as a ZIP for analysts, made aside and fetched from its page.

A web process only starts it: `python -m surveyapp.services.exchange.packing` makes it. Each account
has one folder, so that nobody fetches what another was allowed to see. Files go after a day.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ...config import Settings
from ...store import scopes
from ...store.scopes import Scope
from .. import aside
from ..errors import InputError, NotFoundError, RefusedError
from ..site import Site, open_site
from .exporting import Part, export_folder
from .pseudonymous import PSEUDONYMOUS

KEPT = timedelta(days=1)
ZIP = "export.zip"
PACKED = (1980, 1, 1, 0, 0, 0)
"""One date for every file within, so that the same data give the same bytes."""
CHOOSE = "Choose at least one retreat."


@dataclass(frozen=True)
class Progress:
    """How far it is: of `people` who are asked for, `done` are written; `fault` says why it ended
    without a file."""

    started: str
    retreats: tuple[int, ...]
    done: int = 0
    finished: bool = False
    running: bool = False
    fault: str = ""

    @property
    def broke_off(self) -> bool:
        return not self.finished and not self.running


def chosen(site: Site, what: str, picked: Collection[int], scope: Scope) -> frozenset[int]:
    """The retreats to export: of every `practice` or `live` study, or those `picked`, and of them
    those within the scope. Raises InputError where that is none."""
    with site.database.read() as session:
        found = scopes.of_mode(session, what) if what in ("practice", "live") else set(picked)
    wanted = frozenset(found if scope is None else found & scope)
    if not wanted:
        raise InputError({"retreats" if what == "picked" else "what": CHOOSE})
    return wanted


def start(
    site: Site, account: int, retreats: Collection[int], *, actor: str, now: datetime
) -> bool:
    """Begin in a process of its own; False when this account's is being made already."""
    tidy(site, now)
    folder = _folder(site, account)
    aside.make_private(folder)
    with (folder / aside.LOCK).open("w") as lock:
        if not aside.taken(lock.fileno()):
            return False
        (folder / ZIP).unlink(missing_ok=True)
        first = Progress(now.isoformat(), tuple(sorted(retreats)))
        aside.write_state(folder, asdict(first))
        order = {"progress": asdict(first), "actor": actor, "folder": str(folder)}
        aside.spawn(__name__, site, order, lock.fileno())
    return True


def progress(site: Site, account: int, now: datetime) -> Progress | None:
    """How far this account's newest one is; None when there is none, or it is older than a day."""
    folder = _folder(site, account)
    try:
        running = aside.is_held(folder / aside.LOCK)
        told = _read(folder)
    except FileNotFoundError:
        return None
    old = now - datetime.fromisoformat(told.started) >= KEPT
    return None if old else replace(told, running=running and not told.finished)


def zip_of(site: Site, account: int, scope: Scope, now: datetime) -> Path:
    """The finished file, while the account still has every retreat in it. Raises NotFoundError."""
    found, path = progress(site, account, now), _folder(site, account) / ZIP
    theirs = found is not None and (scope is None or scope.issuperset(found.retreats))
    if found is None or not theirs or not found.finished or not path.exists():
        raise NotFoundError("The export is not there, or not any more: make it again.")
    return path


def tidy(site: Site, now: datetime) -> None:
    """Delete what is older than a day and not being made."""
    for folder in _root(site).glob("[0-9]*"):
        if not (folder / aside.STATE).exists() or aside.is_held(folder / aside.LOCK):
            continue
        if now - datetime.fromisoformat(_read(folder).started) >= KEPT:
            shutil.rmtree(folder, ignore_errors=True)


def throw_away(site: Site) -> bool:
    """Delete all of them, after somebody was erased; False while one is being made."""
    return aside.throw_away(_root(site))


def make_zip(site: Site, path: Path, part: Part, *, actor: str, now: datetime) -> None:
    """Write the tables beside `path` and pack them: whole or not at all. Raises RefusedError."""
    with tempfile.TemporaryDirectory(prefix=".export-", dir=path.parent) as beside:
        folder = Path(beside) / "export"
        export_folder(site, folder, now, actor, part)
        packed = Path(beside) / ZIP
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
            for file in sorted(folder.iterdir()):
                made.writestr(_entry(file.name), file.read_bytes())
        packed.replace(path)


def _entry(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, PACKED)
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def _root(site: Site) -> Path:
    return site.settings.data_dir / "exports"


def _folder(site: Site, account: int) -> Path:
    return _root(site) / str(account)


def _read(folder: Path) -> Progress:
    return _progress(json.loads((folder / aside.STATE).read_text("utf-8")))


def _progress(told: dict[str, Any]) -> Progress:
    told["retreats"] = tuple(told["retreats"])
    return Progress(**told)


def _teller(folder: Path, first: Progress) -> Callable[[int], None]:
    """Tells of every fiftieth person."""

    def tell(count: int) -> None:
        if count % 50 == 1:
            aside.write_state(folder, asdict(replace(first, done=count)))

    return tell


def main() -> None:
    """The process that makes one: its order comes on stdin."""
    order: dict[str, Any] = json.load(sys.stdin)
    folder = Path(order["folder"])
    first = _progress(order["progress"])
    site = open_site(Settings(**order["settings"]), checkpoints=False)
    part = Part(frozenset(first.retreats), PSEUDONYMOUS, _teller(folder, first))
    try:
        now = datetime.fromisoformat(first.started)
        make_zip(site, folder / ZIP, part, actor=order["actor"], now=now)
        last = replace(first, finished=True)
    except RefusedError as error:
        last = replace(first, fault=str(error))
    aside.write_state(folder, asdict(last))
    site.database.close()


if __name__ == "__main__":
    main()
