"""Reading a TOML or CSV file so that every fault is named by file, key and reason.

A `Table` wraps one TOML table. Asking for a key checks its type; `close` complains about keys
nobody asked for. Faults are collected, so that one run of `surveyapp instruments check` shows
them all instead of the first.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar, cast

T = TypeVar("T")
NAME = re.compile(r"[a-z0-9]+([-_][a-z0-9]+)*")


@dataclass(frozen=True, order=True)
class Fault:
    """One thing wrong in one file: where (`key`, dotted) and what."""

    file: str
    key: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}: {self.key}: {self.text}" if self.key else f"{self.file}: {self.text}"


class FaultsFoundError(ValueError):
    """A file of `instruments/` is wrong; `faults` names every fault found."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(sorted(faults))
        super().__init__("\n".join(map(str, self.faults)))


@dataclass
class Faults:
    """Faults of one file, in the making."""

    file: str
    found: list[Fault] = field(default_factory=list[Fault])

    def add(self, key: str, text: str) -> None:
        self.found.append(Fault(self.file, key, text))

    def raise_any(self) -> None:
        if self.found:
            raise FaultsFoundError(self.found)


TYPE_NAMES: Mapping[type, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "a table",
}


class Table:
    """One TOML table, read key by key."""

    def __init__(self, data: Mapping[str, object], faults: Faults, key: str = "") -> None:
        self._data = data
        self._faults = faults
        self._key = key
        self._asked: set[str] = set()

    def path(self, key: str) -> str:
        return f"{self._key}.{key}" if self._key else key

    def fault(self, key: str, text: str) -> None:
        self._faults.add(self.path(key), text)

    def has(self, key: str) -> bool:
        return key in self._data

    def get(self, key: str, kind: type[T], default: T) -> T:
        """The value of an optional key, or `default` when it is absent or of the wrong type."""
        self._asked.add(key)
        if key not in self._data:
            return default
        value = self._data[key]
        if kind is float and type(value) is int:
            return cast(T, float(value))
        if type(value) is not kind:
            self.fault(key, f"must be {TYPE_NAMES[kind]}")
            return default
        return cast(T, value)

    def need(self, key: str, kind: type[T], default: T) -> T:
        """As `get`, and its absence is a fault."""
        if key not in self._data:
            self.fault(key, "is missing")
        value = self.get(key, kind, default)
        if kind is str and key in self._data and not str(value).strip():
            self.fault(key, "is empty")
        return value

    def list_of(self, key: str, kind: type[T], *, required: bool = True) -> tuple[T, ...]:
        raw = cast(list[object], (self.need if required else self.get)(key, list, []))
        values = [float(v) if kind is float and type(v) is int else v for v in raw]
        wrong = [v for v in values if type(v) is not kind]
        if wrong:
            self.fault(key, f"{wrong[0]!r} must be {TYPE_NAMES[kind]}")
        return tuple(cast(T, v) for v in values if type(v) is kind)

    def tables(self, key: str, *, required: bool = True) -> list[Table]:
        rows = cast(tuple[Mapping[str, object], ...], self.list_of(key, dict, required=required))
        return [Table(row, self._faults, self.path(f"{key}[{i}]")) for i, row in enumerate(rows)]

    def table(self, key: str) -> Table:
        data = self.get(key, dict, {})
        return Table(cast(Mapping[str, object], data), self._faults, self.path(key))

    def items(self) -> list[tuple[str, object]]:
        self._asked.update(self._data)
        return list(self._data.items())

    def name(self, key: str) -> str:
        """A text that can stand in file names, URLs and form fields."""
        value = self.need(key, str, "")
        if value and not NAME.fullmatch(value):
            self.fault(key, f"{value!r} must be lower-case letters and digits, parted by - or _")
        return value

    def close(self) -> None:
        """Complain about keys that nobody asked for."""
        for key in self._data:
            if key not in self._asked:
                self.fault(key, f"unknown key; known here: {', '.join(sorted(self._asked))}")


def read_text(path: Path, faults: Faults) -> str:
    """A file's text as it stands. Raises FaultsFoundError."""
    try:
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        faults.add("", f"cannot be read: {error}")
        raise FaultsFoundError(faults.found) from error


def parse_toml(text: str, faults: Faults) -> Table:
    """The root table of a text. Raises FaultsFoundError."""
    try:
        return Table(tomllib.loads(text.replace("\r\n", "\n")), faults)
    except tomllib.TOMLDecodeError as error:
        faults.add("", f"cannot be read: {error}")
        raise FaultsFoundError(faults.found) from error
