"""Export: CSV files with codebook and checksums, written aside and put in place in one move."""

from __future__ import annotations

import csv
import hashlib
import shutil
import tempfile
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any

from ...store import trail
from ...store.database import Session
from ...store.dump import PersonDump, person_dumps, snapshot
from ...store.notices import all_versions
from ..errors import RefusedError
from ..invitations import Ways
from ..permissions import KeptBack
from ..programme import every_programme
from ..site import Site
from ..spreadsheet import safe_text
from . import codebook, texts
from .columns import TABLES, Table
from .tables import Row, Rows, Value, notice_rows, rows_of, session_rows

CHECKSUMS = "checksums.sha256"


@dataclass(frozen=True)
class Exported:
    """How many rows each data file has, the SHA-256 of every file, and the wordings whose texts
    were asked for and may not be written out."""

    rows: Mapping[str, int]
    sha256: Mapping[str, str]
    left_out: tuple[str, ...] = ()

    def sentence(self, folder: Path) -> str:
        total = sum(self.rows.values())
        said = f"Wrote {len(self.sha256) + 1} files with {total} rows to {folder}."
        if not self.left_out:
            return said
        return f"{said} No permission to write out the texts of {', '.join(self.left_out)}."


def export_folder(
    site: Site, folder: Path, now: datetime, actor: str = "export", *, with_wording: bool = False
) -> Exported:
    """Write every table, the codebook and the checksums to a new or empty folder; `with_wording`
    also the texts of questionnaires, where their permission covers that.

    Raises RefusedError when the folder is not empty or cannot be written; nothing is left then.
    """
    _refuse_taken(folder)
    with _written_aside(folder) as aside:
        rows = _write_tables(site, aside, now)
        left_out = _write_codebook(site, aside, now, with_wording=with_wording)
        sha256 = _write_checksums(aside)
    with site.database.write() as session:
        payload = {"folder": folder.name, "sha256": sha256, "with_wording": with_wording}
        trail.append(session, trail.SYSTEM, "data exported", actor, now, payload)
    return Exported(rows, sha256, left_out)


def _refuse_taken(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise RefusedError(f"{folder} is a file. Name a new folder.")
    if folder.is_dir() and any(folder.iterdir()):
        raise RefusedError(f"{folder} is not empty. Name a new folder.")


@contextmanager
def _written_aside(folder: Path) -> Generator[Path]:
    """A folder beside the wanted one, which it becomes when all is written."""
    aside: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        yield aside
        aside.rename(folder)
    except OSError as error:
        raise RefusedError(f"{folder} cannot be written: {error.strerror}.") from error
    finally:
        if aside is not None and aside.exists():
            shutil.rmtree(aside)


def _write_tables(site: Site, folder: Path, now: datetime) -> dict[str, int]:
    counts = {table.name: 0 for table in TABLES}
    with ExitStack() as stack:
        writers = {table.name: _open(table, folder, stack) for table in TABLES}
        session = stack.enter_context(snapshot(site.database))
        people = (
            rows_of(dump, site.library, now, _kept_back(session, site, dump))
            for dump in person_dumps(session, site.library)
        )
        for rows in chain(_of_studies(session, site), people):
            for table in TABLES:
                writers[table.name].writerows(_lines(table, rows[table.name]))
                counts[table.name] += len(rows[table.name])
    return counts


def _of_studies(session: Session, site: Site) -> list[Rows]:
    """What belongs to no person."""
    return [
        notice_rows(all_versions(session)),
        session_rows(every_programme(session, site)),
    ]


def _kept_back(session: Session, site: Site, dump: PersonDump) -> KeptBack | None:
    if not dump.courses:
        return None
    context = dump.courses[0].context
    return Ways.of(session, site, [context]).kept_back(context)


def _open(table: Table, folder: Path, stack: ExitStack) -> Any:
    lines = (folder / table.name).open("w", encoding="utf-8", newline="")
    writer = csv.writer(stack.enter_context(lines), lineterminator="\n")
    writer.writerow([column.name for column in table.columns])
    return writer


def _lines(table: Table, rows: Iterable[Row]) -> Iterator[list[str]]:
    for row in rows:
        yield [_cell(row[c.name], c.kind == "text") for c in table.columns]


def _cell(value: Value, is_text: bool) -> str:
    """A value as its kind is written; only a text can pass for a spreadsheet's formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        utc = value.tzinfo == UTC
        return value.isoformat().replace("+00:00", "Z") if utc else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    text = str(value)
    return safe_text(text) if is_text else text


def _write_codebook(
    site: Site, folder: Path, now: datetime, *, with_wording: bool
) -> tuple[str, ...]:
    """The codebook, and the texts where they are wanted; what may not be written out."""
    with site.database.read() as session:
        installed = list(texts.codebook_lines(session, site))
        found = texts.texts_of(session, site) if with_wording else texts.Texts((), ())
    text = codebook.codebook_text(site.library, now, version("surveyapp"))
    (folder / "codebook.md").write_text(text, "utf-8")
    with (folder / "codebook.csv").open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(codebook.HEADER)
        writer.writerows(_texts([*codebook.codebook_rows(site.library), *installed]))
    if with_wording:
        texts.write_texts(found, folder)
    return found.left_out


def _texts(rows: Iterable[Sequence[str]]) -> Iterator[list[str]]:
    for row in rows:
        yield [_cell(cell, is_text=True) for cell in row]


def _write_checksums(folder: Path) -> dict[str, str]:
    found = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.iterdir())}
    lines = "".join(f"{digest}  {name}\n" for name, digest in found.items())
    (folder / CHECKSUMS).write_text(lines, "utf-8")
    return found
