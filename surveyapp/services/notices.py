"""The data notice: what happens with the answers, read before the first question.

A study that has published none shows the built-in notice, version 0, made of translated sentences
and the study's own lines. A published version never changes; a new one is shown to everybody
before their next check-in. Who acknowledged which version, in which words and when, is on record.
It replaces no consent: that is given to the study team, who record it per course.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from .. import texts
from ..store import notices as store
from ..store import trail
from ..store.database import Session
from ..store.facts import CourseContext
from ..store.tables import Participant, Study
from ..store.tables_entry import Acknowledgement, DataNotice
from .enrolment import the_study
from .errors import InputError
from .phonepages import NoticeShown
from .site import Site

PERSON = "participant"
LONGEST = 6000


@dataclass(frozen=True)
class Published:
    """One version of a study's notice. `texts` by language."""

    version: int
    texts: Mapping[str, str]
    by: str
    at: datetime


def notice_for(session: Session, site: Site, study: Study, language: str) -> NoticeShown:
    """The notice that stands now, in the person's language or in English."""
    found = store.current(session, study.id)
    with texts.speaking(language):
        if found is None:
            return _shown(0, texts.spoken(), _built_in(site, study))
        own = _texts(found)
        spoken = texts.spoken() if own.get(texts.spoken()) else texts.ENGLISH
        return _shown(found.version, spoken, _paragraphs(own[spoken]))


def is_due(session: Session, participant: Participant, study: Study) -> bool:
    """Whether this person has not yet acknowledged the notice that stands now."""
    found = store.current(session, study.id)
    known = store.last_acknowledged(session, participant.id, study.id)
    return known is None or known < (found.version if found else 0)


def acknowledge(
    session: Session, site: Site, context: CourseContext, version: int, now: datetime
) -> None:
    """Write down that the person read this version. Raises InputError unless it stands now."""
    person = context.participant
    shown = notice_for(session, site, context.study, person.language)
    if shown.version != version:
        raise InputError({"notice": "This is not the notice that stands now."})
    row = Acknowledgement(
        participant_id=person.id,
        study_id=context.study.id,
        version=version,
        language=shown.language,
        sha256=shown.sha256,
        at=now,
    )
    if store.acknowledge(session, row):
        payload = {"version": version, "language": shown.language, "sha256": shown.sha256}
        trail.append(session, context.course.chain, "notice acknowledged", PERSON, now, payload)


def published(site: Site, study_id: int) -> list[Published]:
    """A study's own versions, newest first. Raises NotFoundError."""
    with site.database.read() as session:
        the_study(session, study_id)
        return [
            Published(row.version, _texts(row), row.published_by, row.published_at)
            for row in store.versions(session, study_id)
        ]


def preview(site: Site, study_id: int, language: str) -> NoticeShown:
    """What somebody of this language is shown now. Raises NotFoundError."""
    with site.database.read() as session:
        return notice_for(session, site, the_study(session, study_id), language)


def in_every_language(row: DataNotice) -> list[NoticeShown]:
    """A published version as it is shown, by language."""
    own = sorted(_texts(row).items())
    return [_shown(row.version, language, _paragraphs(text)) for language, text in own]


def looked_through(own: Mapping[str, str]) -> list[tuple[str, tuple[str, ...]]]:
    """The paragraphs of what would be published, by language. Raises InputError."""
    kept = {language: text for language, text in own.items() if text.strip()}
    if problems := _problems(kept):
        raise InputError(problems)
    return [(language, _paragraphs(text)) for language, text in kept.items()]


def publish(site: Site, study_id: int, own: Mapping[str, str], *, actor: str, now: datetime) -> int:
    """Publish the next version, by language; its number. Raises InputError, NotFoundError."""
    kept = {language: text.strip() for language, text in own.items() if text.strip()}
    problems = _problems(kept)
    if problems:
        raise InputError(problems)
    with site.database.write() as session:
        study = the_study(session, study_id)
        before = store.current(session, study.id)
        if before and _texts(before) == kept:
            raise InputError({"en": "This is word for word the version that stands now."})
        version = before.version + 1 if before else 1
        row = DataNotice(
            study_id=study.id,
            version=version,
            texts=json.dumps(kept, ensure_ascii=False, sort_keys=True),
            published_by=actor,
            published_at=now,
        )
        session.add(row)
        payload = {"study": study.protocol, "version": version, "texts": kept}
        trail.append(session, trail.SYSTEM, "data notice published", actor, now, payload)
    return version


def _problems(kept: Mapping[str, str]) -> dict[str, str]:
    problems: dict[str, str] = {}
    if not kept.get(texts.ENGLISH):
        problems[texts.ENGLISH] = "Write the notice in English at least: it stands in for others."
    for language, text in kept.items():
        if language not in dict(texts.LANGUAGES):
            problems[language] = "There are no pages in this language."
        elif len(text) > LONGEST:
            problems[language] = f"Keep it below {LONGEST} characters; people read it on a phone."
    return problems


def _texts(row: DataNotice) -> Mapping[str, str]:
    return json.loads(row.texts)


def _shown(version: int, language: str, paragraphs: tuple[str, ...]) -> NoticeShown:
    sha256 = hashlib.sha256("\n\n".join(paragraphs).encode()).hexdigest()
    return NoticeShown(version, language, paragraphs, sha256)


def _paragraphs(text: str) -> tuple[str, ...]:
    parts = text.replace("\r\n", "\n").split("\n\n")
    return tuple(" ".join(part.split()) for part in parts if part.strip())


def _built_in(site: Site, study: Study) -> tuple[str, ...]:
    return (
        texts.gettext(
            "%(site)s asks these questions. Your answers and when you gave them are kept. Your"
            " name and how to reach you are kept apart from them, encrypted."
        )
        % {"site": site.settings.site_name},
        _readers(study),
        texts.gettext("You may leave out any question, and stop at any time."),
        texts.gettext("This does not replace the consent that you talk about with the study team."),
        _asking(study),
    )


def _readers(study: Study) -> str:
    as_they_arrive = texts.gettext("Nobody reads them as they arrive.")
    if study.readers and study.read_when:
        sentence = texts.gettext("Your answers are read by %(readers)s, %(when)s.")
    elif study.readers:
        sentence = texts.gettext("Your answers are read by %(readers)s.")
    else:
        sentence = texts.gettext("Your answers are read by the study team.")
    names = {"readers": study.readers, "when": study.read_when}
    return f"{sentence % names} {as_they_arrive}"


def _asking(study: Study) -> str:
    if not study.phone:
        return texts.gettext("To see, correct or withdraw your answers, ask the study team.")
    sentence = texts.gettext(
        "To see, correct or withdraw your answers, ask the study team: %(phone)s."
    )
    return sentence % {"phone": study.phone}
