"""`surveyapp report retreat NAME --all`: everybody's session PDF in one file."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from surveyapp.cli import main

COHORT = Path(__file__).parents[1] / "data" / "second-retreat"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [n for n in os.environ if n.startswith("SURVEYAPP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SURVEYAPP_DATA_DIR", str(tmp_path / "data"))
    assert main(["init"]) == 0
    assert main(["import", str(COHORT)]) == 0
    return tmp_path


def test_a_whole_retreats_session_pdfs_come_in_one_file(
    installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    path = installed / "all.zip"
    asked = ["report", "retreat", "Winter 2026", "--all"]
    assert main([*asked, "-o", str(path), "--language", "nl"]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "with 13 of 13" in said.err
    with zipfile.ZipFile(path) as packed:
        assert packed.namelist() == [f"r2-{n:02d}.pdf" for n in range(1, 14)]
    assert main([*asked, "--json"]) == 2
    assert main([*asked, "-o", str(installed / "nowhere" / "all.zip")]) == 2
    assert main(["report", "retreat", "Nowhere", "--all", "-o", str(path)]) == 2
    assert "There is no retreat 'Nowhere'." in capsys.readouterr().err
