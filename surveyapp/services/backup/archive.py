"""The archive: a tar of the manifest, its seal and the members in the manifest's order, packed.

Reading trusts nothing: every block is judged before it is used, names lead nowhere, and no more
bytes are taken than the manifest says.
"""

from __future__ import annotations

import gzip
import hashlib
import hmac
import os
import shutil
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from .faults import BackupError, UnfitError
from .manifest import MANIFEST, SEAL, Manifest, Member, from_bytes, seal

BLOCK = 512
CHUNK = 1 << 20
LEVEL = 1
GZIP = b"\x1f\x8b"
GZIP_WINDOW = 31
LARGEST_MANIFEST = 8 << 20
LARGEST_SEAL = 200
DAMAGED = "The backup is damaged or cut short"


def packed(
    head: bytes, sealed: bytes, files: Sequence[tuple[Member, Path]], at: datetime
) -> Iterator[bytes]:
    """The archive's bytes. Raises OSError, and BackupError when a file changed meanwhile."""
    squeeze = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP_WINDOW)
    for part in _tar(head, sealed, files, at):
        yield squeeze.compress(part)
    yield squeeze.flush()


def _tar(
    head: bytes, sealed: bytes, files: Sequence[tuple[Member, Path]], at: datetime
) -> Iterator[bytes]:
    for name, body in ((MANIFEST, head), (SEAL, sealed)):
        yield _header(name, len(body), at) + body + _padding(len(body))
    for member, path in files:
        yield _header(member.name, member.size, at)
        taken = 0
        with path.open("rb") as file:
            while part := file.read(CHUNK):
                taken += len(part)
                yield part
        if taken != member.size:
            raise BackupError(f"{path} changed while it was packed.")
        yield _padding(taken)
    yield bytes(2 * BLOCK)


def _header(name: str, size: int, at: datetime) -> bytes:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime, entry.mode = size, int(at.timestamp()), 0o600
    return entry.tobuf(tarfile.GNU_FORMAT)


def _padding(size: int) -> bytes:
    return bytes(-size % BLOCK)


def unpack(path: Path, folder: Path, key: bytes | None) -> tuple[Manifest, bool]:
    """Write the members of a packed file into an empty folder, under their names in the manifest.

    Gives the manifest and whether it was sealed with `key`. Raises BackupError, UnfitError,
    OSError.
    """
    try:
        with gzip.GzipFile(path) as stream:
            manifest, sealed = _begin(stream, key)
            _make_sure_of_room(manifest, folder)
            for member in manifest.members:
                _take(stream, member, folder / member.name)
            _end(stream)
    except (EOFError, zlib.error, gzip.BadGzipFile, tarfile.HeaderError) as error:
        raise BackupError(f"{DAMAGED}.") from error
    return manifest, sealed


def _begin(stream: gzip.GzipFile, key: bytes | None) -> tuple[Manifest, bool]:
    size = _entry(stream, MANIFEST)
    if size > LARGEST_MANIFEST:
        raise BackupError(f"{DAMAGED}: its manifest is far too long.")
    body = _body(stream, size)
    length = _entry(stream, SEAL)
    if length > LARGEST_SEAL:
        raise BackupError(f"{DAMAGED}: its seal is far too long.")
    found = _body(stream, length)
    sealed = key is not None and hmac.compare_digest(found, seal(body, key))
    return from_bytes(body), sealed


def _make_sure_of_room(manifest: Manifest, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if manifest.size > free:
        raise BackupError(
            f"The disk of {folder} is full: {megabytes(manifest.size)} are needed and "
            f"{megabytes(free)} are free."
        )


def megabytes(size: int) -> str:
    """14 kB, 3.2 MB, 1,204.0 MB"""
    return f"{size / 1e6:,.1f} MB" if size >= 1_000_000 else f"{size / 1e3:,.0f} kB"


def _entry(stream: gzip.GzipFile, name: str) -> int:
    """The size of the next member, which must be a plain file of this name."""
    block = stream.read(BLOCK)
    if len(block) < BLOCK:
        raise EOFError
    if not block.strip(b"\0"):
        raise BackupError(f"{DAMAGED}: {name} is missing.")
    entry = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    if entry.name != name or entry.type != tarfile.REGTYPE or entry.size < 0:
        if name == MANIFEST:
            raise UnfitError("This is not a backup of surveyapp.")
        raise BackupError(f"{DAMAGED}: {name} is not where it belongs.")
    return entry.size


def _body(stream: gzip.GzipFile, size: int) -> bytes:
    body = stream.read(size)
    _skip_padding(stream, size)
    if len(body) < size:
        raise EOFError
    return body


def _skip_padding(stream: gzip.GzipFile, size: int) -> None:
    if stream.read(-size % BLOCK).strip(b"\0"):
        raise BackupError(f"{DAMAGED}.")


def _take(stream: gzip.GzipFile, member: Member, path: Path) -> None:
    if _entry(stream, member.name) != member.size:
        raise BackupError(f"{DAMAGED}: {member.name} has another size than its manifest says.")
    left, digest = member.size, hashlib.sha256()
    with path.open("xb") as file:
        while left:
            part = stream.read(min(left, CHUNK))
            if not part:
                raise EOFError
            digest.update(part)
            file.write(part)
            left -= len(part)
        file.flush()
        os.fsync(file.fileno())
    _skip_padding(stream, member.size)
    if digest.hexdigest() != member.sha256:
        raise BackupError(f"{DAMAGED}: {member.name} is not what its manifest says.")


def _end(stream: gzip.GzipFile) -> None:
    if stream.read(2 * BLOCK) != bytes(2 * BLOCK) or stream.read(1):
        raise BackupError(f"{DAMAGED}: it holds more than its manifest says.")
