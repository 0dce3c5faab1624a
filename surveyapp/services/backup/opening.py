"""Opening a backup: from one encrypted file to its members in a folder, all of them judged."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from . import age
from .archive import GZIP, unpack
from .faults import UnfitError, told
from .manifest import Manifest

PACKED = "packed"


def is_encrypted(path: Path) -> bool:
    """By its first bytes. Raises UnfitError for what is no backup at all."""
    with told("reading the backup", path):
        if not path.is_file():
            raise UnfitError(f"There is no file {path}.")
        with path.open("rb") as file:
            begin = file.read(len(age.MAGIC))
    if begin == age.MAGIC:
        return True
    if begin.startswith(GZIP):
        return False
    raise UnfitError(f"{path} is not a backup of surveyapp.")


def open_into(
    path: Path, identity: Path | None, folder: Path, key: bytes | None
) -> tuple[Manifest, bool]:
    """Write a backup's members into an empty folder; gives the manifest, and whether it was sealed
    with `key`. Raises UnfitError, BackupError; then the folder may hold parts."""
    with told("opening the backup", folder), _decrypted(path, identity, folder) as packed:
        return unpack(packed, folder, key)


@contextmanager
def _decrypted(path: Path, identity: Path | None, folder: Path) -> Generator[Path]:
    if not is_encrypted(path):
        yield path
        return
    if identity is None:
        raise UnfitError("The backup is encrypted: name the file of its key with --identity.")
    keys = age.read_identities(identity)
    packed = folder / PACKED
    try:
        with path.open("rb") as source, packed.open("xb") as file:
            age.decrypt(source, file, keys)
        yield packed
    finally:
        packed.unlink(missing_ok=True)
