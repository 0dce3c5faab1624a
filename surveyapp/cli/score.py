"""`surveyapp score`: the scores of one answer sheet."""

from __future__ import annotations

import argparse
import re

from ..study.instrument import Instrument
from ..study.scoring import AnswerError, Answers, Scored, score
from . import shelf
from .parsing import Commands
from .saying import CommandError, result_json

NUMBER = re.compile(r"-?[0-9]+")


def add(commands: Commands) -> None:
    """Describe the command."""
    command = commands.add_parser(
        "score",
        help="score one answer sheet",
        description="Prints the scores of one answer sheet as JSON. Answers stand in the order"
        " of the instrument's items, parted by commas; an empty field is a missing answer.",
        allow_abbrev=False,
    )
    command.add_argument("instrument", metavar="INSTRUMENT")
    answers = command.add_mutually_exclusive_group(required=True)
    answers.add_argument("--values", metavar="3,,1,...", help="the options' values")
    answers.add_argument(
        "--positions", metavar="0,,2,...", help="the options' places, counted from 0 at the top"
    )
    command.add_argument(
        "--language", metavar="LANG", help="whose order of options --positions counts (default en)"
    )
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the scores."""
    instrument = shelf.instrument(arguments.instrument)
    if arguments.values is not None:
        if arguments.language is not None:
            raise CommandError("--language belongs to --positions; values are the same everywhere")
        answers = _fields(instrument, arguments.values)
    else:
        answers = _from_positions(instrument, arguments.positions, arguments.language or "en")
    try:
        scored = score(instrument, answers)
    except AnswerError as error:
        raise CommandError(str(error)) from error
    result_json(_as_json(instrument, scored))
    return 0


def _fields(instrument: Instrument, text: str) -> dict[str, int | None]:
    fields = [field.strip() for field in text.split(",")]
    if len(fields) != len(instrument.items):
        raise CommandError(
            f"{instrument.name} has {len(instrument.items)} items, but {len(fields)} were given"
        )
    return {
        item.id: _number(item.id, field)
        for item, field in zip(instrument.items, fields, strict=True)
    }


def _number(item: str, field: str) -> int | None:
    if not field:
        return None
    if not NUMBER.fullmatch(field) or len(field) > 9:
        raise CommandError(f"item {item}: {field!r} is not a whole number")
    return int(field)


def _from_positions(instrument: Instrument, text: str, language: str) -> Answers:
    if language not in instrument.wordings:
        listed = ", ".join(instrument.wordings)
        raise CommandError(f"{instrument.name} has no wording in {language!r}, only in {listed}")
    options = instrument.wordings[language].options
    answers: dict[str, int | None] = {}
    for item, position in _fields(instrument, text).items():
        last = len(options[item]) - 1
        if position is not None and not 0 <= position <= last:
            raise CommandError(f"item {item} has the positions 0 to {last}, not {position}")
        answers[item] = None if position is None else options[item][position].value
    return answers


def _as_json(instrument: Instrument, scored: Scored) -> dict[str, object]:
    scales = {
        name: {
            "value": s.value,
            "answered": s.answered,
            "of": s.of,
            "estimated": s.estimated,
            "band": s.band,
        }
        for name, s in scored.scales.items()
    }
    complete = scored.criteria.get("complete_mystical")
    return {"instrument": instrument.id, "scales": scales, "complete_mystical": complete}
