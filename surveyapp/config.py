"""Where the program finds its settings, its keys and the data it ships with.

Settings come from the environment, `SURVEYAPP_…`. Keys come from there too, else from KEYS_DIR;
they are never in DATA_DIR, so that a copy of the data is not a copy of the keys.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from .resources import resource as resource

Paper = Literal["a4", "letter"]

KEY_BYTES = 32
SECRET_FILE, CONTACT_FILE = "secret_key", "contact_keys"


class SettingsError(ValueError):
    """A setting or key is missing or wrong; the message is a sentence for people."""


class Settings(BaseSettings):
    """Every setting and its default; docs/operators.md explains each."""

    model_config = SettingsConfigDict(env_prefix="SURVEYAPP_", extra="ignore")

    database_url: str = ""
    public_url: str = ""
    data_dir: Path = Path("surveyapp-data")
    keys_dir: Path | None = None
    secret_key: str = ""
    contact_keys: str = ""
    smtp_url: str = "smtp://127.0.0.1:25"
    sms_url: str = ""
    ping_url: str = ""
    mail_from: str = "checkin@localhost"
    site_name: str = "Check-ins"
    trusted_proxies: int = 0
    instruments_dir: Path | None = None
    paper: Paper = "a4"
    backup_dir: Path | None = None
    backup_key: str = ""
    backup_hours: int = 24
    drill_identity: Path | None = None
    head_mail: str = ""
    head_dir: Path | None = None
    ledger_dir: Path | None = None

    @property
    def database(self) -> str:
        """The database's URL; by default a SQLite file in the data folder."""
        return self.database_url or f"sqlite:///{self.data_dir / 'surveyapp.db'}"

    @property
    def keys_folder(self) -> Path:
        return self.keys_dir or self.data_dir.with_name(self.data_dir.name + "-keys")

    @property
    def ledger_folder(self) -> Path:
        """Where the ledger of erasures is kept: outside DATA_DIR, so that no backup holds it."""
        return self.ledger_dir or self.data_dir.with_name(self.data_dir.name + "-ledger")

    @property
    def instruments(self) -> Path:
        return self.instruments_dir or resource("instruments")

    @property
    def is_https(self) -> bool:
        return self.public_url.startswith("https://")

    def link(self, path: str) -> str:
        """A full address, built from PUBLIC_URL alone."""
        return f"{self.public_url.rstrip('/')}/{path.lstrip('/')}"


def load_settings() -> Settings:
    """Settings from the environment. Raises SettingsError."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        raise SettingsError(f"SURVEYAPP_{name} is wrong: {first['msg']}.") from error


@dataclass(frozen=True)
class Keys:
    """The secret key, from which other keys are derived, and the contact keys, newest first."""

    secret: bytes
    contact: tuple[bytes, ...]

    def derive(self, purpose: str) -> bytes:
        """32 bytes for one purpose (HKDF-SHA256)."""
        return HKDF(SHA256(), KEY_BYTES, salt=None, info=purpose.encode()).derive(self.secret)


def load_keys(settings: Settings) -> Keys:
    """Keys from the environment, else from KEYS_DIR. Raises SettingsError."""
    secret = settings.secret_key or _read(settings.keys_folder / SECRET_FILE)
    contact = settings.contact_keys or _read(settings.keys_folder / CONTACT_FILE)
    if not secret or not contact:
        raise SettingsError(
            "There are no keys: set SURVEYAPP_SECRET_KEY and SURVEYAPP_CONTACT_KEYS, or run "
            f"`surveyapp init`, which makes them in {settings.keys_folder}."
        )
    if len(secret) < KEY_BYTES:
        raise SettingsError("SURVEYAPP_SECRET_KEY is too short: give 32 characters or more.")
    return Keys(secret.encode(), _contact_keys(contact))


def _contact_keys(text: str) -> tuple[bytes, ...]:
    return tuple(_decode(word) for word in text.replace(",", " ").split())


def make_keys(settings: Settings) -> bool:
    """Make the keys that are neither set nor there; True when any was made."""
    folder = settings.keys_folder
    made = False
    for name, given in ((SECRET_FILE, settings.secret_key), (CONTACT_FILE, settings.contact_keys)):
        path = folder / name
        # An empty file is what a full disk left of an earlier try.
        if given or _read(path):
            continue
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        path.write_text(base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode() + "\n")
        made = True
    return made


def contact_keys_as_text(keys: tuple[bytes, ...]) -> str:
    """As SURVEYAPP_CONTACT_KEYS and the key file hold them."""
    return " ".join(base64.urlsafe_b64encode(key).decode() for key in keys)


def write_contact_keys(settings: Settings, keys: tuple[bytes, ...]) -> None:
    """Put these in place of the key file's, all or nothing. Raises SettingsError, also when the
    keys come from the environment, which nobody can change from here."""
    if settings.contact_keys:
        raise SettingsError(
            "The contact keys come from SURVEYAPP_CONTACT_KEYS, which only you can change."
        )
    write_key_file(settings, CONTACT_FILE, contact_keys_as_text(keys))


def write_key_file(settings: Settings, name: str, text: str) -> None:
    """A file in KEYS_DIR that nobody else can read, all or nothing. Raises SettingsError."""
    path = settings.keys_folder / name
    fresh = path.with_name(f".{name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text.strip() + "\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise SettingsError(f"{path} cannot be written: {error.strerror}.") from error


def sync_folder(folder: Path) -> None:
    """Make a new name in a folder outlive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def contact_key_watch(settings: Settings) -> Callable[[], tuple[bytes, ...] | None]:
    """A look at the key file: the contact keys when it changed since the last look, else None. So
    a process that runs learns of a new key by itself. Keys from the environment never change."""
    path = settings.keys_folder / CONTACT_FILE
    seen: tuple[int, int, int] | None = None

    def look() -> tuple[bytes, ...] | None:
        nonlocal seen
        stamp = None if settings.contact_keys else _stamp(path)
        if stamp is None or stamp == seen:
            return None
        try:
            found = _contact_keys(_read(path))
        except SettingsError:  # being changed by hand: the next look may see it whole
            return None
        seen = stamp
        return found or None

    return look


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise SettingsError(f"The key file {path} cannot be read: {error.strerror}.") from error


def _decode(text: str) -> bytes:
    try:
        key = base64.urlsafe_b64decode(text)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise SettingsError("SURVEYAPP_CONTACT_KEYS must be base64 of 32 bytes each, newest first.")
    return key
