"""What can go wrong with a backup, in sentences for people."""

from __future__ import annotations

import errno
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from ...store.copying import FAULTS, words_of

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class BackupError(Exception):
    """It failed, or what was checked is not as it must be. Commands end with exit 1."""


class UnfitError(BackupError):
    """What was given does not fit: a key, a file, a folder. Commands end with exit 2."""


@contextmanager
def told(doing: str, path: Path) -> Generator[None]:
    """What the system and the database say of a failure, as a BackupError."""
    try:
        yield
    except OSError as error:
        raise BackupError(_sentence(error, doing, path)) from error
    except FAULTS as error:
        raise BackupError(f"While {doing}: {words_of(error)}") from error


def _sentence(error: OSError, doing: str, path: Path) -> str:
    where = error.filename or path
    if error.errno in FULL:
        return f"The disk of {where} is full: it happened while {doing}. Make room and try again."
    return f"While {doing}: {where}: {error.strerror or error}."
