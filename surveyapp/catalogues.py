"""Catalogues: the translations of our own sentences, and which languages there are.

`locale/LANG.po` and `locale/LANG.*.po` hold a language's sentences, read when first needed. A
folder of more languages can be looked into as well; the tests prove writing from right to left so.
"""

from __future__ import annotations

import functools
import gettext
import io
from collections.abc import Iterator
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

ENGLISH = "en"
LANGUAGES = (("en", "English"), ("nl", "Nederlands"), ("de", "Deutsch"), ("es", "Español"))
"""Codes and own names of the languages that are offered."""
OWN = Path(__file__).parent / "locale"
_folders = [OWN]


def known(language: str) -> str:
    """`language` if it has a catalogue, else English."""
    return language if language == ENGLISH or language in _languages() else ENGLISH


def direction(language: str) -> str:
    """ "rtl" for a language that is written from right to left, else "ltr"."""
    try:
        return Locale.parse(language, sep="-").text_direction
    except (UnknownLocaleError, ValueError):
        return "ltr"


@functools.cache
def catalogue(language: str) -> gettext.NullTranslations:
    """A language's sentences; what it lacks stays English."""
    found = gettext.NullTranslations()
    for path in _files(language):
        with path.open("rb") as file:
            more = _compiled(read_po(file, locale=language))
        more.add_fallback(found)
        found = more
    return found


def look_into(folder: Path) -> None:
    """More catalogues beside our own."""
    _folders.append(folder)
    _forget()


def look_no_more_into(folder: Path) -> None:
    _folders.remove(folder)
    _forget()


def _forget() -> None:
    catalogue.cache_clear()
    _languages.cache_clear()


@functools.cache
def _languages() -> frozenset[str]:
    return frozenset(path.name.partition(".")[0] for f in _folders for path in f.glob("*.po"))


def _files(language: str) -> Iterator[Path]:
    for folder in _folders:
        yield from sorted(folder.glob(f"{language}.po"))
        yield from sorted(folder.glob(f"{language}.*.po"))


def _compiled(found: Catalog) -> gettext.GNUTranslations:
    packed = io.BytesIO()
    write_mo(packed, found)
    packed.seek(0)
    return gettext.GNUTranslations(packed)
