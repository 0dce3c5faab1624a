"""The person's own choice of language, made on the page.

It holds for pages and messages from then on. What was begun and not sent goes on in the new
wording, and its record says so; answers carry values, so nothing of them changes.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from .. import texts
from ..store import answers as desk
from ..store import trail
from ..store.database import Session
from ..store.facts import CourseContext, course_contexts
from ..store.windows import lock_courses
from ..store.wordings import languages_of
from ..study.library import Library
from .errors import InputError, NotFoundError
from .site import Site
from .visits import UNKNOWN_VISIT, is_secret, link_of

PERSON = "participant"
UNKNOWN_LANGUAGE = texts.marked("We do not have that language.")


def choose_at_door(site: Site, token: str, language: str, now: datetime) -> None:
    """On the start page. Raises NotFoundError for an unknown link, InputError for a language."""
    with site.database.write() as session:
        _choose(session, site.library, link_of(session, token).course_id, language, now)


def choose_in_visit(site: Site, visit_id: str, write: str, language: str, now: datetime) -> None:
    """On an opened questionnaire. Raises NotFoundError, InputError."""
    with site.database.write() as session:
        visit = desk.find_visit(session, visit_id)
        if visit is None or not is_secret(write, visit.write_sha256):
            raise NotFoundError(UNKNOWN_VISIT)
        _choose(session, site.library, visit.course_id, language, now)


def offered(limit: Collection[str]) -> tuple[tuple[str, str], ...]:
    """Codes and own names of the languages that may be chosen; `limit` is the study's, if any."""
    return tuple((code, name) for code, name in texts.LANGUAGES if not limit or code in limit)


def _choose(
    session: Session, library: Library, course_id: int, language: str, now: datetime
) -> None:
    if language not in dict(texts.LANGUAGES):
        raise InputError({"language": UNKNOWN_LANGUAGE})
    courses = desk.courses_of_same_person(session, course_id)
    lock_courses(session, courses)
    contexts = course_contexts(session, library, courses)
    here = next(context for context in contexts if context.course_id == course_id)
    if language not in dict(offered(languages_of(session, here.study.id))):
        raise InputError({"language": UNKNOWN_LANGUAGE})
    if here.participant.language == language:
        return
    payload = {"from": here.participant.language, "to": language}
    here.participant.language = language
    begun = [name for context in contexts for name in _reword(session, context, language)]
    trail.append(
        session, here.course.chain, "language chosen", PERSON, now, {**payload, "begun": begun}
    )


def _reword(session: Session, context: CourseContext, language: str) -> list[str]:
    """Write down in which wording what was begun goes on; what was reworded."""
    begun = [desk.sheet_row(session, s.id) for s in context.assessments if s.submitted_at is None]
    for sheet in begun:
        wording = context.wording(sheet.instrument, language)
        sheet.language, sheet.wording_sha256 = wording.language, wording.sha256
        sheet.placeholder = wording.placeholder
    return [f"{sheet.timepoint} {sheet.instrument}" for sheet in begun]
