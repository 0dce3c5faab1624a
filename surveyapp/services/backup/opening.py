"""Opening a backup: from one encrypted file to its members in a folder, all of them judged."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from . import age
from .archive import GZIP, unpack
from .faults import UnfitError, told
from .manifest import Manifest

PACKED = "packed"
NAME_IT = "The backup is encrypted: name the file of its key with --identity."


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
    path: Path, identity: Path | None, folder: Path, key: bytes | None, own: Any = None
) -> tuple[Manifest, bool]:
    """Write a backup's members into an empty folder; gives the manifest, and whether it was sealed
    with `key`. Without the file of an `identity` the installation's `own` is tried.

    Raises UnfitError, BackupError; then the folder may hold parts.
    """
    with told("opening the backup", folder), _decrypted(path, identity, folder, own) as packed:
        return unpack(packed, folder, key)


@contextmanager
def _decrypted(path: Path, identity: Path | None, folder: Path, own: Any) -> Generator[Path]:
    if not is_encrypted(path):
        yield path
        return
    if identity is None and own is None:
        raise UnfitError(NAME_IT)
    keys = age.read_identities(identity) if identity else [own]
    packed = folder / PACKED
    try:
        with path.open("rb") as source, packed.open("xb") as file:
            _open(source, file, keys, named=identity is not None)
        yield packed
    finally:
        packed.unlink(missing_ok=True)


def _open(source: BinaryIO, file: BinaryIO, keys: list[Any], *, named: bool) -> None:
    try:
        age.decrypt(source, file, keys)
    except UnfitError as error:
        raise error if named else UnfitError(NAME_IT) from error
