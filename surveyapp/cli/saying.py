"""What a command says: its result on stdout, everything else on stderr."""

from __future__ import annotations

import json
import sys


class CommandError(Exception):
    """A sentence for the person at the terminal; `code` 2 is wrong input or set-up, 1 a failure."""

    def __init__(self, sentence: str, code: int = 2) -> None:
        self.code = code
        super().__init__(sentence)


def result(text: str) -> None:
    """One piece of the result."""
    print(text)


def result_json(value: object) -> None:
    """The result as JSON; numbers are not rounded."""
    print(json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False))


def say(sentence: str) -> None:
    """Anything that is not the result."""
    print(f"surveyapp: {sentence}", file=sys.stderr)
