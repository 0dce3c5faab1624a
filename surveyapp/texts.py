"""Texts: templates, translations, and dates and numbers in words.

Messages, PDFs and pages take their words from here, so they speak a person's language without a
web framework: whatever is rendered inside `speaking("nl")` is Dutch. English sentences are the
keys; one that a catalogue lacks stays English. Templates below `templates/` are escaped when they
end in .html or .svg; plain text (.txt) is not.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from typing import Any

from babel.dates import format_date
from babel.numbers import get_decimal_symbol
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from .catalogues import ENGLISH, LANGUAGES, catalogue, direction, known
from .resources import resource

# Full patterns, because each language joins weekday, day and month in its own way.
DATES = {
    "en": {
        "day": "EEE d MMM y",
        "short_weekday": "EEE d MMM",
        "plain_day": "d MMM y",
        "short_day": "d MMM",
        "full_day": "EEEE d MMMM y",
        "full_date": "d MMMM",
        "month": "MMMM y",
    },
    "nl": {
        "day": "EEE d MMM y",
        "short_weekday": "EEE d MMM",
        "plain_day": "d MMM y",
        "short_day": "d MMM",
        "full_day": "EEEE d MMMM y",
        "full_date": "d MMMM",
        "month": "MMMM y",
    },
    "de": {
        "day": "EEE d. MMM y",
        "short_weekday": "EEE d. MMM",
        "plain_day": "d. MMM y",
        "short_day": "d. MMM",
        "full_day": "EEEE, d. MMMM y",
        "full_date": "d. MMMM",
        "month": "MMMM y",
    },
    "es": {
        "day": "EEE d MMM y",
        "short_weekday": "EEE d MMM",
        "plain_day": "d MMM y",
        "short_day": "d MMM",
        "full_day": "EEEE, d 'de' MMMM 'de' y",
        "full_date": "d 'de' MMMM",
        "month": "MMMM 'de' y",
    },
}
__all__ = ("ENGLISH", "LANGUAGES", "direction", "known")
MINUS = "\N{MINUS SIGN}"
ORDINALS = ("First", "Second", "Third", "Fourth", "Fifth", "Sixth", "Seventh", "Eighth", "Ninth")

_spoken: ContextVar[str] = ContextVar("spoken", default=ENGLISH)


@contextmanager
def speaking(language: str) -> Generator[None]:
    """Words, dates and numbers inside are in `language`; one without a catalogue is English."""
    before = _spoken.set(language)
    try:
        yield
    finally:
        _spoken.reset(before)


def spoken() -> str:
    """The language of the words just now: one that has a catalogue, else English."""
    return known(_spoken.get())


def marked(text: str) -> str:
    """A sentence that is translated where it is shown; catalogues find it by this name."""
    return text


def gettext(text: str) -> str:
    return catalogue(spoken()).gettext(text)


def ngettext(singular: str, plural: str, n: int) -> str:
    return catalogue(spoken()).ngettext(singular, plural, n)


def day(on: date) -> str:
    """Sat 14 Feb 2026"""
    return _date(on, "day")


def short_weekday(on: date) -> str:
    """Sat 14 Feb"""
    return _date(on, "short_weekday")


def plain_day(on: date) -> str:
    """14 Feb 2026"""
    return _date(on, "plain_day")


def short_day(on: date) -> str:
    """14 Feb"""
    return _date(on, "short_day")


def full_day(on: date) -> str:
    """Saturday 14 February 2026"""
    return _date(on, "full_day")


def full_date(on: date) -> str:
    """14 February"""
    return _date(on, "full_date")


def month(on: date) -> str:
    """February 2026"""
    return _date(on, "month")


def _date(on: date, shape: str) -> str:
    language = spoken()
    pattern = DATES.get(language, DATES[ENGLISH])[shape]
    return format_date(on, pattern, locale=language)


def moment(at: datetime) -> str:
    """Sat 14 Feb 2026, 11:02 (in the datetime's own zone)"""
    return f"{day(at.date())}, {at:%H:%M}"


def ordinal(number: int) -> str:
    """First, Second, … for a course's number; 10th and on in figures."""
    if not 0 < number <= len(ORDINALS):
        return gettext("%(number)sth") % {"number": number}
    return gettext(ORDINALS[number - 1])


def half_up(value: float, digits: int = 0) -> float:
    """Rounded half up, as people round; never negative zero."""
    factor = 10**digits
    # The nudge undoes binary noise, so that 5.4155 and 2.675 round as they are written.
    return math.floor(value * factor + 0.5 + 1e-9) / factor + 0.0


def number(value: float, digits: int = 0) -> str:
    """A number with exactly `digits` decimals and a true minus sign."""
    rounded = half_up(value, digits)
    figures = f"{MINUS if rounded < 0 else ''}{abs(rounded):.{digits}f}"
    return figures.replace(".", get_decimal_symbol(spoken()))


def signed(value: float, digits: int = 0) -> str:
    """A difference: always with its sign, except zero."""
    text = number(value, digits)
    return f"+{text}" if half_up(value, digits) > 0 else text


def amount(value: float) -> str:
    """A quantity such as a dose: 35, 12.5; at most two decimals, none that say nothing."""
    return number(value, 2).rstrip("0").rstrip(".,")


@functools.cache
def environment() -> Environment:
    """The one Jinja environment, with the filters `day`, `plain_day`, `moment`, `number`, ….

    Undefined names are errors, so that a template never prints an empty space for a fact.
    """
    made = Environment(
        loader=FileSystemLoader(resource("templates")),
        autoescape=select_autoescape(("html", "svg"), default=False),
        extensions=["jinja2.ext.i18n"],
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    vars(made)["install_gettext_callables"](gettext, ngettext, newstyle=True)
    shared: Any = made.globals
    shared["direction"] = direction
    for shaper in (
        day,
        plain_day,
        short_day,
        full_day,
        full_date,
        moment,
        ordinal,
        number,
        signed,
        amount,
    ):
        made.filters[shaper.__name__] = shaper
    return made


def render(template: str, **context: Any) -> str:
    """One template's text. Raises jinja2.TemplateError."""
    return environment().get_template(template).render(**context)
