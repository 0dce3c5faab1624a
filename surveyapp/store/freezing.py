"""Freezing: what a study runs under from its first person on, and its amendments.

When the first person of a study is enrolled its protocol and the keys of the instruments that it
asks are kept and named by their hashes. Whoever comes later runs under what their retreat does,
else under what the study was frozen to; only an amendment puts anything else in its place.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session
from sqlmodel import col

from ..study.instrument import Instrument
from ..study.library import Library
from ..study.protocol import Protocol
from . import keys, versions
from .tables import Assessment, Course, Retreat, Study
from .tables_consent import Amendment, CourseAmendment, StudyFreeze

PROTOCOL, INSTRUMENT = "protocol", "instrument"


@dataclass(frozen=True)
class Under:
    """A protocol with the instruments that it asks, and the amendment (if any) that brought it."""

    protocol: Protocol
    instruments: Mapping[str, Instrument]
    amendment: Amendment | None = None

    @property
    def asked(self) -> list[Instrument]:
        """The instruments that the protocol asks, in order of their ids, as far as they are there:
        those of a protocol from before keys were kept may be installed no more."""
        names = {name for timepoint in self.protocol.timepoints for name in timepoint.instruments}
        return [self.instruments[name] for name in sorted(names) if name in self.instruments]

    @property
    def hashes(self) -> dict[tuple[str, str], tuple[str, str]]:
        """Kind and name to version and hash."""
        found = {(PROTOCOL, self.protocol.id): (self.protocol.version, self.protocol.sha256)}
        return found | {(INSTRUMENT, i.id): (i.version, i.sha256) for i in self.asked}


@dataclass(frozen=True)
class Frozen:
    """A study that has just been frozen, and to what."""

    study: Study
    under: Under


def installed(library: Library, protocol: str) -> Under | None:
    """What is installed for a protocol; None without one."""
    found = library.protocols.get(protocol)
    return Under(found, library.instruments) if found else None


def freeze_of(session: Session, study_id: int) -> list[StudyFreeze]:
    """What a study is frozen to, the protocol first; nothing before its first person."""
    query = select(StudyFreeze).where(col(StudyFreeze.study_id) == study_id)
    return sorted(session.scalars(query), key=lambda row: (row.kind != PROTOCOL, row.name))


def of_study(session: Session, library: Library, study: Study) -> Under | None:
    """What a new retreat of this study runs under: what the study is frozen to, else what is
    installed, None where nothing is."""
    rows = freeze_of(session, study.id)
    if not rows:
        return installed(library, study.protocol)
    sha256 = next(row.sha256 for row in rows if row.kind == PROTOCOL)
    protocol = versions.protocols_of(session, library, [(study.protocol, sha256)])
    own = {
        row.name: keys.instrument_of(session, library, row.name, row.sha256, library.instruments)
        for row in rows
        if row.kind == INSTRUMENT
    }
    newest = newest_amendment(session, study.id, whole_only=True)
    return Under(protocol[study.protocol, sha256], {**library.instruments, **own}, newest)


def newest_amendment(
    session: Session, study_id: int, *, whole_only: bool = False
) -> Amendment | None:
    query = select(Amendment).where(col(Amendment.study_id) == study_id)
    if whole_only:
        query = query.where(col(Amendment.retreat_id).is_(None))
    return session.scalars(query.order_by(col(Amendment.number).desc()).limit(1)).first()


def amendments(session: Session, study_id: int) -> list[Amendment]:
    """The newest first."""
    query = select(Amendment).where(col(Amendment.study_id) == study_id)
    return list(session.scalars(query.order_by(col(Amendment.number).desc())))


def study_courses(session: Session, study_id: int) -> list[int]:
    """Ids of every course of a study."""
    query = (
        select(col(Course.id))
        .join(Retreat, col(Retreat.id) == col(Course.retreat_id))
        .where(col(Retreat.study_id) == study_id)
    )
    return list(session.scalars(query.order_by(col(Course.id))))


def pin_new(session: Session, library: Library, now: datetime) -> list[Frozen]:
    """Give every course without a text or keys those of its retreat, else those of its study; the
    studies that were frozen by it."""
    query = (
        select(Retreat, Study)
        .join(Study, col(Study.id) == col(Retreat.study_id))
        .join(Course, col(Course.retreat_id) == col(Retreat.id))
        .where(_unpinned())
        .order_by(col(Retreat.id))
        .distinct()
    )
    frozen: list[Frozen] = []
    for retreat, study in session.execute(query).all():
        under = of_retreat(session, library, retreat, study)
        if under is None:
            continue
        if freeze(session, study, under, now):
            frozen.append(Frozen(study, under))
        _pin(session, retreat, under, now)
    return frozen


def _unpinned() -> ColumnElement[bool]:
    return or_(col(Course.protocol_sha256).is_(None), col(Course.keys_sha256).is_(None))


def of_retreat(session: Session, library: Library, retreat: Retreat, study: Study) -> Under | None:
    """What a retreat's courses run under, or will; None where nothing is kept nor installed."""
    model = versions.model_of(session, retreat.id) or (
        None if freeze_of(session, study.id) else versions.newest_of_study(session, study.id)
    )
    if model is None:
        return of_study(session, library, study)
    key = study.protocol, model.protocol_sha256
    protocol = versions.protocols_of(session, library, [key])[key]
    known = keys.instruments_of(session, library, [model.keys_sha256])[model.keys_sha256]
    return Under(protocol, known, amendment_of(session, model.id))


