"""The command line: one small module per group of commands.

Each module's `add` describes its commands to the parser and names the function that runs them.
Describing must stay light, so heavy libraries are imported inside those functions. The result
alone goes to stdout. Exit 0 done, 1 failed or not verified, 2 wrong input or set-up, always with
a sentence and never with a traceback.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import cast

from ..study.reading import FaultsFoundError
from . import (
    account,
    audit,
    backup,
    demo,
    erase,
    exchange,
    instruments,
    keeping,
    keys,
    operate,
    rehearse,
    report,
    score,
    wording,
)
from .saying import CommandError, say

GROUPS = (
    score,
    rehearse,
    instruments,
    operate,
    exchange,
    report,
    account,
    audit,
    backup,
    keys,
    erase,
    keeping,
    wording,
    demo,
)

Run = Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code."""
    try:
        code = _run(argv)
        sys.stdout.flush()
    except BrokenPipeError:
        return _reader_left()
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # the last door: whatever went wrong, a person reads a sentence
        say(_sentence(error))
        return _code(error)
    return code


def _run(argv: Sequence[str] | None) -> int:
    arguments = parser().parse_args(argv)
    return cast(Run, arguments.run)(arguments)


def parser() -> argparse.ArgumentParser:
    """Every command with its options."""
    front = argparse.ArgumentParser(
        prog="surveyapp",
        description="Questionnaires around retreats: scores, schedules, prompts, reports.",
        allow_abbrev=False,
    )
    commands = front.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for group in GROUPS:
        group.add(commands)
    return front


def _sentence(error: Exception) -> str:
    if isinstance(error, (CommandError, FaultsFoundError)):
        return str(error)
    return f"failed: {str(error) or type(error).__name__}"


def _code(error: Exception) -> int:
    if isinstance(error, CommandError):
        return error.code
    return 2 if isinstance(error, FaultsFoundError) else 1


def _reader_left() -> int:
    """The reader of a pipe closed it; keep Python from complaining again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
