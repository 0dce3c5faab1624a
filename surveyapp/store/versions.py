"""Which text of a protocol a course runs under.

A course keeps the text it began with, whatever becomes of the file; people who join a retreat later
take the text of those who are there. A course without one runs under the library's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session
from sqlmodel import col

from ..study.library import Library
from ..study.protocol import Protocol, read_protocol
from ..study.reading import Faults
from .once import add_once
from .tables import Course, Retreat
from .tables_reach import ProtocolText

_kept = select(col(ProtocolText.protocol), col(ProtocolText.sha256))
_read: dict[str, Protocol] = {}
"""Protocols by the hash of their text; a text never changes."""


def protocols_of(
    session: Session, library: Library, wanted: Iterable[tuple[str, str | None]]
) -> dict[tuple[str, str | None], Protocol]:
    """The protocol of each pair of a study's protocol and a course's hash. Asks the database only
    for texts that it has not met. Raises KeyError for one that is neither kept nor installed."""
    found: dict[tuple[str, str | None], Protocol] = {}
    for name, sha256 in set(wanted):
        installed = library.protocols.get(name)
        kept = None
        if sha256 is not None and (installed is None or sha256 != installed.sha256):
            kept = _read.get(sha256) or _load(session, sha256)
        found[name, sha256] = kept or library.protocols[name]
    return found


def all_protocols(session: Session, library: Library) -> list[Protocol]:
    """Every protocol that is installed, or that a course began with. One statement."""
    kept = {(row.protocol, row.sha256) for row in session.execute(_kept)}
    return [*library.protocols.values(), *protocols_of(session, library, kept).values()]


def _load(session: Session, sha256: str) -> Protocol | None:
    kept = session.get(ProtocolText, sha256)
    if kept is None:
        return None
    faults = Faults(f"the kept version {kept.version} of {kept.protocol}")
    _read[sha256] = read_protocol(kept.text, kept.protocol, None, faults)
    return _read[sha256]


def keep(session: Session, protocol: Protocol, now: datetime) -> str:
    """Keep a protocol's text; its hash."""
    if session.get(ProtocolText, protocol.sha256) is None:
        row = ProtocolText(
            sha256=protocol.sha256,
            protocol=protocol.id,
            version=protocol.version,
            text=protocol.text,
            kept_at=now,
        )
        add_once(session, row)
    return protocol.sha256


def of_retreat(session: Session, retreat_id: int) -> str | None:
    """The text that a retreat's courses run under."""
    query = select(col(Course.protocol_sha256)).where(
        col(Course.retreat_id) == retreat_id, col(Course.protocol_sha256).is_not(None)
    )
    return session.scalars(query.order_by(col(Course.id)).limit(1)).first()


def model_of(session: Session, retreat_id: int) -> Course | None:
    """A course of a retreat that has a text: others of it run under the same."""
    query = select(Course).where(
        col(Course.retreat_id) == retreat_id, col(Course.protocol_sha256).is_not(None)
    )
    # Of a retreat that is just being brought to keys too, those who have both come first.
    ordered = query.order_by(col(Course.keys_sha256).is_(None), col(Course.id))
    return session.scalars(ordered.limit(1)).first()


def newest_of_study(session: Session, study_id: int) -> Course | None:
    """The newest course of a study that has a text."""
    query = (
        select(Course)
        .join(Retreat, col(Retreat.id) == col(Course.retreat_id))
        .where(col(Retreat.study_id) == study_id, col(Course.protocol_sha256).is_not(None))
    )
    return session.scalars(query.order_by(col(Course.id).desc()).limit(1)).first()


def bring(
    session: Session, course_ids: Collection[int], sha256: str, keys_sha256: str | None
) -> None:
    """Let courses run under another text and other keys."""
    chosen = update(Course).where(col(Course.id).in_(course_ids))
    session.execute(chosen.values(protocol_sha256=sha256, keys_sha256=keys_sha256))
    session.expire_all()
