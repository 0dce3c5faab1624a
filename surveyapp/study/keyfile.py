"""The loader of `instrument.toml`: an instrument's key, checked to the last entry."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import get_args

from .instrument import (
    Band,
    Criterion,
    Direction,
    Instrument,
    Item,
    Meaningful,
    Reliability,
    Report,
    Scale,
)
from .reading import Faults, Table, parse_toml, read_text

RESERVED = ("title", "recall", "stem", "notice")
"""Names in a wording's item column that hold the texts around the items."""


def load_key(folder: Path) -> Instrument:
    """The key of the instrument in `folder`, its wordings still empty.

    Raises FaultsFoundError naming file, key and fault.
    """
    path = folder / "instrument.toml"
    faults = Faults(f"{folder.name}/{path.name}")
    return read_key(read_text(path, faults), folder.name, faults)


def read_key(text: str, name: str, faults: Faults) -> Instrument:
    """Read a key's text; `name` is its folder's. Raises FaultsFoundError."""
    root = parse_toml(text, faults)
    items = _items(root)
    scales = _scales(root, items)
    instrument = Instrument(
        id=root.name("id"),
        version=root.need("version", str, ""),
        name=root.need("name", str, ""),
        session=root.get("session", bool, False),
        minutes=_minutes(root),
        items=items,
        scales=scales,
        criteria=_criteria(root, scales),
        threshold_note=root.get("threshold_note", str, ""),
        source=root.need("source", str, ""),
        licence=root.need("licence", str, ""),
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        wordings={},
        text=text,
    )
    if instrument.id and instrument.id != name:
        root.fault("id", f"is {instrument.id!r} but the folder is {name!r}")
    root.close()
    faults.raise_any()
    return instrument


def _minutes(root: Table) -> int:
    minutes = root.need("minutes", int, 1)
    if minutes < 1:
        root.fault("minutes", "must be 1 or more")
    return minutes


def _items(root: Table) -> tuple[Item, ...]:
    shared = root.list_of("values", int, required=False)
    items = tuple(_item(row, shared) for row in root.tables("items"))
    _no_twice(root, "items", [i.id for i in items])
    if not items:
        root.fault("items", "needs at least one item")
    return items


def _item(row: Table, shared: tuple[int, ...]) -> Item:
    values = row.list_of("values", int, required=False) or shared
    if len(values) < 2 or len(set(values)) != len(values):
        row.fault("values", f"must be two or more different whole numbers, not {list(values)}")
    number = row.get("number_in_source", int, 0)
    item = Item(
        id=row.name("id"),
        topic=row.need("topic", str, ""),
        values=tuple(sorted(values)) or (0,),
        number_in_source=number or None,
        safety=(safety := row.get("safety", bool, False)),
        safety_values=_safety_values(row, values, safety=safety),
    )
    if item.id in RESERVED:
        row.fault("id", f"{item.id!r} is a name that wordings use for something else")
    row.close()
    return item


def _safety_values(row: Table, values: tuple[int, ...], *, safety: bool) -> tuple[int, ...]:
    """The values that count, of an item that is marked for safety."""
    counting = row.list_of("safety_values", int, required=False)
    if safety != bool(counting):
        row.fault("safety_values", "go with safety = true: name the values that count")
    for value in counting:
        if value not in values:
            row.fault("safety_values", f"{value} is none of its values")
    return counting if safety else ()


def _scales(root: Table, items: Sequence[Item]) -> tuple[Scale, ...]:
    known = {item.id: item for item in items}
    scales: dict[str, Scale] = {}
    for row in root.tables("scales"):
        scale = _scale(row, known, scales)
        if scale.id in scales:
            row.fault("id", f"{scale.id!r} is used twice")
        scales[scale.id] = scale
    return tuple(scales.values())


def _scale(row: Table, items: dict[str, Item], earlier: dict[str, Scale]) -> Scale:
    ids = row.list_of("items", str, required=False)
    parts = row.list_of("parts", str, required=False)
    _known(row, "items", ids, items, "item")
    _known(row, "parts", parts, earlier, "scale above")
    if bool(ids) == bool(parts):
        row.fault("items", "give either items or parts (other scales), and not both")
    asked = [items[i].values for i in ids if i in items]
    inner = [earlier[p] for p in parts if p in earlier]
    low = sum(min(v) for v in asked) + sum(s.low for s in inner)
    high = sum(max(v) for v in asked) + sum(s.high for s in inner)
    report = row.get("report", str, "sum")
    direction = row.need("direction", str, "none")
    scale = Scale(
        id=row.name("id"),
        label=row.need("label", str, ""),
        plain=row.get("plain", str, ""),
        items=ids,
        parts=parts,
        report="percent" if report == "percent" else "sum",
        direction=direction if direction in ("lower", "higher") else "none",
        minimum=_minimum(row, ids),
        low=low,
        high=high,
        bands=_bands(row, low, high),
        mark=_mark(row, 100 if report == "percent" else high),
        reliability=_reliability(row),
        meaningful=_meaningful(row),
    )
    _one_of(row, "report", report, get_args(Report))
    _one_of(row, "direction", direction, get_args(Direction))
    if report == "percent" and low != 0:
        row.fault("report", "percent of maximum needs items that start at 0")
    row.close()
    return scale


