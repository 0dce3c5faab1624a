"""`surveyapp import` and `export` as typed: exit codes, one line for each bad row, stdout clean."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).parent / "surveyapp"
COHORT = Path(__file__).parents[1] / "data" / "second-retreat"


@pytest.fixture
def run(tmp_path: Path):
    """The command over an installation of its own."""
    env = {"PATH": os.environ["PATH"], "SURVEYAPP_DATA_DIR": str(tmp_path / "data")}

    def command(*arguments: object) -> subprocess.CompletedProcess[str]:
        words = [str(COMMAND), *map(str, arguments)]
        done = subprocess.run(words, capture_output=True, text=True, env=env, cwd=tmp_path)
        assert "Traceback" not in done.stderr
        return done

    return command


def test_import_twice_and_export(run, tmp_path: Path) -> None:
    assert run("init").returncode == 0
    first = run("import", COHORT)
    assert (first.returncode, first.stderr) == (0, "")
    assert "13 participants, 26 courses, 104 answer sheets with 1872 answers" in first.stdout
    again = run("import", COHORT)
    assert (again.returncode, again.stdout) == (0, "Nothing is new: all of it is there already.\n")
    out = run("export", "out", "--format", "csv")
    assert out.returncode == 0
    assert (tmp_path / "out" / "codebook.md").is_file()
    refused = run("export", "out")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "out is not empty" in refused.stderr


def test_bad_rows_are_named_one_a_line(run, tmp_path: Path) -> None:
    assert run("init").returncode == 0
    bad = Path(shutil.copytree(COHORT, tmp_path / "bad"))
    lines = (bad / "responses.csv").read_text().splitlines(keepends=True)
    for number in (18, 400):
        lines[number] = lines[number].rpartition(",")[0] + ",9\n"
    (bad / "responses.csv").write_text("".join(lines))
    done = run("import", bad)
    assert (done.returncode, done.stdout) == (2, "")
    named = [line for line in done.stderr.splitlines() if line.startswith("responses.csv line ")]
    assert [line.partition(":")[0] for line in named] == [
        "responses.csv line 19",
        "responses.csv line 401",
    ]


def test_without_an_installation_they_say_what_to_run(run) -> None:
    for command in ("import", "export"):
        done = run(command, "folder")
        assert done.returncode == 2
        assert "surveyapp init" in done.stderr
