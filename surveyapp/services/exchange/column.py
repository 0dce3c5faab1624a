"""One column of an export's file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "number", "yes or no", "date", "UTC time", "local time"]


@dataclass(frozen=True)
class Column:
    name: str
    kind: Kind
    meaning: str