def amendment_of(session: Session, course_id: int) -> Amendment | None:
    """The amendment that a course runs under."""
    query = (
        select(Amendment)
        .join(CourseAmendment, col(CourseAmendment.amendment_id) == col(Amendment.id))
        .where(col(CourseAmendment.course_id) == course_id)
        .order_by(col(Amendment.number).desc())
    )
    return session.scalars(query.limit(1)).first()


def _pin(session: Session, retreat: Retreat, under: Under, now: datetime) -> None:
    own = (col(Course.retreat_id) == retreat.id, _unpinned())
    ids = list(session.scalars(select(col(Course.id)).where(*own))) if under.amendment else []
    protocol, kept = keep(session, under, now)
    pinned = update(Course).where(*own)
    session.execute(pinned.values(protocol_sha256=protocol, keys_sha256=kept))
    if under.amendment is not None:
        put_under(session, ids, under.amendment)


def keep(session: Session, under: Under, now: datetime) -> tuple[str, str]:
    """Keep texts and keys; the hashes of the protocol's text and of the key set."""
    protocol = versions.keep(session, under.protocol, now)
    return protocol, keys.keep_set(session, under.asked, now)


def freeze(session: Session, study: Study, under: Under, now: datetime) -> bool:
    """Name what a study runs under by its hashes; False where that was done before."""
    if freeze_of(session, study.id):
        return False
    # Two people may be the first at once; the second waits and finds what the first froze.
    own = select(col(Study.id)).where(col(Study.id) == study.id)
    session.execute(own.with_for_update(key_share=True))
    if freeze_of(session, study.id):
        return False
    refreeze(session, study.id, under, now)
    return True


def refreeze(session: Session, study_id: int, under: Under, now: datetime) -> None:
    """Put what an amendment brings in the place of what a study was frozen to."""
    known = {(row.kind, row.name): row for row in freeze_of(session, study_id)}
    for (kind, name), row in known.items():
        if (kind, name) not in under.hashes:
            session.delete(row)
    for (kind, name), (version, sha256) in under.hashes.items():
        row = known.get((kind, name))
        if row is not None and row.sha256 == sha256:
            continue
        if row is None:
            row = StudyFreeze(
                study_id=study_id, kind=kind, name=name, version="", sha256="", frozen_at=now
            )
            session.add(row)
        row.version, row.sha256, row.frozen_at = version, sha256, now
    session.flush()


def put_under(session: Session, course_ids: Collection[int], amendment: Amendment) -> None:
    """Say of courses that they run under an amendment."""
    known = select(col(CourseAmendment.course_id)).where(
        col(CourseAmendment.amendment_id) == amendment.id
    )
    there = set(session.scalars(known))
    session.add_all(
        CourseAmendment(
            course_id=course,
            amendment_id=amendment.id,
            number=amendment.number,
            label=amendment.label,
        )
        for course in course_ids
        if course not in there
    )
    session.flush()


def hold_sheets(
    session: Session, course_ids: Collection[int], instruments: Mapping[str, Instrument]
) -> None:
    """Name the key of every sheet of these courses that names none, before the courses take
    others: a sheet keeps the key that it began with."""
    for name, instrument in instruments.items():
        own = (
            col(Assessment.course_id).in_(course_ids),
            col(Assessment.instrument) == name,
            col(Assessment.key_sha256) == "",
        )
        session.execute(update(Assessment).where(*own).values(key_sha256=instrument.sha256))


def add_amendment(session: Session, row: Amendment) -> Amendment:
    session.add(row)
    session.flush()
    return row


def changes_of(amendment: Amendment) -> Sequence[Mapping[str, str]]:
    """What an amendment changed: kind, name, before, after and their versions."""
    return json.loads(amendment.changes)
