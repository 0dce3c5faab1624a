"""Keep an installation of today's schema, for the tests of later programs.

Run `python -m tests.keep_schema` before a migration is added. It writes `NNNN.sql` in
`tests/data/schemas`, an installation with two people of the synthetic study, and `reports.json`,
what is reported of them, which no schema changes. Only the command line is used, so that an
earlier program can be asked the same.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

DATA = Path(__file__).parent / "data"
KEPT = DATA / "schemas"
PEOPLE = ("R2-02", "R2-05")
RETREAT = "Spring 2025"
KEYS = {
    "SURVEYAPP_SECRET_KEY": "kept-schemas-" * 4,
    "SURVEYAPP_CONTACT_KEYS": "a2VwdC1zY2hlbWFzLWtlcHQtc2NoZW1hcy1rZXB0LTE=",
}
"""Of these synthetic installations alone."""

RUN = [sys.executable, "-c", "import sys; from surveyapp.cli import main; sys.exit(main())"]


def surveyapp(folder: Path, *words: str) -> str:
    """What a command of the program that Python finds first prints as its result."""
    environment = {**os.environ, **KEYS, "SURVEYAPP_DATA_DIR": str(folder / "data")}
    done = subprocess.run([*RUN, *words], env=environment, stdout=subprocess.PIPE, check=True)
    return done.stdout.decode()


def reports(folder: Path) -> dict[str, dict[str, object]]:
    """The numbers that the program shows of the retreat and of each person."""
    paper = str(folder / "report.pdf")
    found = {RETREAT: surveyapp(folder, "report", "retreat", RETREAT, "-o", paper, "--json")}
    for code in PEOPLE:
        found[code] = surveyapp(folder, "report", "participant", code, "-o", paper, "--json")
    told = {name: json.loads(text) for name, text in found.items()}
    for report in told.values():
        del report["data_as_of"]
    return told


def write_people(folder: Path) -> Path:
    """The synthetic study's files with two of its people."""
    folder.mkdir()
    for path in (DATA / "second-retreat").glob("*.csv"):
        header, *lines = path.read_text("utf-8").splitlines(keepends=True)
        theirs = [line for line in lines if line.startswith(PEOPLE)]
        (folder / path.name).write_text("".join([header, *theirs]), "utf-8")
    return folder


def main() -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        surveyapp(folder, "init")
        surveyapp(folder, "import", str(write_people(folder / "people")))
        told = reports(folder)
        database = sqlite3.connect(folder / "data" / "surveyapp.db")
        (revision,) = database.execute("SELECT version_num FROM alembic_version").fetchone()
        lines = [line + "\n" for line in database.iterdump()]
        database.close()
    KEPT.mkdir(exist_ok=True)
    (KEPT / f"{revision}.sql").write_text("".join(lines), "utf-8")
    (KEPT / "reports.json").write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    print(f"kept schema {revision} in {KEPT}")


if __name__ == "__main__":
    main()
