"""What can go wrong, in sentences for people."""

from __future__ import annotations

from collections.abc import Mapping


class SetupError(Exception):
    """The installation is not ready: settings, keys, database. Commands end with exit 2."""


class InputError(Exception):
    """What was given is wrong. `problems` maps a field (or "" for the whole) to a sentence."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        super().__init__(" ".join(problems.values()))


class StaleError(InputError):
    """Somebody else changed it since it was opened. `edition` is what stands now, as the sentence
    told it; whoever has read that may go on from there."""

    def __init__(self, sentence: str, edition: int) -> None:
        super().__init__({"": sentence})
        self.edition = edition


class NotFoundError(Exception):
    """There is no such thing."""


class GoneError(Exception):
    """It was there and takes nothing any more: a closed window, answers already sent."""


class RefusedError(Exception):
    """It may not be done, or not like this."""
