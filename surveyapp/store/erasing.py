"""Erasing in the store: what is deleted, what the trail says less, and where a code stands besides.

The trail keeps its headers: the payloads of the person's chains go with their salts, and those of
other chains that name the study code are left without it. Free words of other people's records lose
the code too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Column, Table, and_, delete, func, or_, select, text, update
from sqlalchemy.orm import Session
from sqlmodel import SQLModel, col

from . import trail
from .columns import table_of
from .tables import (
    AdverseEvent,
    Attempt,
    Consent,
    Contact,
    Course,
    DoseRow,
    Participant,
    Retreat,
)
from .tables_access import Event, EventPayload
from .tables_care import Alert, BloodPressure, Correction
from .tables_consent import ConsentForm, ConsentWithdrawal
from .tables_entry import Pin
from .tables_group import Attendance, MissingForm, Note
from .tables_keeping import EVERYTHING, Erasure, SafetyCount
from .tables_reach import Instance, Stop

LOCK_KEY = 7_266_393
GONE = "(erased)"
LEFT = "left of an erased payload"
LEAST_DISTINCT = 4
FREE_WORDS: tuple[tuple[type[SQLModel], tuple[str, ...]], ...] = (
    (Note, ("text", "withdrawn_why")),
    (Stop, ("reason", "undone_why")),
    (MissingForm, ("note",)),
    (Attendance, ("note",)),
    (AdverseEvent, ("note", "action")),
    (Alert, ("action", "outcome")),
    (Correction, ("reason",)),
    (ConsentWithdrawal, ("told_by", "note")),
    (BloodPressure, ("withdrawn_why",)),
    (DoseRow, ("reason",)),
    (Instance, ("why",)),
)
"""Columns that hold what staff wrote in their own words."""


@dataclass(frozen=True)
class Named:
    """Payloads that go: the events' ids, and what is left of those about more than one person."""

    events: list[str] = field(default_factory=list[str])
    left: dict[str, object] = field(default_factory=dict[str, object])


def alone(session: Session) -> None:
    """One erasure at a time; SQLite's write transactions are alone anyway, and overwrite what they
    delete."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
    else:
        session.execute(text("PRAGMA secure_delete=ON"))


def lock_person(session: Session, code: str) -> Participant | None:
    """The person of this code in any case; whoever writes about them waits."""
    query = select(Participant).where(func.lower(col(Participant.code)) == code.lower())
    found = session.scalars(query.with_for_update()).first()
    if found is not None and session.get_bind().dialect.name == "postgresql":
        own = select(col(Course.id)).where(col(Course.participant_id) == found.id)
        session.execute(own.order_by(col(Course.id)).with_for_update())
    return found


def person(session: Session, code: str) -> Participant | None:
    return session.scalars(select(Participant).where(col(Participant.code) == code)).first()


def everybody(session: Session) -> Sequence[str]:
    return session.scalars(select(col(Participant.code))).all()


def keeps_data(session: Session, person: int) -> bool:
    """Whether the newest consent of every course lets data stay without contacts; where the form
    asks, what the person answered. Without a form nothing forbids it."""
    query = (
        select(col(Course.id), col(ConsentForm.keeps_data), col(Consent.keep_for_research))
        .join(Retreat, col(Retreat.id) == col(Course.retreat_id))
        .join(Consent, col(Consent.course_id) == col(Course.id))
        .outerjoin(
            ConsentForm,
            and_(
                col(ConsentForm.study_id) == col(Retreat.study_id),
                col(ConsentForm.version) == col(Consent.version),
            ),
        )
        .where(col(Course.participant_id) == person)
        .order_by(col(Consent.id))
    )
    newest = {course: (says, agreed) for course, says, agreed in session.execute(query)}
    return all(says != "no" and (says != "ask" or agreed) for says, agreed in newest.values())


def remove_contacts(session: Session, person: int) -> int:
    """Contacts, the PIN, and the keyed hashes of where messages went; how many of the first."""
    own = select(col(Course.id)).where(col(Course.participant_id) == person)
    prompts = table_of(Attempt).c.prompt_id.in_(_prompts_of(own))
    session.execute(update(Attempt).where(prompts).values(sent_to=None))
    session.execute(delete(Pin).where(col(Pin.participant_id) == person))
    result: Any = session.execute(delete(Contact).where(col(Contact.participant_id) == person))
    session.expire_all()
    return int(result.rowcount)


def _prompts_of(courses: Any) -> Any:
    prompt = SQLModel.metadata.tables["prompt"]
    return select(prompt.c.id).where(prompt.c.course_id.in_(courses))


# The trail ----------------------------------------------------------------------------------


def is_distinct(code: str) -> bool:
    """Whether the code in the middle of a sentence can only mean the person; 101 or ann may not."""
    mixed = any(c.isdigit() for c in code) and any(c.isalpha() for c in code)
    return len(code) >= LEAST_DISTINCT and mixed


def token(code: str) -> re.Pattern[str]:
    """The code as a word of its own: P-01 is not in P-012, P-01.2 or AP-01, but in p-01.pdf. One
    that is not distinct only as a whole text."""
    name = rf"{re.escape(_slug(code))}(?=\.(?:pdf|json|zip)\b)"
    if not is_distinct(code):
        return re.compile(rf"^(?:{re.escape(code)}$|{name})", re.IGNORECASE)
    inside = r"[A-Za-z0-9]"
    before = rf"(?<!{inside})(?<!{inside}[._-])"
    after = rf"(?!{inside}|[._-]{inside})"
    return re.compile(rf"{before}(?:{re.escape(code)}{after}|{name})", re.IGNORECASE)


def _slug(code: str) -> str:
    """As files about the person are named."""
    return re.sub("[^a-z0-9]+", "-", code.lower()).strip("-")


def payloads_naming(session: Session, code: str, chains: Collection[str]) -> Named:
    """Payloads of the person's chains, and of any other that names the code."""
    own = select(col(EventPayload.event_uid)).join(
        Event, col(Event.uid) == col(EventPayload.event_uid)
    )
    named = Named(list(session.scalars(own.where(col(Event.chain).in_(chains)))))
    known = set(named.events)
    for uid, kind, body in _mentioning(session, code):
        if uid in known or kind == trail.ERASED:  # that one may never go, and names nobody
            continue
        said: Any = json.loads(body)
        left = without(said, token(code))
        if left == said:
            continue
        named.events.append(uid)
        named.left[uid] = left
    return named


