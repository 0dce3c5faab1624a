"""Consent forms: publishing a version of a study's form, after a preview, and what was published.

A published version never changes. One that must be signed anew (an amendment) holds, from its day
on, the messages of those who signed an earlier one. A study that has published none records consent
without a version.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import cast

from ..store import consents, trail
from ..store.alerts import staff_emails
from ..store.consents import own_scopes
from ..store.database import Session
from ..store.facts import CourseContext, course_contexts
from ..store.freezing import study_courses
from ..store.tables_consent import KEEPS, ConsentForm
from ..store.windows import lock_courses, refresh_windows
from ..study.schedule import plan
from ..texts import day
from .consent import KeepsData
from .dates import past_day_fault, year_fault
from .enrolment import the_course, the_study
from .errors import InputError
from .site import Site

OWN_SCOPE = re.compile(r"([a-z][a-z0-9-]{0,29})\s*:\s*(\S.{0,199})")
LONGEST_VERSION, LONGEST_REFERENCE, MOST_SCOPES = 20, 120, 10
AT_ONCE = 500


@dataclass(frozen=True)
class NewForm:
    """A version as typed; `own_scopes` has a line "id: words" for each scope of its own. With
    `anew` it must be signed anew, from `anew_from` on."""

    version: str
    dated: date | None
    reference: str
    keeps_data: str = "yes"
    own_scopes: str = ""
    anew: bool = False
    anew_from: date | None = None


@dataclass(frozen=True)
class FormPreview:
    """What publishing would do; `earlier` counts courses that signed an earlier version and still
    have messages to come, `held_from` is the day from which theirs wait, None where they do not."""

    version: str
    scopes: tuple[tuple[str, str], ...]
    earlier: int
    held_from: date | None

    @property
    def lines(self) -> tuple[str, ...]:
        who = "1 person" if self.earlier == 1 else f"{self.earlier} people"
        signed = f"{who} with messages to come did not sign this version yet."
        if self.held_from is None:
            return (signed, "What they signed before goes on to count.")
        until = f"until version {self.version} is recorded for them"
        return (signed, f"From {day(self.held_from)} on their messages are held, {until}.")


@dataclass(frozen=True)
class FormLine:
    """One published version, with how many courses' newest consent is to it."""

    version: str
    dated: date
    reference: str
    keeps_data: KeepsData
    own_scopes: tuple[tuple[str, str], ...]
    anew_from: date | None
    by: str
    at: datetime
    signed: int


def look(site: Site, study_id: int, new: NewForm, now: datetime) -> FormPreview:
    """What publishing would do. Raises InputError by field, NotFoundError."""
    with site.database.read() as session:
        return _looked(session, site, study_id, new, now)[0]


def publish(site: Site, study_id: int, new: NewForm, *, actor: str, now: datetime) -> str:
    """Publish a version; which. Raises InputError by field, NotFoundError."""
    with site.database.write() as session:
        ids = study_courses(session, study_id)
        lock_courses(session, ids)
        told, scopes = _looked(session, site, study_id, new, now)
        assert new.dated is not None
        row = ConsentForm(
            study_id=study_id,
            version=told.version,
            dated=new.dated,
            reference=" ".join(new.reference.split()),
            keeps_data=new.keeps_data,
            own_scopes=json.dumps(scopes, ensure_ascii=False),
            anew_from=told.held_from,
            published_by=actor,
            published_at=now,
        )
        session.add(row)
        payload = {"study": study_id, "held_courses": told.earlier, **_told(row)}
        trail.append(session, trail.SYSTEM, "consent form published", actor, now, payload)
        session.flush()
        # Every course is touched: a worker that holds a message looks at it anew.
        for start in range(0, len(ids), AT_ONCE):
            refresh_windows(session, site.library, ids[start : start + AT_ONCE])
        return row.version


def _told(row: ConsentForm) -> dict[str, object]:
    return {
        "version": row.version,
        "dated": row.dated.isoformat(),
        "reference": row.reference,
        "keeps_data": row.keeps_data,
        "own_scopes": json.loads(row.own_scopes),
        "anew_from": row.anew_from.isoformat() if row.anew_from else None,
    }


