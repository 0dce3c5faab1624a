"""Filler texts for wordings: our own, of 150 characters an item, and marked as what they are."""

from __future__ import annotations

import re

from surveyapp.services import wordings
from surveyapp.services.site import Site
from surveyapp.services.wordings import TypedPermission
from surveyapp.study.instrument import Instrument
from surveyapp.study.wording import template

LONG = "Filler text that says nothing and is as long as the longest of the real ones. "
PERMISSION = TypedPermission(
    basis="licence",
    holder="Filler House",
    reference="F-1",
    electronic="yes",
    languages="en nl de es",
    reproduction="no",
    expires="never",
    maximum="unlimited",
)


def filled(instrument: Instrument, language: str = "en", mark: str = "Filler") -> bytes:
    """The template with every hint replaced, each text marked and no two items alike."""
    session = " {session}" if instrument.session else ""

    def text(hint: re.Match[str]) -> str:
        about = hint[1]
        if about == "the title":
            return f"{mark} form"
        if about.startswith(("the period", '"the session', "the session")):
            return f"{mark} recall line{session}"
        if about.startswith("the answer"):
            return f"{mark} {about.removeprefix('the answer ')}"
        return f"{mark} {about}: {LONG * 2}"[:149] + "?"

    rows = template(instrument, language).replace('"', "")
    return re.sub(r"<fill in: ([^>]*)>", text, rows).encode()


def install(
    site: Site,
    name: str,
    *,
    language: str = "en",
    mark: str = "Filler",
    permission: TypedPermission = PERMISSION,
    **by: object,
) -> int:
    """Install a filler; the wording's id. `by`: actor and now."""
    raw = filled(site.library.instruments[name], language, mark)
    done = wordings.install(site, name, raw, language, permission, **by)  # pyright: ignore[reportArgumentType]
    assert done.id is not None
    return done.id
