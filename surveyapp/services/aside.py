"""Aside: long work in a process of its own, which tells how far it is in a folder.

Every web process sees the folder. Whoever works holds its lock, which the system takes back when
the process ends, however it ends: so work that broke off halfway is known as such.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from .site import Site

STATE, LOCK = "state.json", "lock"


def taken(lock: int) -> bool:
    """Take the lock; False when somebody else has it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_held(path: Path) -> bool:
    """Whether somebody works. Looks take the lock together, so that none hinders another."""
    try:
        with path.open() as lock:
            fcntl.flock(lock.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def throw_away(root: Path) -> bool:
    """Delete every folder of finished work below this one; False while one is being made."""
    gone = True
    for folder in root.glob("[0-9]*"):
        if (folder / LOCK).exists() and is_held(folder / LOCK):
            gone = False
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return gone


def make_private(folder: Path) -> None:
    """Make a folder, and the one above it, that nobody else of the machine can look into."""
    for path in (folder.parent, folder):
        path.mkdir(parents=True, exist_ok=True, mode=0o700)


def write_state(folder: Path, told: Mapping[str, object]) -> None:
    """Write down how far it is, whole or not at all."""
    part = folder / f".{STATE}.part"
    part.write_text(json.dumps(told), "utf-8")
    part.replace(folder / STATE)


def spawn(module: str, site: Site, order: Mapping[str, object], lock: int) -> None:
    """Begin `python -m module`, which reads its order, with the settings, from stdin.

    The process inherits the lock, so that nobody can come between. Its order holds keys, and so
    goes through a pipe. It outlives this process and ends as it likes.
    """
    url = site.database.url.render_as_string(hide_password=False)
    settings = site.settings.model_copy(update={"database_url": url})
    whole = {**order, "settings": settings.model_dump(mode="json")}
    made = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        pass_fds=[lock],
        start_new_session=True,
    )
    if made.stdin:
        with made.stdin as pipe:
            pipe.write(json.dumps(whole).encode())
    threading.Thread(target=made.wait, daemon=True).start()