def _mentioning(session: Session, code: str) -> Iterator[tuple[str, str, str]]:
    body = func.lower(col(EventPayload.payload))
    query = (
        select(col(Event.uid), col(Event.kind), col(EventPayload.payload))
        .join(EventPayload, col(EventPayload.event_uid) == col(Event.uid))
        .where(or_(*(body.contains(word, autoescape=True) for word in _words(code))))
    )
    if not is_distinct(code):  # elsewhere it would be some other word
        query = query.where(col(Event.chain) == trail.SYSTEM)
    yield from (cast(Any, row) for row in session.execute(query))


def _words(code: str) -> set[str]:
    return {code.lower(), f"{_slug(code)}."}


def without(said: Any, code: re.Pattern[str]) -> Any:
    """The same with every mention of a code replaced."""
    if isinstance(said, str):
        return code.sub(GONE, said)
    if isinstance(said, list):
        return [without(part, code) for part in cast(list[Any], said)]
    if isinstance(said, dict):
        pairs = cast(Mapping[str, Any], said).items()
        return {name: without(part, code) for name, part in pairs}
    return said


# Elsewhere ----------------------------------------------------------------------------------


def mentions(session: Session, code: str, *, remove: bool) -> int:
    """How many free words of other records name the code; with `remove` they do no more."""
    found = 0
    for model, names in FREE_WORDS:
        for name in names:
            found += _in_column(session, table_of(model), name, code, remove=remove)
    return found


def _in_column(session: Session, table: Table, name: str, code: str, *, remove: bool) -> int:
    column, key = table.c[name], list(table.primary_key.columns)
    query = select(*key, column).where(func.lower(column).contains(code.lower(), autoescape=True))
    found = 0
    for *values, words in session.execute(query).all():
        less = token(code).sub(GONE, words)
        found += less != words
        if remove and less != words:
            session.execute(update(table).where(*_same(key, values)).values({name: less}))
    return found


def _same(key: Sequence[Column[Any]], values: Sequence[Any]) -> list[Any]:
    return [column == value for column, value in zip(key, values, strict=True)]


def keep_safety_counts(session: Session, person: int) -> None:
    """Add a person's doses and adverse events to what their studies keep as mere counts."""
    for study, what in _safety(session, person):
        row = session.get(SafetyCount, (study, what))
        if row is None:
            session.add(SafetyCount(study_id=study, what=what, number=1))
        else:
            row.number += 1
        session.flush()


def _safety(session: Session, person: int) -> Iterator[tuple[int, str]]:
    ours = col(Course.participant_id) == person
    joined = select(col(Retreat.study_id)).join(Course, col(Course.retreat_id) == col(Retreat.id))
    doses = joined.add_columns(col(DoseRow.kind), col(DoseRow.status))
    doses = doses.join(DoseRow, col(DoseRow.course_id) == col(Course.id))
    for study, kind, status in session.execute(doses.where(ours)):
        yield study, f"dose: {kind}, {status}"
    events = joined.add_columns(col(AdverseEvent.grade), col(AdverseEvent.serious))
    events = events.join(AdverseEvent, col(AdverseEvent.course_id) == col(Course.id))
    for study, grade, serious in session.execute(events.where(ours)):
        yield study, f"adverse event: grade {grade}{', serious' if serious else ''}"


# What was erased ----------------------------------------------------------------------------


def add_erasure(session: Session, row: Erasure) -> None:
    session.add(row)
    session.flush()


def erasures(session: Session) -> list[Erasure]:
    """Newest first."""
    query = select(Erasure).order_by(col(Erasure.erased_at).desc(), col(Erasure.line))
    return list(session.scalars(query))


def known_lines(session: Session) -> set[str]:
    return set(session.scalars(select(col(Erasure.line))))


def erased_among(session: Session, people: Collection[str]) -> set[str]:
    """Which of these keyed hashes of codes belong to somebody who was erased."""
    query = select(col(Erasure.person)).where(
        col(Erasure.kind) == EVERYTHING, col(Erasure.person).in_(people)
    )
    return set(session.scalars(query))


def uncleaned(session: Session) -> bool:
    query = select(col(Erasure.line)).where(col(Erasure.cleaned_at).is_(None)).limit(1)
    return session.scalars(query).first() is not None


def mark_cleaned(session: Session, lines: Collection[str], now: datetime) -> None:
    query = update(Erasure).where(col(Erasure.line).in_(lines), col(Erasure.cleaned_at).is_(None))
    session.execute(query.values(cleaned_at=now))
