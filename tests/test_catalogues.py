"""Every sentence said to participants has its words in every language."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from babel.messages.pofile import read_po

from surveyapp import catalogues, texts
from tests.catalogues import missing, said

LANGUAGES = ("nl", "de", "es")
HOLES = re.compile(r"%\(\w+\)s")
# These are the same word in both.
SAME = {"%(n)s of %(of)s", "Hello,"}


def test_the_languages_that_are_offered_are_those_with_a_catalogue():
    offered = {code for code, _name in catalogues.LANGUAGES}
    files = {path.name.partition(".")[0] for path in catalogues.OWN.glob("*.po")}
    assert offered == {"en", *files} == {"en", *LANGUAGES}


def test_there_is_something_to_translate():
    assert len(said()) > 80


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_missing(language: str):
    assert missing(language) == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_keep_every_hole_and_none_is_a_guess(language: str):
    with (catalogues.OWN / f"{language}.po").open("rb") as file:
        found = [message for message in read_po(file, locale=language) if message.id]
    wrong = [m.id for m in found if m.fuzzy or not _same_holes(m.id, m.string)]
    assert wrong == []


def _same_holes(source: str | tuple[str, ...], target: str | tuple[str, ...]) -> bool:
    sources = [source] if isinstance(source, str) else list(source)
    targets = [target] if isinstance(target, str) else list(target)
    holes = [Counter(HOLES.findall(text)) for text in targets]
    return all(found == Counter(HOLES.findall(sources[-1])) for found in holes)


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_language_is_not_left_in_english(language: str):
    with texts.speaking(language):
        alike = [m for m in said() if isinstance(m, str) and texts.gettext(m) == m]
    assert alike == []


def test_an_unknown_language_is_english():
    with texts.speaking("fr"):
        assert texts.spoken() == "en"
        assert texts.gettext("Next") == "Next"
