"""A person's own copy: all that is held about them, as JSON in plain words and their report as PDF.

It follows the foreign keys, like erasing, so that nothing that hangs on a person is left out but
hashes and secrets (of links, visits and sealed fields), which say nothing about the person.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

from ..store import belongings, contacts, roster, trail
from ..store.belongings import Belonging
from ..store.database import Session
from ..store.facts import course_contexts
from ..store.tables import Participant
from ..store.vault import CannotOpenError
from . import reporting
from .enrolment import append_all, the_person
from .site import Site

DATA, REPORT, READ_ME = "data.json", "report.pdf", "read-me.txt"
PRINTED = (1980, 1, 1, 0, 0, 0)
LEFT_OUT = ("link", "visit", "pin", "window")
HIDDEN = ("sha256", "sealed", "key_version", "lookup", "sent_to", "claimed_by", "chain", "touched")
INTERNAL = ("id", "participant_id", "edition", "revision")
COLUMNS = {
    "course_id": "course (its id below)",
    "given_at": "when it was given",
    "received_at": "when it arrived",
    "item": "the question, by its id in the questionnaire",
    "topic": "what the question is about",
    "value": "the answer's or score's number",
    "skip": "why there is no answer",
    "timepoint": "the moment that it belongs to",
    "recorded_by": "which account or command wrote it down",
    "recorded_at": "when it was written down",
}
TEXT = """This is a copy of what is held about you under the study code {code}, made on {on}.

{report}: your answers over time, as a report.
{data}: everything that is held, as a list that people and programs can read.

In {data}
- "contact" holds your contact details; only staff with the right to do so see them.
- "held" has a list for each kind of data. "about" says what it is; "rows" holds one entry for each.
  Times are in UTC. An empty field (null) is not known.
- "history" is the record of what was done and when: each change, each message, each time that
  somebody looked at your contact details or made a report. Accounts are numbered: staff:1.

Words that are used
{words}

Not in it: the links to your check-ins and your PIN, which are keys and not data about you, and
codes that only the program reads. Notes that staff wrote may name other people.
"""


def own_copy(site: Site, code: str, *, actor: str, now: datetime) -> bytes:
    """A ZIP of everything about a person; that it was made is in the trail, as a look at contacts
    is. Raises NotFoundError, RefusedError when the report cannot be drawn."""
    with site.database.read() as session:
        person = the_person(session, code)
        data = _data(site, session, person, now)
        has_courses = bool(roster.course_ids_of(session, person.id))
    files = {DATA: json.dumps(data, ensure_ascii=False, indent=2).encode()}
    if has_courses:
        report = reporting.participant_report(site, code, now)
        files[REPORT] = reporting.pdf(site, report)
    files[READ_ME] = _read_me(code, now).encode()
    _note(site, code, actor, now)
    return _zip(files)


def _data(site: Site, session: Session, person: Participant, now: datetime) -> dict[str, Any]:
    found = list(belongings.belongings(session, [person.id]))
    topics = _topics(site, session, found)
    held = {
        b.words: _rows(session, b, topics)
        for b in found
        if b.table.name not in LEFT_OUT and b.table.name != "contact"
    }
    return {
        "study_code": person.code,
        "made_at": now.isoformat(),
        "contact": _contacts(site, session, person),
        "held": [{"about": words, "rows": rows} for words, rows in held.items() if rows],
        "history": _history(session, person),
    }


def _contacts(site: Site, session: Session, person: Participant) -> dict[str, str]:
    found: dict[str, str] = {}
    for row in contacts.sealed_of(session, [person.id]):
        try:
            found[row.kind] = contacts.opened(site.vault, row).value
        except CannotOpenError:
            found[row.kind] = "cannot be read with the keys given"
    return found


def _topics(site: Site, session: Session, found: list[Belonging]) -> dict[tuple[int, str], str]:
    """What each question is about, by questionnaire row and item."""
    (sheets,) = [b for b in found if b.table is belongings.SHEETS]
    known = site.library.instruments
    return {
        (row["id"], item.id): item.topic
        for row in belongings.rows(session, sheets)
        if row["instrument"] in known
        for item in known[row["instrument"]].items
    }


def _rows(
    session: Session, belonging: Belonging, topics: Mapping[tuple[int, str], str]
) -> list[dict[str, Any]]:
    kept: list[dict[str, Any]] = []
    for row in belongings.rows(session, belonging):
        line = {name: _plain(value) for name, value in row.items() if _shown(name, belonging)}
        if "item" in row and "assessment_id" in row:
            line["topic"] = topics.get((row["assessment_id"], row["item"]), "")
        kept.append(line)
    return kept


def _shown(name: str, belonging: Belonging) -> bool:
    if name == "id":  # what other rows refer to
        return belonging.table.name in ("course", "assessment", "prompt", "alert")
    return name not in INTERNAL and not any(word in name for word in HIDDEN)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime | date | time) else value


def _history(session: Session, person: Participant) -> list[dict[str, Any]]:
    chains = belongings.chains_of(session, person.id)
    return [
        {
            "at": row.at.isoformat(),
            "what": row.kind,
            "by": row.actor,
            "said": json.loads(row.payload) if row.payload else None,
        }
        for row in trail.said_of(session, chains)
    ]


def _read_me(code: str, now: datetime) -> str:
    words = "\n".join(f"- {name}: {about}" for name, about in COLUMNS.items())
    return TEXT.format(code=code, on=now.date(), report=REPORT, data=DATA, words=words)


def _note(site: Site, code: str, actor: str, now: datetime) -> None:
    with site.database.write() as session:
        ids = roster.course_ids_of(session, the_person(session, code).id)
        contexts = course_contexts(session, site.library, ids)
        payload: dict[str, object] = {"what": "own copy"}
        if contexts:
            append_all(session, contexts, "own copy made", actor, now, payload)
        else:
            payload["code"] = code
            trail.append(session, trail.SYSTEM, "own copy made", actor, now, payload)


def _zip(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(zipfile.ZipInfo(name, PRINTED), body, zipfile.ZIP_DEFLATED)
    return packed.getvalue()
