"""Turns of SQLite's writers: one at a time, gone with its holder, and never a reason to stop."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from surveyapp.store import turns
from surveyapp.store.turns import turn


def test_one_at_a_time(tmp_path: Path) -> None:
    inside, most = 0, 0

    def write() -> None:
        nonlocal inside, most
        for _ in range(50):
            with turn(tmp_path / "lock"):
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_a_holder_that_died_holds_nobody_up(tmp_path: Path) -> None:
    program = (
        "import os, sys\nfrom pathlib import Path\nfrom surveyapp.store.turns import turn\n"
        "with turn(Path(sys.argv[1])):\n    os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path / "lock")])
    assert done.returncode == -9
    with turn(tmp_path / "lock"):
        pass


def test_who_waits_too_long_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "WAIT_SECONDS", 0.01)
    with turn(tmp_path / "lock"), turn(tmp_path / "lock"):
        pass


def test_a_folder_that_cannot_be_written_is_no_reason_to_stop(tmp_path: Path) -> None:
    with turn(tmp_path / "nowhere" / "lock"):
        pass
