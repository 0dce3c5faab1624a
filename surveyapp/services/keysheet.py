"""The recovery sheet: the keys as lines that a person can type back, and as QR codes.

A line is ten bytes in Crockford's base 32 (no I, L, O, U), with two characters that check it: its
letter, its number and its bytes. So a line that was misread or exchanged is named, not guessed.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import segno

from .. import texts
from ..config import (
    CONTACT_FILE,
    KEY_BYTES,
    SECRET_FILE,
    Keys,
    Settings,
    contact_keys_as_text,
    write_key_file,
)
from ..reports.pdf import Renderer
from ..store.vault import key_version
from .errors import InputError, RefusedError

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
READ_AS = str.maketrans({"I": "1", "L": "1", "O": "0"})
LINE_BYTES, GROUP = 10, 4
LETTERS = "ABCDEFGHJKMNPQRTVWXYZ"
"""Of contact keys, newest first; S is the secret key's."""
LABEL = re.compile(r"([A-Z])(\d{1,2})/(\d{1,2})")


@dataclass(frozen=True)
class Printed:
    """One key on the sheet: its letter, what it is, its lines, and its QR code as SVG."""

    letter: str
    title: str
    lines: tuple[str, ...]
    qr: str


def lines_of(letter: str, key: bytes) -> tuple[str, ...]:
    """S1/5  ABCD EFGH JKMN PQRS  7T"""
    parts = [key[i : i + LINE_BYTES] for i in range(0, len(key), LINE_BYTES)]
    return tuple(_line(f"{letter}{n}/{len(parts)}", part) for n, part in enumerate(parts, start=1))


def _line(label: str, part: bytes) -> str:
    text = _base32(part)
    groups = " ".join(text[i : i + GROUP] for i in range(0, len(text), GROUP))
    return f"{label}  {groups}  {_check(label, text)}"


def _base32(part: bytes) -> str:
    bits = len(part) * 8
    number = int.from_bytes(part, "big") << (-bits % 5)
    count = (bits + 4) // 5
    return "".join(ALPHABET[number >> 5 * (count - 1 - i) & 31] for i in range(count))


def _bytes(text: str) -> bytes:
    bits = len(text) * 5
    number = 0
    for character in text:
        number = number << 5 | ALPHABET.index(character)
    return (number >> bits % 8).to_bytes(bits // 8, "big")


def _check(label: str, text: str) -> str:
    digest = hashlib.sha256(f"{label}|{text}".encode()).digest()
    return ALPHABET[digest[0] & 31] + ALPHABET[digest[1] & 31]


def printed(keys: Keys) -> list[Printed]:
    """The secret key, then the contact keys, newest first."""
    found = [_printed("S", "Secret key", keys.secret, keys.secret.decode())]
    for letter, key in zip(LETTERS, keys.contact, strict=False):
        title = f"Contact key {key_version(key)}"
        found.append(_printed(letter, title, key, contact_keys_as_text((key,))))
    return found


def _printed(letter: str, title: str, key: bytes, text: str) -> Printed:
    code = segno.make(text, error="m", micro=False)
    svg, drawn = io.BytesIO(), {"scale": 2, "border": 2, "svgclass": "chart", "nl": False}
    code.save(svg, kind="svg", xmldecl=False, title=f"{title} as a QR code", **drawn)
    return Printed(letter, title, lines_of(letter, key), svg.getvalue().decode())


def sheet_pdf(keys: Keys, site_name: str, on: date) -> bytes:
    """The sheet on paper. Raises RefusedError."""
    if len(keys.contact) > len(LETTERS):
        raise RefusedError("There are too many contact keys for one sheet. Retire old ones.")
    with texts.speaking(texts.ENGLISH):
        html = texts.render("report/recovery.html", keys=printed(keys), site=site_name, on=on)
    with Renderer() as renderer:
        return renderer.render(html)


def read_lines(lines: Iterable[str]) -> Keys:
    """The keys from the sheet's lines as somebody typed them, in any order.

    Raises InputError that names each line that is wrong or missing.
    """
    problems: dict[str, str] = {}
    parts: dict[str, dict[int, bytes]] = {}
    totals: dict[str, int] = {}
    for number, typed in enumerate(lines, start=1):
        if not typed.strip():
            continue
        try:
            letter, place, total, part = _read(typed)
        except ValueError as error:
            problems[f"{number}"] = f"Line {number}: {error}"
            continue
        parts.setdefault(letter, {})[place] = part
        totals[letter] = total
    for letter, total in totals.items():
        for place in sorted(set(range(1, total + 1)) - parts[letter].keys()):
            problems[f"{letter}{place}"] = f"Line {letter}{place}/{total} is missing or wrong."
    if problems or not {"S", "A"} <= totals.keys():
        raise InputError(problems or {"": "The sheet has lines of S and of A at least."})
    return _keys(parts)


def _read(typed: str) -> tuple[str, int, int, bytes]:
    label, *groups = typed.upper().split()
    found = LABEL.fullmatch(label)
    if not found:
        raise ValueError(f"{label} is not how a line begins; it is written as on the sheet, S1/5.")
    text = "".join(groups).translate(READ_AS)
    if set(text) - set(ALPHABET):
        raise ValueError(f"{label} holds a character that no line has.")
    if len(text) < 4 or _check(label, text[:-2]) != text[-2:]:
        raise ValueError(f"{label} is not as it was printed. Compare it character by character.")
    return found[1], int(found[2]), int(found[3]), _bytes(text[:-2])


def _keys(parts: dict[str, dict[int, bytes]]) -> Keys:
    whole = {
        letter: b"".join(part for _, part in sorted(found.items()))
        for letter, found in parts.items()
    }
    contact = tuple(whole[letter] for letter in LETTERS if letter in whole)
    if any(len(key) != KEY_BYTES for key in contact):
        raise InputError({"": f"A contact key has {KEY_BYTES} bytes; these lines give another."})
    try:
        whole["S"].decode()
    except UnicodeDecodeError as error:
        raise InputError({"": "The lines of S are not a secret key."}) from error
    return Keys(whole["S"], contact)


def restore(settings: Settings, keys: Keys) -> Sequence[str]:
    """Write the keys to KEYS_DIR; the files' names. Raises RefusedError where other keys are."""
    files = {SECRET_FILE: keys.secret.decode(), CONTACT_FILE: contact_keys_as_text(keys.contact)}
    for name, text in files.items():
        path = settings.keys_folder / name
        if path.exists() and path.read_text().split() != text.split():
            raise RefusedError(f"{path} holds other keys. Move it away first.")
    for name, text in files.items():
        write_key_file(settings, name, text)
    return [str(settings.keys_folder / name) for name in files]
