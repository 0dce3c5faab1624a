"""Studies in the store: the live one of a protocol, and what it takes from the practice study."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from . import alerts, consents, notices, wordings
from .tables import Course, Participant, Retreat, Study
from .tables_care import Responder
from .tables_consent import ConsentForm
from .tables_entry import DataNotice
from .transfer import add

LINES = ("emergency", "crisis_line", "phone", "hours", "readers", "read_when")


def live_of(session: Session, protocol: str) -> Study | None:
    query = select(Study).where(col(Study.protocol) == protocol, col(Study.mode) == "live")
    return session.scalars(query.order_by(col(Study.id))).first()


def live(session: Session) -> list[Study]:
    """Every live study, in the order they were made."""
    query = select(Study).where(col(Study.mode) == "live")
    return list(session.scalars(query.order_by(col(Study.id))))


def live_courses(session: Session) -> list[int]:
    """Ids of every course of a live study."""
    query = (
        select(col(Course.id))
        .join(Retreat, col(Retreat.id) == col(Course.retreat_id))
        .join(Study, col(Study.id) == col(Retreat.study_id))
        .where(col(Study.mode) == "live")
    )
    return list(session.scalars(query.order_by(col(Course.id))))


def copy_as_live(session: Session, before: Study, title: str, now: datetime) -> Study:
    """A live study with another's lines, languages, roster, data notice and newest consent form,
    and no data."""
    study = Study(
        protocol=before.protocol,
        protocol_version=before.protocol_version,
        mode="live",
        title=title,
        created_at=now,
        **{name: getattr(before, name) for name in LINES},
    )
    add(session, study)
    wordings.limit_languages(session, study.id, wordings.languages_of(session, before.id))
    for row in alerts.responders(session, before.id):
        copied: dict[str, Any] = row.model_dump() | {"study_id": study.id}
        alerts.put_responder(session, Responder(**copied))
    if (notice := notices.current(session, before.id)) is not None:
        session.add(
            DataNotice(
                study_id=study.id,
                version=1,
                texts=notice.texts,
                published_by=notice.published_by,
                published_at=notice.published_at,
            )
        )
    for form in consents.forms(session, before.id)[-1:]:
        kept: dict[str, Any] = form.model_dump(exclude={"id"}) | {"study_id": study.id}
        session.add(ConsentForm(**kept))
    session.flush()
    return study


def languages_spoken(session: Session, study_id: int) -> set[str]:
    """The languages of a study's people."""
    query = (
        select(col(Participant.language))
        .join(Course, col(Course.participant_id) == col(Participant.id))
        .join(Retreat, col(Retreat.id) == col(Course.retreat_id))
        .where(col(Retreat.study_id) == study_id)
        .distinct()
    )
    return set(session.scalars(query))


def modes_of(session: Session, participant_ids: Collection[int]) -> dict[int, set[str]]:
    """In which modes of study these people have a course."""
    query = (
        select(col(Course.participant_id), col(Study.mode))
        .join(Retreat, col(Retreat.id) == col(Course.retreat_id))
        .join(Study, col(Study.id) == col(Retreat.study_id))
        .where(col(Course.participant_id).in_(participant_ids))
        .distinct()
    )
    found: dict[int, set[str]] = {}
    for person, mode in session.execute(query):
        found.setdefault(person, set()).add(mode)
    return found
