"""What participants' pages send, read strictly: anything else is refused with a sentence.

Nothing of a body is used before all of it was understood, so a bad one changes nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NoReturn, cast

from werkzeug.datastructures import MultiDict

from ..services.answering import Tap
from ..services.errors import InputError

MOST_ANSWERS = 500
LONGEST = 100
NUMBER = re.compile(r"-?\d{1,6}")
SKIP = "skip"
SPEAK = "speak-"
# A phone's clock in milliseconds: anything a date can hold, before or after our time.
CLOCK_RANGE = 8.64e15
LONGEST_AGE = timedelta(days=400)


@dataclass(frozen=True)
class Delivery:
    """The capability to write and the answers to keep."""

    write: str
    taps: Sequence[Tap]


def read_delivery(body: bytes) -> Delivery:
    """`{"w", "sent_at", "answers": [{"instrument", "item", "value", "at"}]}`, times in ms of the
    phone's clock. Raises InputError."""
    try:
        found: object = json.loads(body)
    except (ValueError, RecursionError):
        _refuse("It is not JSON.")
    fields = _object(found, {"w", "sent_at", "answers"})
    sent_at = _clock(fields["sent_at"])
    rows = fields["answers"]
    if not isinstance(rows, list) or len(cast(list[object], rows)) > MOST_ANSWERS:
        _refuse(f"It must hold at most {MOST_ANSWERS} answers.")
    taps = [_tap(row, sent_at) for row in cast(list[object], rows)]
    return Delivery(_text(fields["w"]), taps)


def read_form(instrument: str, form: MultiDict[str, str]) -> Delivery:
    """The whole questionnaire as a form: `w`, `do`, and `a-ITEM` for what was chosen."""
    fields = _single(form)
    if not fields.pop("do", "").startswith(("later", "review", SPEAK)):
        _refuse("It does not say what to do.")
    write = _text(fields.pop("w", None))
    return Delivery(write, [_chosen(instrument, name, fields[name]) for name in fields])


def read_send(form: MultiDict[str, str]) -> str:
    """The capability from the form that sends. Raises InputError."""
    fields = _single(form)
    if set(fields) != {"w"}:
        _refuse("It holds more or less than the page sends.")
    return _text(fields["w"])


def _tap(row: object, sent_at: float) -> Tap:
    fields = _object(row, {"instrument", "item", "value", "at"})
    value = fields["value"]
    if value is not None and type(value) is not int:
        _refuse("A value must be a whole number or null.")
    age = timedelta(milliseconds=sent_at - _clock(fields["at"]))
    age = max(-LONGEST_AGE, min(LONGEST_AGE, age))
    return Tap(_text(fields["instrument"]), _text(fields["item"]), value, age)


def _chosen(instrument: str, name: str, text: str) -> Tap:
    if not name.startswith("a-"):
        _refuse(f"It has a field {name!r} that the page does not have.")
    if text != SKIP and not NUMBER.fullmatch(text):
        _refuse("A value must be a whole number.")
    return Tap(instrument, _text(name[2:]), None if text == SKIP else int(text))


def _object(found: object, names: set[str]) -> Mapping[str, Any]:
    if not isinstance(found, dict) or set(cast(dict[str, Any], found)) != names:
        _refuse("It does not have the fields that the page sends.")
    return cast(dict[str, Any], found)


def _single(form: MultiDict[str, str]) -> dict[str, str]:
    if any(len(values) != 1 for _, values in form.lists()):
        _refuse("A field stands twice.")
    return form.to_dict()


def _text(found: object) -> str:
    if not isinstance(found, str) or not 0 < len(found) <= LONGEST:
        _refuse("A text is missing or too long.")
    if not found.isprintable():  # JSON may hold halves of characters, which nothing can keep
        _refuse("A text holds what is no character.")
    return found


def _clock(found: object) -> float:
    if type(found) not in (int, float):
        _refuse("A time must be a number.")
    number = cast(float, found)
    # NaN is in no range; a whole number may be too long to be made a float of.
    if not -CLOCK_RANGE <= number <= CLOCK_RANGE:
        _refuse("A time must be a number that a clock can show.")
    return float(number)


def _refuse(why: str) -> NoReturn:
    sentence = f"This is not what the page sends, and nothing was changed. {why}"
    raise InputError({"": sentence})