def _looked(
    session: Session, site: Site, study_id: int, new: NewForm, now: datetime
) -> tuple[FormPreview, list[tuple[str, str]]]:
    the_study(session, study_id)
    known = {row.version.lower() for row in consents.forms(session, study_id)}
    scopes, problems = _scopes(new.own_scopes)
    problems |= _problems(new, known, now.date())
    if problems:
        raise InputError(problems)
    version = new.version.strip()
    held_from = new.anew_from if new.anew else None
    earlier = 0
    ids = study_courses(session, study_id)
    for start in range(0, len(ids), AT_ONCE):
        contexts = course_contexts(session, site.library, ids[start : start + AT_ONCE])
        earlier += sum(_still_runs(context, now) for context in contexts)
    return FormPreview(version, tuple(scopes), earlier, held_from), scopes


def _still_runs(context: CourseContext, now: datetime) -> bool:
    """Whether messages may still come, and would wait for a version that is not there yet."""
    ahead = any(p.utc > now for p in plan(context.protocol, context.facts))
    return ahead and not context.facts.silent


def _scopes(text: str) -> tuple[list[tuple[str, str]], dict[str, str]]:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    found = [OWN_SCOPE.fullmatch(line) for line in lines]
    wrong = [line for line, match in zip(lines, found, strict=True) if match is None]
    scopes = [(match[1], match[2].strip()) for match in found if match]
    if wrong:
        sentence = f"{wrong[0]!r}: write an id and the words, as in “quotes: may be quoted”."
        return [], {"own_scopes": sentence}
    if len({name for name, _ in scopes}) < len(scopes):
        return [], {"own_scopes": "An id stands twice."}
    if len(scopes) > MOST_SCOPES:
        return [], {"own_scopes": f"Use at most {MOST_SCOPES}."}
    return scopes, {}


def _problems(new: NewForm, known: Collection[str], today: date) -> dict[str, str]:
    problems: dict[str, str] = {}
    version = new.version.strip()
    if not version or len(version) > LONGEST_VERSION:
        problems["version"] = f"Write the form's version, at most {LONGEST_VERSION} characters."
    elif version.lower() in known:
        problems["version"] = f"Version {version} is published. A new text needs a new version."
    if fault := past_day_fault(new.dated, today, "Write the date of the form."):
        problems["dated"] = fault
    if len(new.reference) > LONGEST_REFERENCE:
        problems["reference"] = f"Use at most {LONGEST_REFERENCE} characters."
    if new.keeps_data not in KEEPS:
        problems["keeps_data"] = "Choose what the form says."
    if new.anew and new.anew_from is None:
        problems["anew_from"] = "Write the day from which it must have been signed."
    elif new.anew and new.anew_from and (fault := year_fault(new.anew_from, today)):
        problems["anew_from"] = fault
    elif new.anew_from and not new.anew:
        problems["anew_from"] = "Empty this, or say that it must be signed anew."
    return problems


def forms(site: Site, study_id: int) -> list[FormLine]:
    """A study's versions, newest first. Raises NotFoundError."""
    with site.database.read() as session:
        the_study(session, study_id)
        emails = staff_emails(session)
        ids = study_courses(session, study_id)
        signed = [version for _, version in consents.by_version(session, ids).values()]
        return [
            FormLine(
                version=row.version,
                dated=row.dated,
                reference=row.reference,
                keeps_data=cast(KeepsData, row.keeps_data),
                own_scopes=tuple(own_scopes(row)),
                anew_from=row.anew_from,
                by=emails.get(row.published_by, row.published_by),
                at=row.published_at,
                signed=signed.count(row.version),
            )
            for row in reversed(consents.forms(session, study_id))
        ]


def forms_of_course(site: Site, code: str, number: int) -> list[FormLine]:
    """The versions of the study of a course, newest first. Raises NotFoundError."""
    with site.database.read() as session:
        study_id = the_course(session, site, code, number).study.id
    return forms(site, study_id)
