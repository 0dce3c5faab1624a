"""SMS segments: how many parts a text is sent and paid in (3GPP TS 23.038 and 23.040).

A text of the GSM alphabet has 160 places in one part, 153 in each of several; signs of its
extension take two. Any other sign makes the whole text UCS-2: 70 and 67 places of sixteen bits.
No sign is split over two parts.
"""

from __future__ import annotations

from collections.abc import Iterable

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = frozenset("\f^{}\\[~]|€")
GSM, UCS2 = (160, 153), (70, 67)


def segments(text: str) -> int:
    """How many parts this text takes; an empty one takes one."""
    if all(sign in BASIC or sign in EXTENSION for sign in text):
        return _parts([2 if sign in EXTENSION else 1 for sign in text], *GSM)
    return _parts([2 if ord(sign) > 0xFFFF else 1 for sign in text], *UCS2)


def _parts(sizes: Iterable[int], alone: int, together: int) -> int:
    sizes = list(sizes)
    if sum(sizes) <= alone:
        return 1
    parts, used = 1, 0
    for size in sizes:
        if used + size > together:
            parts, used = parts + 1, 0
        used += size
    return parts
