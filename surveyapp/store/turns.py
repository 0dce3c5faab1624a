"""Turns: writers to one SQLite file wait for each other without sleeping too long.

SQLite's own waiting sleeps longer and longer (1 to 100 ms), so that two busy web processes spend
more time asleep than writing. A file lock beside the database is looked at far more often. It is
a courtesy and no safeguard: whoever cannot have it goes on, and `BEGIN IMMEDIATE` decides.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

LOOK_SECONDS = 0.0001
WAIT_SECONDS = 20.0


@contextmanager
def turn(path: Path) -> Generator[None]:
    """Hold the lock file at `path`, which the system lets go of when the process ends."""
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        yield
        return
    try:
        _wait_for(lock)
        yield
    finally:
        os.close(lock)


def _wait_for(lock: int) -> None:
    end = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            # The kernel can wait without end or not at all; between the two lies looking often.
            time.sleep(LOOK_SECONDS)
        else:
            return
