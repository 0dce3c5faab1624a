"""All session PDFs of a retreat in one ZIP, drawn on every core.

A web process only starts it: `python -m surveyapp.services.batch` makes it, and tells how far it is
in a folder that every web process sees. Whoever makes it holds the folder's lock, which the system
takes back when the process ends, however it ends. So two people cannot start the same one, and
work that broke off halfway is known as such. Files hold answers: they go after a day.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import sys
import threading
import zipfile
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from ..config import Paper, Settings
from ..reports.pdf import Renderer
from ..store import trail
from ..store.records import load_people, retreat_by_name
from . import aside, reporting
from .aside import LOCK, STATE
from .enrolment import the_retreat
from .errors import NotFoundError, RefusedError
from .site import Site, open_site

KEPT = timedelta(days=1)
ZIP = "session-pdfs.zip"
PRINTED = (1980, 1, 1, 0, 0, 0)
"""One date for every file within, so that the same data give the same bytes."""


@dataclass(frozen=True)
class Wish:
    """Whose reports, by study code, and how; `language` empty for each person's own."""

    codes: tuple[str, ...]
    language: str
    actor: str
    now: datetime
    paper: Paper | None = None


@dataclass(frozen=True)
class Progress:
    """How far it is; `errors` are pairs of study code and sentence."""

    total: int
    started: str
    made: int = 0
    making: tuple[str, ...] = ()
    errors: tuple[tuple[str, str], ...] = ()
    finished: bool = False
    running: bool = False

    @property
    def broke_off(self) -> bool:
        return not self.finished and not self.running


Tell = Callable[[Progress], None]
Renderers = Sequence[Renderer]


def codes(site: Site, retreat_id: int) -> tuple[str, ...]:
    """The study codes of a retreat's people. Raises NotFoundError."""
    with site.database.read() as session:
        the_retreat(session, retreat_id)
        return tuple(p.code for p in load_people(session, site.library, retreat_id))


def codes_of(site: Site, name: str) -> tuple[str, ...]:
    """The same of a retreat's name. Raises NotFoundError."""
    with site.database.read() as session:
        retreat = retreat_by_name(session, name)
    if retreat is None:
        raise NotFoundError(f"There is no retreat {name!r}.")
    return codes(site, retreat.id)


