"""Export: CSV files with codebook and checksums, written aside and put in place in one move."""

from __future__ import annotations

import csv
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any

from ...store import roster, trail
from ...store.database import Session
from ...store.dump import PersonDump, person_dumps, snapshot
from ...store.notices import all_versions
from ...store.scopes import Scope
from ..errors import RefusedError
from ..invitations import Ways
from ..permissions import KeptBack, Permits
from ..programme import every_programme
from ..site import Site
from ..spreadsheet import safe_text
from . import codebook, texts
from .columns import TABLES, Table
from .tables import Row, Rows, Value, notice_rows, rows_of, session_rows

CHECKSUMS = "checksums.sha256"


def _tell_nobody(count: int) -> None:
    del count


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


@dataclass(frozen=True)
class Part:
    """What is written: of which retreats (None: of every one), and which columns of which tables;
    `with_wording` also the texts of questionnaires, where their permission covers that. `tell`
    hears how many people are done."""

    scope: Scope = None
    tables: Sequence[Table] = TABLES
    tell: Callable[[int], None] = _tell_nobody
    with_wording: bool = False


def export_folder(
    site: Site, folder: Path, now: datetime, actor: str = "export", part: Part | None = None
) -> Exported:
    """Write the tables, the codebook and the checksums to a new or empty folder.

    Raises RefusedError when the folder is not empty or cannot be written; nothing is left then.
    """
    part = part or Part()
    _refuse_taken(folder)
    with _written_aside(folder) as aside:
        rows = _write_tables(site, aside, now, part)
        left_out = _write_codebook(site, aside, now, part)
        sha256 = _write_checksums(aside)
    with site.database.write() as session:
        payload: dict[str, object] = {
            "folder": folder.name,
            "sha256": sha256,
            "with_wording": part.with_wording,
        }
        if part.scope is not None:
            payload["retreats"] = sorted(part.scope)
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


def _write_tables(site: Site, folder: Path, now: datetime, part: Part) -> dict[str, int]:
    counts = {table.name: 0 for table in part.tables}
    with ExitStack() as stack:
        writers = {table.name: _open(table, folder, stack) for table in part.tables}
        session = stack.enter_context(snapshot(site.database))
        of_people = _of_people(session, site, now, part)
        for rows in chain(_of_studies(session, site, part.scope), of_people):
            for table in part.tables:
                writers[table.name].writerows(_lines(table, rows[table.name]))
                counts[table.name] += len(rows[table.name])
    return counts


def _of_people(session: Session, site: Site, now: datetime, part: Part) -> Iterator[Rows]:
    permits = Permits(session, site, limited_only=True)
    for count, dump in enumerate(person_dumps(session, site.library, part.scope), 1):
        yield rows_of(dump, now, _kept_back(session, site, dump, permits))
        part.tell(count)


def _of_studies(session: Session, site: Site, scope: Scope) -> list[Rows]:
    """What belongs to no person."""
    known = {found.study.id for found in roster.studies(session, scope)}
    return [
        notice_rows([row for row in all_versions(session) if row.study_id in known]),
        session_rows(every_programme(session, site, scope)),
    ]


def _kept_back(session: Session, site: Site, dump: PersonDump, permits: Permits) -> KeptBack | None:
    if not dump.courses:
        return None
    context = dump.courses[0].context
    return Ways.of(session, site, [context], permits).kept_back(context)


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


def _write_codebook(site: Site, folder: Path, now: datetime, part: Part) -> tuple[str, ...]:
    """The codebook, and the texts where they are wanted; what may not be written out."""
    with site.database.read() as session:
        installed = list(texts.codebook_lines(session, site))
        found = texts.texts_of(session, site) if part.with_wording else texts.Texts((), ())
    text = codebook.codebook_text(site.library, now, version("surveyapp"), part.tables)
    (folder / "codebook.md").write_text(text, "utf-8")
    with (folder / "codebook.csv").open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(codebook.HEADER)
        writer.writerows(_texts([*codebook.codebook_rows(site.library, part.tables), *installed]))
    if part.with_wording:
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
