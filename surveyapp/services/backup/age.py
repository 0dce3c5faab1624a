"""The age format: a file is encrypted to a public key, and opened with the private one alone.

So whoever makes backups cannot read them, and any program that knows the format opens them
(https://age-encryption.org/v1).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import pyrage

from ..errors import InputError
from .faults import BackupError, UnfitError

_age: Any = pyrage
"""The library has no types."""

MAGIC = b"age-encryption.org/"
PRIVATE = "AGE-SECRET-KEY-1"
LARGEST_IDENTITY = 10_000


def recipient(public: str) -> Any:
    """The key to encrypt to. Raises InputError for what is none."""
    try:
        return _age.x25519.Recipient.from_str(public.strip())
    except _age.RecipientError as error:
        sentence = "The backup key must be a public key of age: it begins with age1."
        if public.strip().upper().startswith(PRIVATE):
            sentence = "That is the private key: give the public one, which begins with age1."
        raise InputError({"backup_key": sentence}) from error


def new_identity(path: Path, now: datetime) -> str:
    """Write a new private key that only its owner can read; gives the public key.

    Raises UnfitError when the file is there already, OSError when it cannot be written.
    """
    identity = _age.x25519.Identity.generate()
    public = str(identity.to_public())
    text = f"# created: {now.isoformat(timespec='seconds')}\n# public key: {public}\n{identity}\n"
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise UnfitError(f"{path} is there already: a key is never written over.") from error
    try:
        with os.fdopen(number, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink(missing_ok=True)
        raise
    return public


def identity_of(text: str) -> Any:
    """A private key by its text."""
    return _age.x25519.Identity.from_str(text)


def read_identities(path: Path) -> list[Any]:
    """The private keys in a file, as age writes it. Raises UnfitError."""
    try:
        with path.open("rb") as file:
            lines = file.read(LARGEST_IDENTITY).decode("ascii").split("\n")
        found = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
        keys = [_age.x25519.Identity.from_str(line) for line in found]
    except OSError as error:
        raise UnfitError(f"The identity file {path} cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, _age.IdentityError) as error:
        raise UnfitError(f"{path} holds no private key of age ({PRIVATE}…).") from error
    if not keys:
        raise UnfitError(f"{path} holds no private key of age ({PRIVATE}…).")
    return keys


class _Pull:
    """An iterator of bytes that reads like a file."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts, self._rest = parts, b""
        self.fault: BaseException | None = None

    def read(self, size: int) -> bytes:
        try:
            while not self._rest:
                self._rest = next(self._parts)
        except StopIteration:
            return b""
        except BaseException as error:
            self.fault = error
            raise
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken


class _Push:
    """A file that remembers why it could not be written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.fault: OSError | None = None

    def write(self, data: bytes) -> int:
        try:
            return self._file.write(data)
        except OSError as error:
            self.fault = error
            raise

    def flush(self) -> None:
        self._file.flush()


def encrypt(parts: Iterator[bytes], file: BinaryIO, key: Any) -> None:
    """Encrypt a stream as it comes. Raises what reading or writing raises."""
    pull, push = _Pull(parts), _Push(file)
    try:
        _age.encrypt_io(pull, push, [key])
    except (_age.EncryptError, OSError) as error:
        fault = pull.fault or push.fault
        raise fault or BackupError(f"It could not be encrypted: {error}.") from error


def decrypt(source: BinaryIO, file: BinaryIO, identities: list[Any]) -> None:
    """Decrypt a whole file. Raises UnfitError for a wrong key, BackupError for a damaged file,
    OSError when the result cannot be written."""
    push = _Push(file)
    try:
        _age.decrypt_io(source, push, identities)
    except _age.DecryptError as error:
        if "No matching keys" in str(error):
            raise UnfitError("This key does not open the backup: it is another one's.") from error
        raise BackupError("The backup is damaged or cut short at its beginning.") from error
    except OSError as error:
        if push.fault is not None:
            raise push.fault from error
        if error.errno is not None:
            raise
        raise BackupError("The backup is damaged or cut short: it does not open whole.") from error
