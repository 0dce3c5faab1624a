"""A data manager brings last year's study in and reads the group's numbers, on the command line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

COMMAND = Path(sys.executable).parent / "surveyapp"
STUDY = Path(__file__).parents[1] / "data" / "second-retreat"
PLACES = {"mean": 2, "sd": 2, "percent": 0}
"""Decimals to which the published numbers are rounded; all others are whole."""


class Installation:
    """A fresh installation, and the command over it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._env = {"PATH": os.environ["PATH"], "SURVEYAPP_DATA_DIR": str(folder / "data")}

    def run(self, *words: object) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [COMMAND, *map(str, words)],
            capture_output=True,
            text=True,
            env=self._env,
            cwd=self._folder,
            timeout=120,
        )
        assert "Traceback" not in done.stderr
        return done

    def ran(self, *words: object) -> str:
        """The output of a command that has to succeed."""
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def numbers(self, retreat: str = "Winter 2026") -> dict[str, Any]:
        return json.loads(self.ran("report", "retreat", retreat, "--json"))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation that holds the study."""
    installation = Installation(tmp_path_factory.mktemp("installation"))
    installation.ran("init")
    installation.ran("import", STUDY)
    return installation


def as_published(row: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of `wanted` from a row, rounded as they were published."""
    return {key: round(row[key], PLACES[key]) if key in PLACES else row[key] for key in wanted}


def the_row(rows: Sequence[Mapping[str, Any]], wanted: Mapping[str, Any]) -> Mapping[str, Any]:
    names = [key for key in ("course", "timepoint", "instrument", "scale") if key in wanted]
    found = [row for row in rows if all(row[key] == wanted[key] for key in names)]
    assert len(found) == 1, wanted
    return found[0]


def test_every_published_number_comes_out(study: Installation) -> None:
    published = json.loads((STUDY / "expected.json").read_text())
    numbers = study.numbers()
    assert [len(published[t]) for t in ("scores", "complete_mystical", "booster")] == [18, 2, 2]
    for table, rows in published.items():
        for row in rows:
            assert as_published(the_row(numbers[table], row), row) == row


def test_the_same_import_again_changes_nothing(study: Installation) -> None:
    before = study.numbers()
    assert study.ran("import", STUDY) == "Nothing is new: all of it is there already.\n"
    assert study.numbers() == before


def test_one_bad_row_is_named_and_nothing_of_its_folder_gets_in(
    study: Installation, tmp_path: Path
) -> None:
    """Beside the bad answer stands a person who is new and sound; they stay outside too."""
    before = study.numbers()
    folder = Path(shutil.copytree(STUDY, tmp_path / "study"))
    lines = (folder / "responses.csv").read_text().splitlines(keepends=True)
    lines[400] = f"{lines[400].rpartition(',')[0]},9\n"
    (folder / "responses.csv").write_text("".join(lines))
    with (folder / "participants.csv").open("a") as people:
        people.write("R2-14,en,America/Los_Angeles,Winter 2026,1,2026-02-14,25,,\n")
    done = study.run("import", folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert "responses.csv line 401:" in done.stderr
    assert study.numbers() == before


def test_nothing_is_there_to_report_before_the_import(tmp_path: Path) -> None:
    empty = Installation(tmp_path)
    empty.ran("init")
    done = empty.run("report", "retreat", "Winter 2026", "--json")
    assert done.returncode == 2
    assert "Winter 2026" in done.stderr
