"""The front door: help, exit codes, no set-up, quick start, and the shelf's own check."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from surveyapp.cli import main
from surveyapp.resources import resource

COMMAND = Path(sys.executable).parent / "surveyapp"
HEAVY = ("flask", "sqlalchemy", "pydantic", "weasyprint", "apscheduler", "cryptography")
NEEDING_NOTHING = [
    ["--help"],
    ["score", "--help"],
    ["score", "ratings", "--values", "3,4"],
    ["rehearse", "second-retreat", "--anchor", "dosing=2027-03-20", "--time-zone", "UTC"],
    ["instruments", "check"],
]


def run(*arguments: str, **more) -> subprocess.CompletedProcess[str]:
    return subprocess.run([COMMAND, *arguments], capture_output=True, text=True, **more)


@pytest.mark.parametrize("arguments", NEEDING_NOTHING)
def test_needs_no_setting_database_or_folder(arguments, tmp_path):
    done = run(*arguments, env={}, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", NEEDING_NOTHING)
def test_starts_without_heavy_libraries(arguments):
    program = (
        "import sys\nfrom surveyapp.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        f"sys.exit(str([m for m in {HEAVY!r} if m in sys.modules] or ''))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True
    )
    assert done.stderr.strip() == ""


def test_an_ascii_terminal_gets_help_too():
    assert run("score", "--help", env={"PYTHONIOENCODING": "ascii"}).returncode == 0


@pytest.mark.parametrize("arguments", [[], ["no-such-command"], ["--no-such-option"]])
def test_wrong_words_end_with_2(arguments):
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


def test_a_reader_that_leaves_early_hears_no_complaint():
    arguments = [COMMAND, "instruments", "check"]
    with subprocess.Popen(
        ["bash", "-c", '"$@" | true; exit ${PIPESTATUS[0]}', "-", *arguments],
        stderr=subprocess.PIPE,
        env=os.environ,
    ) as process:
        _, err = process.communicate()
    assert (process.returncode, err) == (0, b"")


WEEKS = ", ".join(f"week-{n:02}" for n in range(1, 13))
PLACEHOLDERS = ", ".join(f"{language} (placeholder)" for language in ("de", "en", "es", "nl"))


def test_check_lists_what_is_there(capsys):
    assert main(["instruments", "check"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"instrument hads 1: 14 items, 3 scales; wording {PLACEHOLDERS}",
        f"instrument meq30 1: 30 items, 5 scales; wording {PLACEHOLDERS}",
        "instrument ratings 1: 2 items, 2 scales; wording de, en, es, nl",
        f"protocol chronic-pain 1: timepoints baseline, {WEEKS}",
        "protocol mdma 1: timepoints baseline, session-1, ratings-1, session-2, ratings-2,"
        " session-3, ratings-3, week-8-after-third",
        "protocol second-retreat 1: timepoints baseline, day-8, week-24",
    ]


def test_check_names_file_key_and_fault(tmp_path, monkeypatch, capsys):
    shelf = shutil.copytree(resource("instruments"), tmp_path / "instruments")
    key = shelf / "hads/instrument.toml"
    key.write_text(key.read_text().replace("minutes = 4", "minutes = 0\ncolour = 1"))
    monkeypatch.setenv("SURVEYAPP_INSTRUMENTS_DIR", str(shelf))
    assert main(["instruments", "check"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "hads/instrument.toml: colour: unknown key" in said.err
    assert "hads/instrument.toml: minutes: must be 1 or more" in said.err


def test_a_missing_shelf_is_a_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SURVEYAPP_INSTRUMENTS_DIR", str(tmp_path / "nowhere"))
    assert main(["score", "hads", "--values", "1"]) == 2
    assert "nowhere" in capsys.readouterr().err


def test_a_paper_that_is_not_known_is_a_sentence(tmp_path, monkeypatch, capsys):
    asked = ["report", "participant", "X", "-o", str(tmp_path / "x.pdf")]
    with pytest.raises(SystemExit, match="2"):
        main([*asked, "--paper", "legal"])
    monkeypatch.setenv("SURVEYAPP_PAPER", "legal")
    assert main(asked) == 2
    assert "SURVEYAPP_PAPER is wrong" in capsys.readouterr().err
