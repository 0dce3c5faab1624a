"""Seals: what the trail says of sent answers and their scores, and whether they still are that.

Whoever can write to the database can change an answer without touching the trail. So the event of
every act that settles a sheet (sent, typed in, imported, corrected) holds a hash over its answers
and one over its scores, and the newest one of each sheet must fit what stands in the tables.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from .columns import table_of
from .tables import Answer, Assessment, Course, ScoreRow
from .tables_access import Event, EventPayload

SEALED = "sealed"
KINDS = ("answers sent", "sheet entered", "assessment imported", "answers corrected")
SLICE = 500
ROWS = 2000

_course, _sheet = table_of(Course), table_of(Assessment)
_answer, _score = table_of(Answer), table_of(ScoreRow)
_event, _payload = table_of(Event), table_of(EventPayload)
_answers = select(_answer.c.assessment_id, _answer.c.item, _answer.c.value, _answer.c.skip)
_scores = select(
    _score.c.assessment_id,
    _score.c.kind,
    _score.c.scale,
    _score.c.value,
    _score.c.answered,
    _score.c.of_items,
    _score.c.estimated,
    _score.c.band,
    _score.c.key_version,
)
Seal = Mapping[str, str]
"""The hashes of "answers" and "scores"."""
Key = tuple[str, str, str]
"""Chain, timepoint, instrument."""


@dataclass(frozen=True)
class Found:
    """How many sheets fit their seals, how many were never sealed, and the first that does not
    fit, named."""

    whole: int
    unsealed: int
    fault: str | None


def seals_of(session: Session, assessment_ids: Collection[int]) -> dict[int, Seal]:
    """The seals of some sheets as they stand in this transaction."""
    session.flush()
    found: dict[int, Seal] = {}
    listed = list(assessment_ids)
    for start in range(0, len(listed), SLICE):
        part = listed[start : start + SLICE]
        answers = session.execute(_answers.where(_answer.c.assessment_id.in_(part)))
        scores = session.execute(_scores.where(_score.c.assessment_id.in_(part)))
        given, scored = _grouped(answers), _grouped(scores)
        for one in part:
            found[one] = _seal(given.get(one, []), scored.get(one, []))
    return found


def seal_of(session: Session, assessment_id: int) -> Seal:
    return seals_of(session, [assessment_id])[assessment_id]


def check(session: Session) -> Found:
    """Compare every sent sheet with its newest seal; stops at the first that does not fit."""
    sealed = _sealed(session)
    whole = unsealed = 0
    for row, seal in _sent(session):
        key: Key = row.chain, row.timepoint, row.instrument
        uid, said = sealed.pop(key, ("", {}))
        if not said:
            unsealed += 1
            continue
        for what, hashed in seal.items():
            if said.get(what) != hashed:
                fault = f"{what} of {_name(key, row.id)} are not those of event {uid}"
                return Found(whole, unsealed, fault)
        whole += 1
    if sealed:
        key, (uid, _) = next(iter(sorted(sealed.items())))
        return Found(whole, unsealed, f"{_name(key)} is gone, which event {uid} sealed")
    return Found(whole, unsealed, None)


def _name(key: Key, number: int | None = None) -> str:
    chain, timepoint, instrument = key
    row = f" {number}" if number is not None else ""
    return f"assessment{row} ({timepoint}, {instrument}, chain {chain})"


def _sealed(session: Session) -> dict[Key, tuple[str, Seal]]:
    """The newest seal of every sheet, with the event that holds it."""
    query = (
        select(_event.c.uid, _event.c.chain, _payload.c.payload)
        .join(_payload, _payload.c.event_uid == _event.c.uid)
        .where(_event.c.kind.in_(KINDS))
        .order_by(_event.c.chain, _event.c.seq)
        .execution_options(yield_per=ROWS)
    )
    found: dict[Key, tuple[str, Seal]] = {}
    for uid, chain, body in session.execute(query):
        said: dict[str, Any] = json.loads(body)
        if seal := said.get(SEALED):
            found[chain, str(said["timepoint"]), str(said["instrument"])] = uid, seal
    return found


def _sent(session: Session) -> Iterator[tuple[Any, Seal]]:
    """Every sent sheet with its seal, a slice at a time."""
    query = (
        select(_sheet.c.id, _sheet.c.timepoint, _sheet.c.instrument, _course.c.chain)
        .join(_course, _course.c.id == _sheet.c.course_id)
        .where(_sheet.c.submitted_at.is_not(None))
        .order_by(_sheet.c.id)
        .limit(SLICE)
    )
    last = 0
    while rows := session.execute(query.where(_sheet.c.id > last)).all():
        seals = seals_of(session, [row.id for row in rows])
        for row in rows:
            yield row, seals[row.id]
        last = rows[-1].id


def _grouped(rows: Iterable[Any]) -> dict[int, list[tuple[Any, ...]]]:
    grouped: defaultdict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for row in rows:
        grouped[row[0]].append(tuple(row))
    return grouped


def _seal(answers: Iterable[tuple[Any, ...]], scores: Iterable[tuple[Any, ...]]) -> Seal:
    return {"answers": _hash(answers), "scores": _hash(scores)}


def _hash(rows: Iterable[tuple[Any, ...]]) -> str:
    """SHA-256 over the rows in order, without the number of their sheet."""
    lines = sorted(json.dumps(row[1:], ensure_ascii=False) for row in rows)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
