"""Consents in the store: a study's forms, and what the rows of a course come to."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from ..study.consent import PARTICIPATION, Form, Signed
from .several import by_course
from .tables import CONSENT_SCOPES, Consent, Course, Retreat
from .tables_consent import ConsentForm, ConsentWithdrawal


def forms(session: Session, study_id: int) -> list[ConsentForm]:
    """What a study has published, oldest first."""
    query = select(ConsentForm).where(col(ConsentForm.study_id) == study_id)
    return list(session.scalars(query.order_by(col(ConsentForm.id))))


def forms_of(session: Session, study_ids: Collection[int]) -> list[ConsentForm]:
    """The same of several studies."""
    query = select(ConsentForm).where(col(ConsentForm.study_id).in_(study_ids))
    return list(session.scalars(query.order_by(col(ConsentForm.id))))


def as_forms(rows: Iterable[ConsentForm]) -> list[Form]:
    return [Form(row.version, row.anew_from) for row in rows]


def signed(consents: Sequence[Consent], withdrawals: Sequence[ConsentWithdrawal]) -> Signed | None:
    """What a course's rows come to, both oldest first. A withdrawal of taking part is not undone by
    a later one of messages alone."""
    if not consents:
        return None
    newest = consents[-1]
    taken = {w.what for w in withdrawals if w.consent_id == newest.id}
    withdrawn = PARTICIPATION if PARTICIPATION in taken else next(iter(taken), "")
    return Signed(newest.version, newest.scope == CONSENT_SCOPES[0], withdrawn)


def own_scopes(row: ConsentForm | None) -> list[tuple[str, str]]:
    """A form's own scopes: id and words."""
    return [(name, words) for name, words in json.loads(row.own_scopes)] if row else []


def agreed(row: Consent) -> Mapping[str, bool]:
    """What a consent says to the form's own scopes, by id."""
    return json.loads(row.own_scopes) if row.own_scopes else {}


def by_version(session: Session, course_ids: Collection[int]) -> dict[int, tuple[int, str]]:
    """Study and version of the newest consent, by course; "" where there is none."""
    ids = list(course_ids)
    courses = (
        select(col(Course.id), col(Retreat.study_id))
        .join(Retreat, col(Retreat.id) == col(Course.retreat_id))
        .where(col(Course.id).in_(ids))
    )
    found = {course: (study, "") for course, study in session.execute(courses)}
    query = select(Consent).where(col(Consent.course_id).in_(ids)).order_by(col(Consent.id))
    for course, rows in by_course(list(session.scalars(query))).items():
        found[course] = (found[course][0], rows[-1].version)
    return found
