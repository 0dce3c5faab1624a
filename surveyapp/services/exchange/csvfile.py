"""Reading one CSV file so that every bad row is named by file and line.

The header is line 1; a row is known by the line on which it starts. Only whole sentences for
people leave this module.
"""

from __future__ import annotations

import csv
import math
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

MOST_BYTES = 200_000_000
LONGEST = 200
WHOLE = re.compile(r"-?[0-9]{1,9}")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
YEARS = frozenset(map(str, range(1900, 2200)))


class CellError(ValueError):
    """A cell that cannot be taken; the message completes `file line n: …`."""


class BadFilesError(ValueError):
    """Files that cannot be taken: one sentence for each fault, by file and line."""

    def __init__(self, faults: Collection[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


@dataclass(frozen=True)
class Layout:
    """A file's columns; those in `optional` may be absent."""

    name: str
    columns: tuple[str, ...]
    optional: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Row:
    """One row: its line and its cells, blanks around them removed."""

    line: int
    cells: Mapping[str, str]

    def text(self, column: str) -> str:
        """A short text that must be there."""
        value = self.cells.get(column, "")
        if not value:
            raise CellError(f"{column} is empty")
        if len(value) > LONGEST or not value.isprintable():
            raise CellError(f"{column} must be one line of at most {LONGEST} characters")
        return value

    def whole(self, column: str, low: int, high: int) -> int:
        """A whole number that must be there."""
        value = self.cells.get(column, "")
        if not WHOLE.fullmatch(value) or not low <= int(value) <= high:
            raise CellError(f"{column} must be a whole number from {low} to {high}, not {value!r}")
        return int(value)

    def whole_or_none(self, column: str, low: int, high: int) -> int | None:
        return self.whole(column, low, high) if self.cells.get(column) else None

    def amount_or_none(self, column: str) -> float | None:
        """A number above 0, or None for an empty cell."""
        value = self.cells.get(column, "")
        if not value:
            return None
        try:
            amount = float(value)
        except ValueError:
            amount = math.nan
        if not 0 < amount <= 10_000 or "_" in value:
            raise CellError(f"{column} must be a number above 0, not {value!r}")
        return amount

    def day_or_none(self, column: str) -> date | None:
        value = self.cells.get(column, "")
        if not value:
            return None
        try:
            # Days are counted from it in both directions, which needs room in the calendar.
            if DAY.fullmatch(value) and value[:4] in YEARS:
                return date.fromisoformat(value)
        except ValueError:
            pass
        raise CellError(f"{column} must be a date such as 2026-02-14, not {value!r}")

    def moment(self, column: str, zone: str) -> datetime:
        """An instant in UTC; a time without zone is in `zone`."""
        value = self.cells.get(column, "")
        try:
            found = datetime.fromisoformat(value) if len(value) > len("2026-02-14") else None
            if found is not None and DAY.match(value):
                aware = found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone))
                return aware.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        raise CellError(f"{column} must be a time such as 2026-02-14T19:30:00, not {value!r}")

    def moment_or_none(self, column: str, zone: str) -> datetime | None:
        return self.moment(column, zone) if self.cells.get(column) else None

    def choice(self, column: str, allowed: Mapping[str, bool]) -> bool:
        value = self.cells.get(column, "")
        if value.lower() not in allowed:
            raise CellError(f"{column} must be {' or '.join(allowed)}, not {value!r}")
        return allowed[value.lower()]


@dataclass
class CsvFile:
    """One file of an import with the faults found in it so far, each with its line."""

    layout: Layout
    faults: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    readable: bool = False  # the file was read to its end

    def fault(self, line: int, text: str) -> None:
        self.faults.append((line, text))

    def sentences(self) -> list[str]:
        """Every fault as `file line n: …`, in the order of the lines."""
        return [f"{self.layout.name} line {n}: {text}" for n, text in sorted(self.faults)]

    def rows(self, path: Path) -> Iterator[Row]:
        """The file's rows, blank lines left out; what is wrong with the file becomes a fault."""
        try:
            if path.stat().st_size > MOST_BYTES:
                self.fault(1, f"the file is larger than {MOST_BYTES // 1_000_000} MB; split it")
                return
            with path.open(encoding="utf-8-sig", newline="") as lines:
                yield from self._rows(csv.reader(lines, strict=True))
        except UnicodeDecodeError:
            self.fault(_undecodable_line(path), "is not UTF-8; save the file as CSV in UTF-8")
        except FileNotFoundError:
            self.fault(1, "the file is missing")
        except OSError as error:
            self.fault(1, f"the file cannot be read: {error.strerror}")

    def _rows(self, reader: Any) -> Iterator[Row]:
        records = self._records(reader)
        line, first = next(records, (1, None))
        header = self._header(line, [c.strip() for c in first]) if first else None
        if header is None:
            if first is None and not self.faults:
                self.fault(1, "the file is empty")
            return
        for line, cells in records:
            if len(cells) != len(header):
                self.fault(line, f"has {len(cells)} fields, but the header has {len(header)}")
            else:
                yield Row(line, {k: c.strip() for k, c in zip(header, cells, strict=True)})
        self.readable = True

    def _records(self, reader: Any) -> Iterator[tuple[int, list[str]]]:
        """The records that are not blank, each with the line on which it starts."""
        while True:
            start = reader.line_num + 1
            try:
                cells: list[str] = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                self.fault(start, f"is not CSV: {error}")
                return
            if any(cell.strip() for cell in cells):
                yield start, cells

    def _header(self, line: int, cells: Sequence[str]) -> Sequence[str] | None:
        """The column names, or None with a fault for everything that is wrong with them."""
        wanted = self.layout.columns
        faults = [f"there is no column {c!r}" for c in wanted if self._lacks(c, cells)]
        faults += [f"unknown column {c!r}" for c in cells if c not in wanted]
        faults += [f"column {c!r} stands twice" for c, n in Counter(cells).items() if n > 1]
        for fault in faults:
            self.fault(line, f"{fault}; the columns are {','.join(wanted)}")
        return None if faults else cells

    def _lacks(self, column: str, cells: Sequence[str]) -> bool:
        return column not in cells and column not in self.layout.optional


def _undecodable_line(path: Path) -> int:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                return number
    return 1
