"""Texts: templates, translations, and dates and numbers in words.

Messages, PDFs and pages take their words from here, so they can speak a person's language without
a web framework. Templates below `templates/` are escaped when they end in .html or .svg; plain
text (.txt) is not. Only English exists so far: every sentence already passes through `gettext`,
which gives it back as it came.
"""

from __future__ import annotations

import functools
import gettext as translations
import math
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from .resources import resource

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
FULL_WEEKDAYS = (
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
)
FULL_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
MINUS = "\N{MINUS SIGN}"
ORDINALS = ("First", "Second", "Third", "Fourth", "Fifth", "Sixth", "Seventh", "Eighth", "Ninth")

ENGLISH = "en"
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
    """The language of the words just now."""
    return _spoken.get()


def gettext(text: str) -> str:
    return _catalogue(spoken()).gettext(text)


def ngettext(singular: str, plural: str, n: int) -> str:
    return _catalogue(spoken()).ngettext(singular, plural, n)


@functools.cache
def _catalogue(language: str) -> translations.NullTranslations:
    del language
    return translations.NullTranslations()


def day(on: date) -> str:
    """Sat 14 Feb 2026"""
    return f"{WEEKDAYS[on.weekday()]} {plain_day(on)}"


def plain_day(on: date) -> str:
    """14 Feb 2026"""
    return f"{short_day(on)} {on.year}"


def short_day(on: date) -> str:
    """14 Feb"""
    return f"{on.day} {MONTHS[on.month - 1]}"


def full_day(on: date) -> str:
    """Saturday 14 February 2026"""
    return f"{FULL_WEEKDAYS[on.weekday()]} {full_date(on)} {on.year}"


def full_date(on: date) -> str:
    """14 February"""
    return f"{on.day} {FULL_MONTHS[on.month - 1]}"


def moment(at: datetime) -> str:
    """Sat 14 Feb 2026, 11:02 (in the datetime's own zone)"""
    return f"{day(at.date())}, {at:%H:%M}"


def ordinal(number: int) -> str:
    """First, Second, … for a course's number; 10th and on in figures."""
    return ORDINALS[number - 1] if 0 < number <= len(ORDINALS) else f"{number}th"


def half_up(value: float, digits: int = 0) -> float:
    """Rounded half up, as people round; never negative zero."""
    factor = 10**digits
    # The nudge undoes binary noise, so that 5.4155 and 2.675 round as they are written.
    return math.floor(value * factor + 0.5 + 1e-9) / factor + 0.0


def number(value: float, digits: int = 0) -> str:
    """A number with exactly `digits` decimals and a true minus sign."""
    rounded = half_up(value, digits)
    return f"{MINUS if rounded < 0 else ''}{abs(rounded):.{digits}f}"


def signed(value: float, digits: int = 0) -> str:
    """A difference: always with its sign, except zero."""
    text = number(value, digits)
    return f"+{text}" if half_up(value, digits) > 0 else text


def amount(value: float) -> str:
    """A quantity such as a dose: 35, 12.5; at most two decimals, none that say nothing."""
    return number(value, 2).rstrip("0").rstrip(".")


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
