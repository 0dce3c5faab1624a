"""`surveyapp wording` as typed: exit codes, one line a fault, and nothing half installed."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from surveyapp.study.library import Library
from tests.cli.test_exchange import run as run
from tests.fillers import filled

Run = Callable[..., subprocess.CompletedProcess[str]]
PERMISSION = {
    "--language": "en",
    "--basis": "written permission",
    "--holder": "Filler House",
    "--reference": "letter of 2 May",
    "--electronic": "yes",
    "--languages": "en nl",
    "--reproduction": "no",
    "--expires": "never",
    "--maximum": "500",
}


def options(**change: str) -> list[str]:
    chosen = PERMISSION | {f"--{name}": value for name, value in change.items()}
    return [word for pair in chosen.items() for word in pair]


def test_from_the_template_to_the_list(run: Run, tmp_path: Path, library: Library) -> None:
    made = run("wording", "template", "meq30", "-o", "meq30.csv")
    assert (made.returncode, made.stdout) == (0, "")
    assert run("wording", "template", "meq30", "-o", "meq30.csv").returncode == 2
    assert run("init").returncode == 0
    unfilled = run("wording", "install", "meq30", "meq30.csv", *options())
    assert (unfilled.returncode, unfilled.stdout) == (2, "")
    # The title, the recall line, six answers that every item shares, and thirty items.
    assert unfilled.stderr.count("is still to be filled in.\n") == 38
    (tmp_path / "meq30.csv").write_bytes(filled(library.instruments["meq30"]))
    looked = run("wording", "install", "meq30", "meq30.csv", *options(), "--dry-run")
    assert looked.stdout.startswith("would install meq30 in en: 30 items, ")
    assert "written permission" not in run("wording", "list").stdout
    done = run("wording", "install", "meq30", "meq30.csv", *options())
    assert (done.returncode, done.stderr) == (0, "")
    line = next(x for x in run("wording", "list").stdout.splitlines() if "installed" in x)
    assert line.startswith("meq30 en: installed; ")
    assert line.endswith(
        "; written permission, Filler House, letter of 2 May; uses 0 of 500; without end"
    )


def test_what_is_wrong_is_a_sentence(run: Run, tmp_path: Path, library: Library) -> None:
    assert run("init").returncode == 0
    (tmp_path / "x.csv").write_bytes(filled(library.instruments["hads"]))
    for words, said in (
        (["hads", "none.csv", *options()], "none.csv cannot be read"),
        (["phq9", "x.csv", *options()], "There is no instrument 'phq9'"),
        (["hads", "x.csv", *options(expires="2020-01-01")], "lies in the past"),
        (["meq30", "x.csv", *options()], "recall: must name the session"),
    ):
        done = run("wording", "install", *words)
        assert (done.returncode, done.stdout) == (2, "")
        assert said in done.stderr
    assert run("wording", "install", "hads", "x.csv").returncode == 2
    assert "installed" not in run("wording", "list").stdout
