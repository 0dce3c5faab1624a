"""Wordings: CSV files `item,position,value,text` that give an instrument its texts.

The reserved names `title`, `recall`, `stem` and `notice` in the item column hold the texts around
the items; `*` gives options to every item that has none of its own. An empty position is the
item's own text. `{session}` in a recall line becomes the session's date.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .instrument import Instrument, Option, Wording
from .keyfile import RESERVED
from .reading import Fault, Faults, FaultsFoundError

COLUMNS = ("item", "position", "value", "text")
NEEDED = ("title", "recall")
EVERY = "*"
SESSION = "{session}"
HINT = "<fill in"
LONGEST_TEXT = 2000
WHOLE = re.compile(r"[0-9]{1,6}")
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


@dataclass
class _Texts:
    own: dict[str, str] = field(default_factory=dict[str, str])
    options: dict[str, dict[int, Option]] = field(default_factory=dict[str, dict[int, Option]])


def load_wordings(instrument: Instrument, folder: Path) -> Instrument:
    """`instrument` with every wording found in its folder. Raises FaultsFoundError."""
    wordings: dict[str, Wording] = {}
    faults: list[Fault] = []
    for path in sorted(folder.glob("*.csv")):
        try:
            wording = read_wording(instrument, path)
        except FaultsFoundError as error:
            faults += error.faults
            continue
        if wording.language not in wordings or not wording.placeholder:
            wordings[wording.language] = wording
    if not wordings and not faults:
        faults.append(Fault(f"{folder.name}/", "", "needs a placeholder.LANG.csv with its texts"))
    if faults:
        raise FaultsFoundError(faults)
    return replace(instrument, wordings=wordings)


def read_wording(instrument: Instrument, path: Path) -> Wording:
    """One wording file, checked against the key. Raises FaultsFoundError."""
    faults = Faults(f"{instrument.id}/{path.name}")
    kind, _, language = path.stem.partition(".")
    if kind not in ("placeholder", "wording") or not LANGUAGE.fullmatch(language):
        faults.add("", "must be named placeholder.LANG.csv or wording.LANG.csv")
    return parse_wording(
        instrument, path.read_bytes(), language, faults, placeholder=kind == "placeholder"
    )


def parse_wording(
    instrument: Instrument, raw: bytes, language: str, faults: Faults, *, placeholder: bool
) -> Wording:
    """The texts of one file. Raises FaultsFoundError with every fault, also those found before."""
    texts = _read_rows(instrument, raw, faults)
    options = _options(instrument, texts, faults)
    _check_around(instrument, texts, placeholder, faults)
    faults.raise_any()
    return Wording(
        instrument=instrument.id,
        language=language,
        placeholder=placeholder,
        title=texts.own["title"],
        recall=texts.own["recall"],
        stem=texts.own.get("stem", ""),
        notice=texts.own.get("notice", ""),
        texts={item.id: texts.own[item.id] for item in instrument.items},
        options=options,
        sha256=hashlib.sha256(raw).hexdigest(),
        csv=raw.decode(),
    )


def _read_rows(instrument: Instrument, raw: bytes, faults: Faults) -> _Texts:
    texts = _Texts()
    known = {item.id for item in instrument.items}
    try:
        reader = csv.DictReader(io.StringIO(raw.decode("utf-8-sig")), strict=True)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            faults.add("line 1", f"the header must be {','.join(COLUMNS)}")
            faults.raise_any()
        for row in reader:
            _read_row(row, f"line {reader.line_num}", known, texts, faults)
    except (UnicodeDecodeError, csv.Error) as error:
        faults.add("", f"is not UTF-8 CSV: {error}")
        faults.raise_any()
    for name in (*NEEDED, *(i.id for i in instrument.items)):
        if not texts.own.get(name, "").strip():
            faults.add(name, "has no text")
    return texts


def _read_row(
    row: dict[str, str], line: str, known: set[str], texts: _Texts, faults: Faults
) -> None:
    if fault := _row_fault(row, known):
        faults.add(line, fault)
        return
    item, position, value, text = row["item"], row["position"], row["value"], row["text"]
    if fault := _text_fault(item, text):
        faults.add(line, fault)
    if not position and not value:
        if item in texts.own:
            faults.add(line, f"a second text for {item!r}")
        texts.own[item] = text
    elif int(position) in texts.options.setdefault(item, {}):
        faults.add(line, f"position {position} of item {item!r} stands twice")
    else:
        texts.options[item][int(position)] = Option(int(value), text)


def _row_fault(row: dict[str, str], known: set[str]) -> str:
    """Why a row stands nowhere; empty where it has a place."""
    item, position, value = row["item"], row["position"], row["value"]
    if len(row) != len(COLUMNS) or None in row.values():
        return f"must have {len(COLUMNS)} fields; put a text with a comma in quotes"
    if item not in known and item not in RESERVED and item != EVERY:
        return f"there is no item {item!r}"
    if item == EVERY and not position:
        return f"{EVERY!r} gives options to every item and needs a position"
    if not position and not value:
        return ""
    if item in RESERVED:
        return f"{item!r} has no options"
    if not WHOLE.fullmatch(position) or not WHOLE.fullmatch(value.removeprefix("-")):
        return "position and value must both be whole numbers"
    return "" if row["text"].strip() else "the option has no text"


def _text_fault(item: str, text: str) -> str:
    if text.strip().startswith(HINT):
        return f"the text of {item!r} is still to be filled in"
    if len(text) > LONGEST_TEXT:
        return f"the text is longer than {LONGEST_TEXT} characters"
    if any(ord(mark) < ord(" ") and mark not in "\t\n\r" for mark in text):
        return "the text has a character that cannot be shown"
    return ""


def _check_around(instrument: Instrument, texts: _Texts, placeholder: bool, faults: Faults) -> None:
    names_session = SESSION in texts.own.get("recall", "")
    if instrument.session and not names_session:
        faults.add("recall", f"must name the session it asks about: {SESSION}")
    if names_session and not instrument.session:
        faults.add("recall", f"has {SESSION}, but the instrument asks about no session")
    if placeholder and not texts.own.get("notice"):
        faults.add("notice", "has no text; a placeholder must say that it is one")


def template(instrument: Instrument, language: str) -> str:
    """The CSV to fill in: every text that the key needs, with a hint that cannot be installed.

    The options stand in the order of the wording that ships in this language, else in English; a
    translation that prints them in another order is filled in with the values beside them.
    """
    pattern = instrument.wording(language)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    recall = f"the session it asks about, as {SESSION}" if instrument.session else "the period"
    writer.writerow(("title", "", "", f"{HINT}: the title>"))
    writer.writerow(("recall", "", "", f"{HINT}: {recall}>"))
    writer.writerow(("stem", "", "", ""))
    writer.writerow(("notice", "", "", ""))
    same = {tuple(o.value for o in pattern.options[item.id]) for item in instrument.items}
    if len(same) == 1:
        _write_options(writer, EVERY, next(iter(same)))
    for item in instrument.items:
        writer.writerow((item.id, "", "", f"{HINT}: {item.topic}>"))
        if len(same) > 1:
            _write_options(writer, item.id, [o.value for o in pattern.options[item.id]])
    return out.getvalue()


def _write_options(writer: Any, item: str, values: Sequence[int]) -> None:
    for position, value in enumerate(values):
        writer.writerow((item, position, value, f"{HINT}: the answer worth {value}>"))


def _options(
    instrument: Instrument, texts: _Texts, faults: Faults
) -> dict[str, tuple[Option, ...]]:
    options: dict[str, tuple[Option, ...]] = {}
    for item in instrument.items:
        found = texts.options.get(item.id) or texts.options.get(EVERY, {})
        ordered = tuple(found[position] for position in sorted(found))
        values = sorted(option.value for option in ordered)
        if values != list(item.values):
            faults.add(item.id, f"options have the values {values}, not {list(item.values)}")
        options[item.id] = ordered
    return options
