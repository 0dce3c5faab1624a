"""A `surveyapp demo` in a process of its own, and the doors it prints."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

COMMAND = Path(sys.executable).parent / "surveyapp"


@dataclass(frozen=True)
class Doors:
    """What a newcomer reads on the terminal."""

    participant: str
    staff: str
    email: str
    password: str


@contextmanager
def running_demo() -> Generator[Doors]:
    """Runs until the block ends; it must then end by itself, and in peace."""
    process = subprocess.Popen(
        [COMMAND, "demo", "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ["PATH"]},
    )
    try:
        assert process.stdout is not None
        participant = process.stdout.readline().removeprefix("participant: ").strip()
        staff, email, password = process.stdout.readline().removeprefix("staff: ").split()
        yield Doors(participant, staff, email, password)
    finally:
        process.terminate()
        process.communicate(timeout=20)
    assert process.returncode == 0
