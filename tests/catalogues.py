"""`python -m tests.catalogues`: what is said to participants, and what each catalogue lacks.

Prints the missing sentences of each language as entries to fill in.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from babel.messages.extract import extract_from_dir

from surveyapp.catalogues import catalogue

ROOT = Path(__file__).resolve().parent.parent
KEYWORDS = {"_": None, "gettext": None, "marked": None, "ngettext": (1, 2)}
SAID_BY = ("templates/participant", "templates/message", "surveyapp")
NOT_FOR_PEOPLE = ("surveyapp/reports", "surveyapp/demo")
JINJA = "jinja2.ext:babel_extract"
METHODS = [("**.py", "python"), ("**.html", JINJA), ("**.txt", JINJA)]
Said = str | tuple[str, str]


def said() -> dict[Said, str]:
    """Every sentence said to participants, with a place where it stands."""
    return {message: place for message, place in _extracted() if message}


def _extracted() -> Iterator[tuple[Said, str]]:
    for folder in SAID_BY:
        options = {"**": {"newstyle_gettext": "true", "trimmed": "true"}}
        found = extract_from_dir(
            ROOT / folder, METHODS, options, KEYWORDS, strip_comment_tags=False
        )
        for name, line, message, _comments, _context in found:
            place = f"{folder}/{name}"
            if not place.startswith(NOT_FOR_PEOPLE):
                yield message, f"{place}:{line}"


def missing(language: str) -> dict[Said, str]:
    """What the catalogue of one language does not translate."""
    there, found = known(language), said()
    return {m: p for m, p in found.items() if (m if isinstance(m, str) else (m[0], 0)) not in there}


def known(language: str) -> dict[str | tuple[str, int], str]:
    """Everything that a language's catalogues translate."""
    found: dict[str | tuple[str, int], str] = {}
    each = catalogue(language)
    while each is not None:
        found |= vars(each).get("_catalog", {})
        each = vars(each).get("_fallback")
    return found


if __name__ == "__main__":
    import sys

    for language in sys.argv[1:] or ("nl", "de", "es"):
        print(f"# {language}")
        for message, place in missing(language).items():
            print(f"{place}\t{message!r}")
