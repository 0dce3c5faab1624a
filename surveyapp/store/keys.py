"""Which keys of instruments a course runs under.

A course keeps the keys it began with, as it keeps its protocol's text: what is scored stays scored
by the key that the study was frozen to, whatever becomes of the file. A kept key speaks the
installed wordings that fit it, else those that were kept with it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from ..study.instrument import Instrument, Option, Wording
from ..study.keyfile import read_key
from ..study.library import Library
from ..study.reading import Faults
from .once import add_once
from .tables_consent import KeySet, KeyText

Instruments = Mapping[str, Instrument]
_read: dict[str, Instrument] = {}
"""Kept keys by the hash of their text; a text never changes."""
_sets: dict[str, dict[str, str]] = {}
"""Key sets by their hash: instrument to its key's hash."""


def instruments_of(
    session: Session, library: Library, wanted: Iterable[str | None]
) -> dict[str | None, Instruments]:
    """The instruments under each key set, by its hash; None stands for what is installed. Asks the
    database only for what it has not met."""
    return {sha256: _under(session, library, sha256) for sha256 in set(wanted)}


def instrument_of(
    session: Session, library: Library, name: str, key_sha256: str, otherwise: Instruments
) -> Instrument:
    """An instrument under the key with this hash, or `otherwise` where it is empty. Raises KeyError
    for one that is neither kept nor installed."""
    if not key_sha256:
        return otherwise[name]
    return _by_hash(session, library, name, key_sha256) or otherwise[name]


def _under(session: Session, library: Library, sha256: str | None) -> Instruments:
    own = set_of(session, sha256) if sha256 else {}
    installed = library.instruments
    other = {n: h for n, h in own.items() if n not in installed or installed[n].sha256 != h}
    if not other:
        return installed
    kept = {name: _by_hash(session, library, name, key) for name, key in other.items()}
    return {**installed, **{name: found for name, found in kept.items() if found is not None}}


def set_of(session: Session, sha256: str) -> dict[str, str]:
    """A key set: instrument to its key's hash."""
    if sha256 not in _sets:
        kept = session.get(KeySet, sha256)
        if kept is None:
            return {}
        pairs = (line.split(" ") for line in kept.text.splitlines())
        _sets[sha256] = {name: key for name, key in pairs}
    return _sets[sha256]


def _by_hash(session: Session, library: Library, name: str, sha256: str) -> Instrument | None:
    installed = library.instruments.get(name)
    if installed is not None and installed.sha256 == sha256:
        return installed
    kept = _read.get(sha256) or _load(session, sha256)
    if kept is None or installed is None:
        return kept
    fitting = {lang: w for lang, w in installed.wordings.items() if fits(kept, w)}
    return dataclasses.replace(kept, wordings={**kept.wordings, **fitting})


def _load(session: Session, sha256: str) -> Instrument | None:
    kept = session.get(KeyText, sha256)
    if kept is None:
        return None
    faults = Faults(f"the kept version {kept.version} of {kept.instrument}")
    found = read_key(kept.text, kept.instrument, faults)
    wordings = (_wording(fields) for fields in json.loads(kept.wordings))
    _read[sha256] = dataclasses.replace(found, wordings={w.language: w for w in wordings})
    return _read[sha256]


def _wording(fields: dict[str, Any]) -> Wording:
    pairs: dict[str, list[tuple[int, str]]] = fields.pop("options")
    options = {item: tuple(Option(*pair) for pair in own) for item, own in pairs.items()}
    return Wording(**fields, options=options)


def fits(instrument: Instrument, wording: Wording) -> bool:
    """Whether a wording has a text for every item, and an option for each of its values."""
    return all(
        item.id in wording.texts
        and sorted(o.value for o in wording.options.get(item.id, ())) == list(item.values)
        for item in instrument.items
    )


def keep(session: Session, instrument: Instrument, now: datetime) -> str:
    """Keep an instrument's key and wordings; the key's hash."""
    if session.get(KeyText, instrument.sha256) is None:
        wordings = [
            {
                **dataclasses.asdict(wording),
                "options": {
                    item: [(o.value, o.text) for o in options]
                    for item, options in wording.options.items()
                },
            }
            for wording in instrument.wordings.values()
        ]
        row = KeyText(
            sha256=instrument.sha256,
            instrument=instrument.id,
            version=instrument.version,
            text=instrument.text,
            wordings=json.dumps(wordings, ensure_ascii=False, sort_keys=True),
            kept_at=now,
        )
        add_once(session, row)
    return instrument.sha256


def keep_set(session: Session, instruments: Iterable[Instrument], now: datetime) -> str:
    """Keep the keys of these instruments, and which they are; the set's hash."""
    ordered = sorted(instruments, key=lambda i: i.id)
    text = "".join(f"{i.id} {keep(session, i, now)}\n" for i in ordered)
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    if session.get(KeySet, sha256) is None:
        add_once(session, KeySet(sha256=sha256, text=text, kept_at=now))
    return sha256
