"""The workplace: a folder in the data folder where one backup or drill at a time is worked on.

What lies there is not encrypted, so it is where the data lie anyway, and goes with the work.
Whoever works holds the folder's lock, which the system takes back when the process ends, however it
ends; the next one clears what was left.
"""

from __future__ import annotations

import fcntl
import shutil
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from .faults import BackupError, told

FOLDER, LOCK = "backup-work", "lock"
LOOKS_SECONDS = 0.5
BUSY = "A backup or a drill is being made here already. Try again when it is done."


@contextmanager
def workplace(data_dir: Path) -> Generator[Path]:
    """An empty folder, gone afterwards. Raises BackupError when somebody else works there."""
    root = data_dir / FOLDER
    with told("making room to work", root):
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (root / LOCK).open("w")
    with lock:
        _take(lock)
        _clear(root)
        folder = root / "now"
        with told("making room to work", root):
            folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            _clear(root)


def _take(lock: TextIO) -> None:
    """Have the lock. Somebody who only looks has it for a moment, so it is tried for a while."""
    end = time.monotonic() + LOOKS_SECONDS
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > end:
                raise BackupError(BUSY) from error
            time.sleep(0.01)  # between two tries; the lock decides


def is_busy(data_dir: Path) -> bool:
    """Whether somebody works there now."""
    try:
        with (data_dir / FOLDER / LOCK).open() as lock:
            fcntl.flock(lock.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def throw_away(data_dir: Path) -> bool:
    """Delete what a killed backup or drill left; False while somebody works there."""
    root = data_dir / FOLDER
    if not root.is_dir():
        return True
    with (root / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        _clear(root)
    return True


def _clear(root: Path) -> None:
    for left in root.iterdir():
        if left.name != LOCK:
            shutil.rmtree(left, ignore_errors=True)
