"""Data notices: a study's published versions, and who acknowledged which."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from sqlmodel import col

from .tables_entry import Acknowledgement, DataNotice


def versions(session: Session, study_id: int) -> list[DataNotice]:
    """Everything a study has published, newest first."""
    query = select(DataNotice).where(col(DataNotice.study_id) == study_id)
    return list(session.scalars(query.order_by(col(DataNotice.version).desc())))


def all_versions(session: Session) -> list[DataNotice]:
    """What every study has published, oldest first."""
    query = select(DataNotice).order_by(col(DataNotice.study_id), col(DataNotice.version))
    return list(session.scalars(query))


def current(session: Session, study_id: int) -> DataNotice | None:
    """The newest version; None while the built-in notice (version 0) stands."""
    return next(iter(versions(session, study_id)), None)


def languages_of(row: DataNotice) -> set[str]:
    """The languages that a version has a text in."""
    own: dict[str, str] = json.loads(row.texts)
    return {language for language, text in own.items() if text}


def last_acknowledged(session: Session, participant_id: int, study_id: int) -> int | None:
    """The newest version that this person acknowledged."""
    query = select(func.max(col(Acknowledgement.version))).where(
        col(Acknowledgement.participant_id) == participant_id,
        col(Acknowledgement.study_id) == study_id,
    )
    return session.scalar(query)


def acknowledge(session: Session, row: Acknowledgement) -> bool:
    """Keep the first acknowledgement of a version; whether this was it."""
    key = row.participant_id, row.study_id, row.version
    if session.get(Acknowledgement, key) is not None:
        return False
    session.add(row)
    return True


def acknowledgements(
    session: Session, participant_ids: Collection[int]
) -> defaultdict[int, list[Acknowledgement]]:
    """By participant, oldest first."""
    query = select(Acknowledgement).where(col(Acknowledgement.participant_id).in_(participant_ids))
    found: defaultdict[int, list[Acknowledgement]] = defaultdict(list)
    for row in session.scalars(query.order_by(col(Acknowledgement.at))):
        found[row.participant_id].append(row)
    return found