def _minimum(row: Table, ids: Sequence[str]) -> int:
    if not ids:
        if row.has("minimum"):
            row.fault("minimum", "belongs to a scale with items; one of parts needs all its parts")
        return row.get("minimum", int, 0)
    minimum = row.need("minimum", int, len(ids))
    if not 1 <= minimum <= len(ids):
        row.fault("minimum", f"must be from 1 to {len(ids)}, the number of items")
    return minimum


def _mark(row: Table, top: int) -> float | None:
    if not row.has("mark"):
        return None
    mark = row.get("mark", float, 0.0)
    if not 0 <= mark <= top:
        row.fault("mark", f"{mark:g} cannot be reached in 0 to {top}")
    return mark


def _bands(row: Table, low: int, high: int) -> tuple[Band, ...]:
    bands: list[Band] = []
    expected = low
    for table in row.tables("bands", required=False):
        band = Band(
            id=table.need("id", str, ""),
            label=table.need("label", str, ""),
            low=table.need("low", int, 0),
            high=table.need("high", int, 0),
        )
        if band.low > band.high or band.high > high or band.low < low:
            table.fault("low", f"{band.low} to {band.high} cannot be reached in {low} to {high}")
        elif band.low < expected:
            table.fault("low", f"{band.low} overlaps the band before, which ends at {expected - 1}")
        elif band.low > expected:
            table.fault("low", f"leaves {expected} to {band.low - 1} without a band")
        expected = max(expected, band.high + 1)
        table.close()
        bands.append(band)
    if bands and expected <= high:
        row.fault("bands", f"leave {expected} to {high} without a band")
    _no_twice(row, "bands", [b.id for b in bands])
    return tuple(bands)


def _reliability(row: Table) -> Reliability | None:
    if not row.has("reliability"):
        return None
    table = row.table("reliability")
    sd = table.need("sd", float, 1.0)
    if sd <= 0:
        table.fault("sd", "must be above 0")
    retest: dict[str, float] = {}
    coefficients = table.table("retest")
    for name, value in coefficients.items():
        if isinstance(value, float) and 0 < value < 1:
            retest[name] = value
        else:
            coefficients.fault(name, f"{value!r} must lie between 0 and 1")
    if not retest:
        table.fault("retest", "names no retest coefficient")
    source = table.need("source", str, "")
    table.close()
    return Reliability(sd, retest, source)


def _meaningful(row: Table) -> Meaningful | None:
    if not row.has("meaningful"):
        return None
    table = row.table("meaningful")
    points = table.list_of("points", float)
    percent = table.get("percent", float, 0.0)
    if not points or min(points) <= 0 or percent < 0:
        table.fault("points", "must be one or more numbers above 0")
    meaningful = Meaningful(
        points,
        percent or None,
        table.need("for_groups", bool, True),
        table.need("source", str, ""),
    )
    table.close()
    return meaningful


def _criteria(root: Table, scales: Sequence[Scale]) -> tuple[Criterion, ...]:
    known = {scale.id for scale in scales if scale.items}
    criteria: list[Criterion] = []
    for row in root.tables("criteria", required=False):
        criterion = Criterion(
            id=row.need("id", str, ""),
            label=row.need("label", str, ""),
            scales=row.list_of("scales", str),
            percent=row.need("percent", int, 0),
        )
        _known(row, "scales", criterion.scales, known, "scale with items")
        if not 1 <= criterion.percent <= 100:
            row.fault("percent", "must be from 1 to 100")
        row.close()
        criteria.append(criterion)
    _no_twice(root, "criteria", [c.id for c in criteria] + [s.id for s in scales])
    return tuple(criteria)


def _known(row: Table, key: str, ids: Iterable[str], known: Iterable[str], what: str) -> None:
    names = set(known)
    for name in ids:
        if name not in names:
            row.fault(key, f"there is no {what} {name!r}")
    _no_twice(row, key, ids)


def _no_twice(row: Table, key: str, ids: Iterable[str]) -> None:
    for name, count in Counter(ids).items():
        if count > 1:
            row.fault(key, f"{name!r} is used twice")


def _one_of(row: Table, key: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        row.fault(key, f"{value!r} must be one of {', '.join(allowed)}")
