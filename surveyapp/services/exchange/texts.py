"""The texts of wordings in an export: only when asked for, and only where that is permitted."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...store import wordings
from ...store.database import Session
from ...study.instrument import Wording
from ...study.reading import FaultsFoundError
from ..permissions import Permits
from ..site import Site
from ..spreadsheet import safe_text

FILE = "wordings.csv"
HEADER = ("instrument", "language", "sha256", "item", "position", "value", "text")


@dataclass(frozen=True)
class Texts:
    """What may be written out, and what may not, in words."""

    written: tuple[Wording, ...]
    left_out: tuple[str, ...]


def texts_of(session: Session, site: Site) -> Texts:
    """Every text that ships, and every installed one whose permission covers reproduction."""
    written = [w for i in site.library.instruments.values() for w in i.wordings.values()]
    left_out: list[str] = []
    for standing in Permits(session, site).all().values():
        row = standing.held.wording
        if not standing.held.permission.reproduction:
            left_out.append(f"{row.instrument} {row.language} {row.sha256[:12]}")
            continue
        asked, kept = site.library.instruments[row.instrument], (row.sha256, row.language)
        try:
            written.append(wordings.text_of(session, asked, *kept, placeholder=False))
        except FaultsFoundError:
            about = f"{row.instrument} {row.language} {row.sha256[:12]}"
            left_out.append(f"{about} (made for another version of the key)")
    return Texts(tuple(written), tuple(left_out))


def write_texts(texts: Texts, folder: Path) -> None:
    with (folder / FILE).open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(HEADER)
        for wording in texts.written:
            about = wording.instrument, wording.language, wording.sha256
            writer.writerows((*about, *row) for row in _rows(wording))


def _rows(wording: Wording) -> Iterator[tuple[str, str, str, str]]:
    for name in ("title", "recall", "stem", "notice"):
        yield name, "", "", safe_text(getattr(wording, name))
    for item, text in wording.texts.items():
        yield item, "", "", safe_text(text)
        for position, option in enumerate(wording.options[item]):
            yield item, str(position), str(option.value), safe_text(option.text)


def codebook_lines(session: Session, site: Site) -> Iterator[tuple[str, ...]]:
    """A line of the codebook for each installed wording: its hash and whose it is, no text."""
    for standing in Permits(session, site).all().values():
        row, permission = standing.held.wording, standing.held.permission
        about = f"installed texts, SHA-256 {row.sha256}. {permission.holder}, "
        yield "wording", row.instrument, row.language, "", "", f"{about}{permission.reference}."
