"""`audit verify` and `audit head`: the head alone on stdout, or the first bad row."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from surveyapp.cli import main
from surveyapp.config import load_settings

from .test_operate import home as home


@pytest.fixture
def head(home: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    main(["init"])
    capsys.readouterr()
    path = home / "head.json"
    assert main(["audit", "head", "-o", str(path)]) == 0
    assert capsys.readouterr().out.strip() == json.loads(path.read_text())["head"]
    return path


def test_a_head_kept_outside_says_whether_the_trail_goes_on(
    head: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", "verify", "--head", str(head)]) == 0
    said = capsys.readouterr()
    assert said.out.strip() == json.loads(head.read_text())["head"]
    assert "It continues the" in said.err
    database = sqlite3.connect(load_settings().data_dir / "surveyapp.db")
    for table in ("event_payload", "event"):
        for (name,) in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", (table,)
        ).fetchall():
            database.execute(f"DROP TRIGGER {name}")
        database.execute(f"DELETE FROM {table}")
    database.commit()
    database.close()
    assert main(["audit", "verify"]) == 0
    capsys.readouterr()
    assert main(["audit", "verify", "--head", str(head)]) == 1
    assert "chain system is gone" in capsys.readouterr().out


@pytest.mark.parametrize("content", [None, "", "{}"])
def test_a_wrong_head_file_ends_with_a_sentence(
    home: Path, capsys: pytest.CaptureFixture[str], content: str | None
) -> None:
    main(["init"])
    capsys.readouterr()
    path = home / "other.json"
    if content is not None:
        path.write_text(content)
    assert main(["audit", "verify", "--head", str(path)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "other.json" in said.err


def test_a_place_that_cannot_be_written_ends_with_a_sentence(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["init"])
    capsys.readouterr()
    assert main(["audit", "head", "-o", str(home / "nowhere" / "head.json")]) == 2
    assert "cannot be written" in capsys.readouterr().err
