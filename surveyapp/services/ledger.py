"""The ledger of erasures: a file outside the database and its backups, written before an erasure is
committed.

After a restore it tells who was erased since the backup. It names nobody: a line holds a keyed hash
of the study code. Each line is hashed, with a key, together with the one before it, so that one
that is lost or changed is named; one lost at the end is known by the database, which keeps every
line's hash.
"""

from __future__ import annotations

import contextlib
import fcntl
import hmac
import json
import os
from collections.abc import Generator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from ..config import sync_folder
from .errors import RefusedError
from .site import Site

FILE = "erasures.jsonl"
START = "0" * 64


@dataclass(frozen=True)
class Line:
    """`person` is a keyed hash of the study code; `hash` is over the rest."""

    at: str
    person: str
    kind: str
    reason: str
    by: str
    kept: bool
    previous: str
    hash: str = ""


@dataclass(frozen=True)
class Ledger:
    """The lines that can be read, in their order, and what is wrong with it, in sentences."""

    lines: tuple[Line, ...] = ()
    faults: tuple[str, ...] = ()


def path_of(site: Site) -> Path:
    return site.settings.ledger_folder / FILE


def person_hash(site: Site, code: str) -> str:
    """How the ledger, the trail and the database know an erased person."""
    return hmac.new(_key(site), f"person|{code.lower()}".encode(), "sha256").hexdigest()


def _key(site: Site) -> bytes:
    return site.keys.derive("erasures")


def _hash(site: Site, line: Line) -> str:
    fields = {name: value for name, value in asdict(line).items() if name != "hash"}
    body = json.dumps(fields, sort_keys=True, ensure_ascii=False)
    return hmac.new(_key(site), f"line|{body}".encode(), "sha256").hexdigest()


def read(site: Site) -> Ledger:
    """What stands in it; empty where there is none. Raises RefusedError when it cannot be read."""
    path = path_of(site)
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return Ledger()
    except OSError as error:
        raise RefusedError(f"The ledger {path} cannot be read: {error.strerror}.") from error
    return _read(site, text)


def _read(site: Site, text: bytes) -> Ledger:
    lines: list[Line] = []
    faults: list[str] = []
    previous = START
    *whole, rest = text.split(b"\n")
    for number, raw in enumerate(whole, start=1):
        line = _parsed(site, raw)
        if line is None:
            faults.append(
                f"Line {number} of the ledger was changed, is damaged, or is another secret key's."
            )
            continue
        if line.previous != previous:
            faults.append(f"Before line {number} of the ledger a line is missing or was changed.")
        lines.append(line)
        previous = line.hash
    if rest:
        faults.append(f"Line {len(whole) + 1} of the ledger is cut off; it was never in force.")
    return Ledger(tuple(lines), tuple(faults))


def _parsed(site: Site, raw: bytes) -> Line | None:
    try:
        fields: dict[str, Any] = json.loads(raw)
        line = Line(**fields)
        datetime.fromisoformat(line.at)
    except (ValueError, TypeError):
        return None
    return line if hmac.compare_digest(line.hash, _hash(site, line)) else None


def append(site: Site, line: Line) -> Line:
    """Write a line so that it outlives a power cut; with its hash. Raises RefusedError, and then
    the ledger is as it was."""
    path = path_of(site)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _opened(path) as file:
            return _append(site, file, line)
    except OSError as error:
        raise RefusedError(
            f"The ledger {path} cannot be written: {error.strerror}. Nothing was erased."
        ) from error


@contextlib.contextmanager
def _opened(path: Path) -> Generator[int]:
    """The file, to this process alone."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file
    finally:
        os.close(file)


def _append(site: Site, file: int, line: Line) -> Line:
    text = os.pread(file, os.fstat(file).st_size, 0)
    end = text.rfind(b"\n") + 1  # what is cut off behind was never in force
    known = _read(site, text[:end]).lines
    linked = replace(line, previous=known[-1].hash if known else START)
    whole = replace(linked, hash=_hash(site, linked))
    body = json.dumps(asdict(whole), sort_keys=True, ensure_ascii=False).encode() + b"\n"
    os.ftruncate(file, end)
    try:
        written = os.pwrite(file, body, end)
        if written != len(body):
            raise OSError(28, "no space is left")
        os.fsync(file)
    except OSError:
        os.ftruncate(file, end)
        raise
    sync_folder(path_of(site).parent)
    return whole
