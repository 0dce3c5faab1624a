"""The vault: contact details, encrypted field by field, found again by a keyed hash.

AES-256-GCM with a versioned key; the participant and the field are bound in as associated data,
so that a sealed text copied to another row does not open. New texts use the newest key.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE = 12


class CannotOpenError(RuntimeError):
    """A sealed text cannot be read: its key is not among those given, or it was changed."""


@dataclass(frozen=True)
class Sealed:
    text: str
    key_version: str


def key_version(key: bytes) -> str:
    """A public name for a key."""
    return hashlib.sha256(b"version|" + key).hexdigest()[:12]


def normal_form(address: str) -> str:
    """The form that is hashed for look-up: NFC, lower case, no blanks around."""
    return unicodedata.normalize("NFC", address.strip()).lower()


def _nothing_new() -> Sequence[bytes] | None:
    return None


class Vault:
    """`keys`: 32 bytes each, newest first. `lookup_key` never changes. `look` tells the keys anew
    when they changed (None: they did not); it is asked before sealing, and for a key that is not
    known, so that processes need no restart when a key is added."""

    def __init__(
        self,
        keys: Sequence[bytes],
        lookup_key: bytes,
        look: Callable[[], Sequence[bytes] | None] = _nothing_new,
    ) -> None:
        self._take(keys)
        self._lookup_key = lookup_key
        self._look = look

    def _take(self, keys: Sequence[bytes]) -> None:
        self._held = {key_version(key): AESGCM(key) for key in keys}, key_version(keys[0])

    def _look_again(self) -> None:
        keys = self._look()
        if keys:
            self._take(keys)

    @property
    def newest(self) -> str:
        """The version that is sealed under now."""
        self._look_again()
        return self._held[1]

    def seal(self, plain: str, bound_to: str) -> Sealed:
        self._look_again()
        (keys, newest), nonce = self._held, secrets.token_bytes(NONCE)
        data = keys[newest].encrypt(nonce, plain.encode(), bound_to.encode())
        return Sealed(base64.urlsafe_b64encode(nonce + data).decode(), newest)

    def open(self, sealed: Sealed, bound_to: str) -> str:
        """Raises CannotOpenError."""
        key = self._held[0].get(sealed.key_version)
        if key is None:
            self._look_again()
            key = self._held[0].get(sealed.key_version)
        if key is None:
            raise CannotOpenError(f"contact key {sealed.key_version} is not configured")
        raw = base64.urlsafe_b64decode(sealed.text)
        try:
            return key.decrypt(raw[:NONCE], raw[NONCE:], bound_to.encode()).decode()
        except InvalidTag as error:
            raise CannotOpenError("a contact field was changed outside the product") from error

    def lookup(self, plain: str) -> str:
        """The keyed hash that finds an address without opening any."""
        return hmac.new(self._lookup_key, normal_form(plain).encode(), "sha256").hexdigest()