@contextmanager
def renderers(count: int = 0) -> Generator[Renderers]:
    """One renderer for each core, or `count`."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2
    with ExitStack() as stack:
        yield [stack.enter_context(Renderer()) for _ in range(count or cores)]


def make_zip(site: Site, wish: Wish, path: Path, pool: Renderers, tell: Tell) -> Progress:
    """Draw the reports and write them to `path`; a report that cannot be drawn is named, the others
    are made. Each one made is in the trail. Raises OSError."""
    board = _Board(Progress(len(wish.codes), wish.now.isoformat()), tell)
    idle: queue.SimpleQueue[Renderer] = queue.SimpleQueue()
    for renderer in pool:
        idle.put(renderer)
    with ThreadPoolExecutor(len(pool)) as hands:
        drawn = hands.map(partial(_draw, site, wish, idle, board), wish.codes)
        _write(path, [found for found in drawn if found])
    return board.finish()


class _Board:
    """Counts what is made, from several threads, and tells it."""

    def __init__(self, progress: Progress, tell: Tell) -> None:
        self._progress, self._tell, self._lock = progress, tell, threading.Lock()
        tell(progress)

    def begin(self, code: str) -> None:
        with self._lock:
            self._say(replace(self._progress, making=(*self._progress.making, code)))

    def end(self, code: str, error: str = "") -> None:
        with self._lock:
            old = self._progress
            errors = (*old.errors, (code, error)) if error else old.errors
            making = tuple(c for c in old.making if c != code)
            self._say(replace(old, made=old.made + (not error), making=making, errors=errors))

    def finish(self) -> Progress:
        with self._lock:
            self._say(replace(self._progress, finished=True))
        return self._progress

    def _say(self, progress: Progress) -> None:
        self._progress = progress
        self._tell(progress)


def _draw(
    site: Site, wish: Wish, idle: queue.SimpleQueue[Renderer], board: _Board, code: str
) -> tuple[str, bytes] | None:
    renderer = idle.get()
    board.begin(code)
    try:
        report = reporting.participant_report(site, code, wish.now, wish.language, wish.paper)
        body = reporting.make_pdf(site, report, actor=wish.actor, now=wish.now, renderer=renderer)
    except (RefusedError, NotFoundError) as error:
        board.end(code, str(error))
        return None
    finally:
        idle.put(renderer)
    board.end(code)
    return report.filename, body


def _write(path: Path, files: Sequence[tuple[str, bytes]]) -> None:
    """Whole or not at all; what is in a PDF is packed already."""
    part = path.with_name(f".{path.name}.part")
    with zipfile.ZipFile(part, "w") as packed:
        for name, body in files:
            packed.writestr(zipfile.ZipInfo(name, PRINTED), body)
    part.replace(path)


def start(site: Site, retreat_id: int, language: str, *, actor: str, now: datetime) -> bool:
    """Begin in a process of its own; False when it is being made already. Raises NotFoundError."""
    wish = Wish(codes(site, retreat_id), language, actor, now)
    tidy(site, now)
    folder = _folder(site, retreat_id)
    aside.make_private(folder)
    with (folder / LOCK).open("w") as lock:
        if not aside.taken(lock.fileno()):
            return False
        (folder / ZIP).unlink(missing_ok=True)
        tell(site, retreat_id, Progress(len(wish.codes), now.isoformat()))
        order = {"wish": {**asdict(wish), "now": wish.now.isoformat()}, "folder": str(folder)}
        aside.spawn(__name__, site, order, lock.fileno())
    return True


def tell(site: Site, retreat_id: int, told: Progress) -> None:
    """Write down how far it is."""
    folder = _folder(site, retreat_id)
    aside.make_private(folder)
    (folder / LOCK).touch()
    _tell_into(folder)(told)


def progress(site: Site, retreat_id: int, now: datetime) -> Progress | None:
    """How far the newest one is; None when there is none, or it is older than a day."""
    folder = _folder(site, retreat_id)
    try:
        running = aside.is_held(folder / LOCK)
        found: dict[str, Any] = json.loads((folder / STATE).read_text("utf-8"))
    except FileNotFoundError:
        return None
    found |= {"making": tuple(found["making"]), "errors": tuple((c, e) for c, e in found["errors"])}
    told = Progress(**found)
    return None if _is_old(told, now) else replace(told, running=running and not told.finished)


def zip_of(site: Site, retreat_id: int, now: datetime) -> Path:
    """The finished file. Raises NotFoundError."""
    found, path = progress(site, retreat_id, now), _folder(site, retreat_id) / ZIP
    if found is None or not found.finished or not path.exists():
        raise NotFoundError("The session PDFs are not there, or not any more: make them again.")
    return path


def take_zip(site: Site, retreat_id: int, *, actor: str, now: datetime) -> Path:
    """The finished file, for somebody: that it was fetched is on record. Raises NotFoundError."""
    path = zip_of(site, retreat_id, now)
    with site.database.write() as session:
        payload: dict[str, object] = {"retreat": the_retreat(session, retreat_id).name}
        trail.append(session, trail.SYSTEM, "session PDFs fetched", actor, now, payload)
    return path


def tidy(site: Site, now: datetime) -> None:
    """Delete what is older than a day and not being made."""
    for folder in _root(site).glob("[0-9]*"):
        old = folder / STATE
        if old.exists() and not aside.is_held(folder / LOCK):
            started = datetime.fromisoformat(json.loads(old.read_text("utf-8"))["started"])
            if now - started >= KEPT:
                shutil.rmtree(folder, ignore_errors=True)


def throw_away(site: Site) -> bool:
    """Delete all of them, after somebody was erased; False while one is being made."""
    return aside.throw_away(_root(site))


def _root(site: Site) -> Path:
    return site.settings.data_dir / "session-pdfs"


def _folder(site: Site, retreat_id: int) -> Path:
    return _root(site) / str(retreat_id)


def _is_old(told: Progress, now: datetime) -> bool:
    return now - datetime.fromisoformat(told.started) >= KEPT


def _tell_into(folder: Path) -> Tell:
    return lambda told: aside.write_state(folder, asdict(told))


def main() -> None:
    """The process that makes one: its order comes on stdin."""
    order: dict[str, Any] = json.load(sys.stdin)
    given: dict[str, Any] = order["wish"]
    given |= {"codes": tuple(given["codes"]), "now": datetime.fromisoformat(given["now"])}
    wish = Wish(**given)
    folder = Path(order["folder"])
    site = open_site(Settings(**order["settings"]), checkpoints=False)
    with renderers() as pool:
        make_zip(site, wish, folder / ZIP, pool, _tell_into(folder))
    site.database.close()


if __name__ == "__main__":
    main()
