"""Names of the worker's backups, and which of them are kept.

Kept are the newest of each of the last 7 days, 4 weeks and 6 months that have any. Older ones go,
once a newer one was found whole. Only files that this installation made count and go: another may
write to the same folder.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path

KEPT = {"%Y-%m-%d": 7, "%G-%V": 4, "%Y-%m": 6}
"""How many days, weeks and months, each by how it is written."""
STAMP = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(r"surveyapp-(\d{8}T\d{6}Z)\.age")


def name_of(at: datetime) -> str:
    """surveyapp-20270301T020000Z.age"""
    return f"surveyapp-{at.astimezone(UTC).strftime(STAMP)}.age"


def made_at(path: Path) -> datetime:
    """When a file with such a name was made; the beginning of time for another name."""
    found = _NAME.fullmatch(path.name)
    if found is None:
        return datetime.min.replace(tzinfo=UTC)
    return datetime.strptime(found[1], STAMP).replace(tzinfo=UTC)


def backups(folder: Path) -> list[Path]:
    """The backups in a folder, oldest first. Raises OSError."""
    return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))


def to_delete(paths: Sequence[Path], ours: Collection[str]) -> list[Path]:
    """Those that are not kept any more, of what this installation made."""
    newest_first = sorted((p for p in paths if p.name in ours), key=made_at, reverse=True)
    kept: set[Path] = set(newest_first[:1])
    for period, count in KEPT.items():
        kept |= _newest_of_each(newest_first, period, count)
    return [path for path in newest_first if path not in kept]


def _newest_of_each(newest_first: Sequence[Path], period: str, count: int) -> set[Path]:
    found: dict[str, Path] = {}
    for path in newest_first:
        found.setdefault(made_at(path).strftime(period), path)
    return set(list(found.values())[:count])
