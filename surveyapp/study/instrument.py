"""Instruments: a questionnaire's key (items, values, scales, bands, change) and its wordings.

An instrument is a folder: `instrument.toml` holds the key, `placeholder.LANG.csv` our own stand-in
texts, `wording.LANG.csv` texts that are ours to ship. The key never holds sentences of a
questionnaire, and a value is never derived from an option's position: every wording says which
value each printed option has, because translations may print them in another order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Report = Literal["sum", "percent"]
Direction = Literal["lower", "higher", "none"]


@dataclass(frozen=True)
class Item:
    """One question. `number_in_source` is its number in the parent questionnaire, if any. One that
    is marked for `safety` raises an alert when it is answered with one of `safety_values`."""

    id: str
    topic: str
    values: tuple[int, ...]
    number_in_source: int | None = None
    safety: bool = False
    safety_values: tuple[int, ...] = ()


@dataclass(frozen=True)
class Band:
    """A named range of a scale's rounded value, both ends included."""

    id: str
    label: str
    low: int
    high: int


@dataclass(frozen=True)
class Reliability:
    """What reliable change is judged by: a standard deviation and retest coefficients by name."""

    sd: float
    retest: Mapping[str, float]
    source: str


@dataclass(frozen=True)
class Meaningful:
    """A change that groups (`for_groups`) or people usually notice, in points or percent."""

    points: tuple[float, ...]
    percent: float | None
    for_groups: bool
    source: str


@dataclass(frozen=True)
class Scale:
    """A score computed from `items`, or from other scales (`parts`) when `items` is empty.

    `report` is "sum" (points) or "percent" (of `high`). `minimum` is the number of answered items
    below which there is no score. `low` and `high` bound the sum. `mark` is a line to draw.
    """

    id: str
    label: str
    plain: str
    items: tuple[str, ...]
    parts: tuple[str, ...]
    report: Report
    direction: Direction
    minimum: int
    low: int
    high: int
    bands: tuple[Band, ...]
    mark: float | None
    reliability: Reliability | None
    meaningful: Meaningful | None


@dataclass(frozen=True)
class Criterion:
    """True when every one of `scales` reaches `percent` of its maximum, that value included."""

    id: str
    label: str
    scales: tuple[str, ...]
    percent: int


@dataclass(frozen=True)
class Option:
    value: int
    text: str


@dataclass(frozen=True)
class Wording:
    """The texts of an instrument in one language, with the SHA-256 of the file they came from.

    `csv` is that file. Texts that a site installed have a number (`installed`) and a line that
    names whose they are (`holder`).
    """

    instrument: str
    language: str
    placeholder: bool
    title: str
    recall: str
    stem: str
    notice: str
    texts: Mapping[str, str]
    options: Mapping[str, tuple[Option, ...]]
    sha256: str
    csv: str = field(default="", repr=False)
    installed: int | None = None
    holder: str = ""

    @property
    def told(self) -> str:
        """What every page and report says of these texts: that they are a placeholder, or whose
        they are; the installed file's own notice where it has one."""
        return self.notice if self.placeholder else self.installed_line

    @property
    def installed_line(self) -> str:
        return "" if self.installed is None else self.notice or self.holder

    def question(self, item: str) -> str:
        """What the screen asks: the item's own text, followed by the stem if there is one."""
        return f"{self.texts[item]}: {self.stem}" if self.stem else self.texts[item]


def pick(wordings: Mapping[str, Wording], language: str, *, live: bool = False) -> Wording:
    """The wording in `language`, else in English, else the first there is; where it is `live`,
    of those that are no placeholders, as long as there is one."""
    usable = {key: w for key, w in wordings.items() if not (live and w.placeholder)} or wordings
    fallback = usable.get("en") or next(iter(usable.values()))
    return usable.get(language, fallback)


@dataclass(frozen=True)
class Instrument:
    """`session` says that it asks about one session (an anchor's day), not a period. `text` is its
    key's file, `sha256` that text's hash."""

    id: str
    version: str
    name: str
    session: bool
    minutes: int
    items: tuple[Item, ...]
    scales: tuple[Scale, ...]
    criteria: tuple[Criterion, ...]
    threshold_note: str
    source: str
    licence: str
    sha256: str
    wordings: Mapping[str, Wording]
    text: str = field(default="", repr=False, compare=False)

    def item(self, item_id: str) -> Item:
        """Raises KeyError."""
        return {i.id: i for i in self.items}[item_id]

    def scale(self, scale_id: str) -> Scale:
        """Raises KeyError."""
        return {s.id: s for s in self.scales}[scale_id]

    def wording(self, language: str) -> Wording:
        """The wording in `language`, else in English, else the first there is."""
        return pick(self.wordings, language)
