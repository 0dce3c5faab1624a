"""Corrections of sent answers in the store, with the scores as they stood before, and second
entries."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session
from sqlmodel import col

from .columns import table_of
from .tables import Answer, ScoreRow
from .tables_care import Correction, FormerScore
from .tables_group import SecondEntry

Given = tuple[int | None, str | None]
"""(value, skip) of one answer."""
_answer, _score = table_of(Answer), table_of(ScoreRow)
KEPT = ("scale", "kind", "value", "answered", "of_items", "estimated", "band", "key_version")


def correct(
    session: Session,
    assessment_id: int,
    changes: Mapping[str, tuple[Given, Given]],
    reason: str,
    actor: str,
    now: datetime,
) -> None:
    """Write new answers over old ones (item to old and new), and what stood there before."""
    for item, (old, new) in changes.items():
        own = (_answer.c.assessment_id == assessment_id, _answer.c.item == item)
        value, skip = new
        session.execute(update(_answer).where(*own).values(value=value, skip=skip, received_at=now))
        row = Correction(
            assessment_id=assessment_id,
            item=item,
            old_value=old[0],
            old_skip=old[1],
            new_value=value,
            new_skip=skip,
            reason=reason,
            corrected_by=actor,
            corrected_at=now,
        )
        session.add(row)
    session.flush()


def set_scores_aside(session: Session, assessment_id: int, now: datetime) -> None:
    """Keep the present scores as former ones, and make room for new ones."""
    query = select(*(_score.c[name] for name in KEPT)).where(
        _score.c.assessment_id == assessment_id
    )
    rows = [dict(row) for row in session.execute(query).mappings()]
    own = {"assessment_id": assessment_id, "until": now}
    if rows:
        session.execute(insert(table_of(FormerScore)), [{**row, **own} for row in rows])
    session.execute(delete(_score).where(_score.c.assessment_id == assessment_id))


def corrections_of(session: Session, assessment_id: int) -> list[Correction]:
    """Newest first."""
    query = select(Correction).where(col(Correction.assessment_id) == assessment_id)
    return list(session.scalars(query.order_by(col(Correction.id).desc())))


def former_scores(session: Session, assessment_id: int) -> list[FormerScore]:
    """Those that were replaced, the newest first."""
    query = select(FormerScore).where(col(FormerScore.assessment_id) == assessment_id)
    return list(session.scalars(query.order_by(col(FormerScore.id).desc())))


def second_entry(session: Session, assessment_id: int) -> list[SecondEntry]:
    """Item by item, as another person typed it in; empty where nobody has."""
    query = select(SecondEntry).where(col(SecondEntry.assessment_id) == assessment_id)
    return list(session.scalars(query))


def keep_second(
    session: Session, assessment_id: int, typed: Mapping[str, Given], actor: str, now: datetime
) -> None:
    own = {"assessment_id": assessment_id, "entered_by": actor, "entered_at": now}
    rows = [
        {**own, "item": item, "value": value, "skip": skip} for item, (value, skip) in typed.items()
    ]
    session.execute(insert(table_of(SecondEntry)), rows)
