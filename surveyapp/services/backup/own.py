"""The installation's own key for backups: what one is encrypted to while no other key is set.

It is made of the secret key, so whoever has the installation's keys can open such a backup, and
nobody else. An age identity is 32 bytes in Bech32 (BIP 173).
"""

from __future__ import annotations

from typing import Any

from ...config import Keys
from .age import PRIVATE, identity_of

PURPOSE = "own backups"
LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def own_identity(keys: Keys) -> Any:
    """The private key that an installation's keys make."""
    return identity_of(bech32(PRIVATE[:-1].lower(), keys.derive(PURPOSE)).upper())


def bech32(prefix: str, data: bytes) -> str:
    """Bytes as Bech32 writes them, with their checksum."""
    bits = int.from_bytes(data, "big") << (-len(data) * 8) % 5
    count = -(-len(data) * 8 // 5)
    values = [bits >> 5 * (count - 1 - n) & 31 for n in range(count)]
    spread = [*(ord(c) >> 5 for c in prefix), 0, *(ord(c) & 31 for c in prefix)]
    sum_ = _checksum([*spread, *values, *[0] * 6]) ^ 1
    values += [sum_ >> 5 * (5 - n) & 31 for n in range(6)]
    return f"{prefix}1{''.join(LETTERS[value] for value in values)}"


def _checksum(values: list[int]) -> int:
    found = 1
    for value in values:
        top = found >> 25
        found = (found & 0x1FFFFFF) << 5 ^ value
        for n, part in enumerate(GENERATOR):
            found ^= part if top >> n & 1 else 0
    return found
