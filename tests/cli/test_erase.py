"""`surveyapp erase`: what an operator reads, and what is left afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from surveyapp.cli import main
from surveyapp.services.site import Site
from tests.wholly import CODE, OTHER, add_mentions, add_wholly

Said = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _installed(sqlite_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    add_wholly(sqlite_site)
    add_mentions(sqlite_site)
    sqlite_site.database.close()
    monkeypatch.setenv("SURVEYAPP_DATABASE_URL", str(sqlite_site.database.url))
    monkeypatch.setenv("SURVEYAPP_DATA_DIR", str(sqlite_site.settings.data_dir))


def in_bytes(folder: Path, word: str) -> list[Path]:
    return [p for p in folder.rglob("*") if p.is_file() and word.encode() in p.read_bytes()]


def test_look_erase_and_verify(tmp_path: Path, capsys: Said) -> None:
    assert main(["erase", CODE, "--preview"]) == 0
    said = capsys.readouterr().out
    assert f"{CODE}: would go" in said
    assert "  2 contact details" in said
    assert in_bytes(tmp_path, CODE)
    assert main(["erase", CODE.lower(), "--reason", "asked for it"]) == 0
    done = capsys.readouterr()
    assert done.out == "erased\n"
    assert "What left the house stays" in done.err
    assert in_bytes(tmp_path, CODE) == []
    assert main(["audit", "verify"]) == 0
    assert main(["erase", CODE, "--reason", "again"]) == 2
    assert main(["erase", "--replay"]) == 0
    assert "erased again: 0" in capsys.readouterr().out
    assert main(["erase", OTHER, "--reason", "left", "--contacts-only"]) == 0


def test_what_is_wrong_is_said(capsys: Said) -> None:
    for command, sentence in (
        (["erase"], "name a study code"),
        (["erase", CODE, "--replay"], "name a study code"),
        (["erase", CODE], "--reason WORDS"),
        (["erase", "Nobody", "--reason", "x"], "nobody with the study code Nobody"),
        (["erase", CODE, "--reason", f"about {CODE}"], "must not name anybody"),
    ):
        assert main(command) == 2, command
        said = capsys.readouterr()
        assert sentence in said.err
        assert said.out == ""


def test_a_lost_ledger_is_said(sqlite_site: Site, capsys: Said) -> None:
    assert main(["erase", CODE, "--reason", "asked for it"]) == 0
    (sqlite_site.settings.ledger_folder / "erasures.jsonl").unlink()
    assert main(["erase", "--replay"]) == 1
    assert "find the lost ledger" in capsys.readouterr().err


def test_a_copy_that_cannot_be_put_down_leaves_nothing(tmp_path: Path, capsys: Said) -> None:
    there = tmp_path / "out" / "copy.zip"
    there.mkdir(parents=True)
    assert main(["copy", CODE, "-o", str(there)]) == 2
    assert "cannot be written" in capsys.readouterr().err
    assert [p.name for p in there.parent.iterdir()] == ["copy.zip"]
