"""Reporting: the participant's and the retreat's report, from the store to numbers and paper.

A report is built from what the store holds and dated by its last change. The numbers and the
HTML come at once; the PDF is drawn on demand in the site's renderer, a process of its own.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from .. import texts
from ..config import Paper
from ..reports.paper import on_paper
from ..reports.participant import Around, participant_html, participant_view
from ..reports.participant_json import participant_json
from ..reports.pdf import Renderer, RenderError
from ..reports.retreat import retreat_html, retreat_json, retreat_view
from ..reports.spoken import spoken_instruments, spoken_person
from ..store import alerts, roster, trail
from ..store.database import Session
from ..store.facts import course_contexts
from ..store.records import REPORT_MADE, last_change, load_people, load_person, retreat_by_name
from ..store.windows import lock_courses
from ..study.instrument import Instrument
from ..study.record import Person
from .enrolment import append_all, shown
from .errors import NotFoundError, RefusedError
from .programme import sessions_of
from .site import Site


@dataclass(frozen=True)
class Report:
    """`filename` holds no name of a person; `code` is the study code of whom it is about, empty for
    a retreat's."""

    filename: str
    numbers: Callable[[], dict[str, Any]] = field(repr=False, compare=False)
    html: str
    code: str = ""

    @property
    def data(self) -> dict[str, Any]:
        """The numbers it shows, unrounded; worked out when they are asked for, paper needs none."""
        return self.numbers()


def participant_report(
    site: Site,
    code: str,
    now: datetime,
    language: str = "",
    paper: Paper | None = None,
    *,
    meeting: str = "",
) -> Report:
    """One person's trajectory over all courses, in `language` or the person's own, on `paper` or
    the site's, made for one session (`meeting`) of the newest course's programme or for none.

    The numbers are the same in every language. Raises NotFoundError for an unknown code or session.
    """
    with site.database.read() as session:
        person = load_person(session, site.library, code)
        if person is None:
            raise NotFoundError(f"There is no participant {shown(code)}.")
        as_of = _as_of(session, [person], now)
        practice = _practice(session, {c.retreat for c in person.courses})
        known = roster.participant(session, code)
        around = _around(session, person, meeting)
    instruments = _instruments(site, [person])
    dated: dict[str, Any] = {"now": now, "as_of": as_of, "practice": practice}
    with texts.speaking(language or (known.language if known else texts.ENGLISH)):
        said = participant_view(
            spoken_person(person), spoken_instruments(instruments), around=around, **dated
        )
        html = on_paper(participant_html(said), paper or site.settings.paper)

    def numbers() -> dict[str, Any]:
        with texts.speaking(texts.ENGLISH):
            return participant_json(participant_view(person, instruments, **dated))

    return Report(filename(code), numbers, html, code)


def _around(session: Session, person: Person, meeting: str) -> Around:
    """What page one says besides the record. Raises NotFoundError for an unknown session."""
    labels = {(c.number, t.id): t.label for c in person.courses for t in c.protocol.timepoints}
    opened = alerts.open_of_person(session, person.code)
    told = [
        (placed.alert.rule, labels.get((placed.course.number, placed.alert.timepoint), ""))
        for placed in opened
        if not placed.alert.drill
    ]
    return Around(_meeting(session, person, meeting), tuple(dict.fromkeys(told)))


def _meeting(session: Session, person: Person, meeting: str) -> tuple[str, date | None] | None:
    if not meeting:
        return None
    newest = person.courses[-1] if person.courses else None
    retreat = retreat_by_name(session, newest.retreat) if newest else None
    held = sessions_of(session, retreat.id, newest.protocol) if retreat and newest else ()
    for line in held:
        if line.id == meeting and not line.dropped:
            return line.label, line.on
    raise NotFoundError(f"There is no session {meeting!r} in the newest course of {person.code}.")


def retreat_report(
    site: Site,
    name: str,
    now: datetime,
    language: str = texts.ENGLISH,
    paper: Paper | None = None,
) -> Report:
    """A retreat's people with all their courses. Raises NotFoundError for an unknown name."""
    with site.database.read() as session:
        retreat = retreat_by_name(session, name)
        if retreat is None:
            raise NotFoundError(f"There is no retreat {name!r}.")
        people = load_people(session, site.library, retreat.id)
        as_of = _as_of(session, people, now)
        practice = _practice(session, {name, *(c.retreat for p in people for c in p.courses)})
    instruments = _instruments(site, people)
    dated: dict[str, Any] = {"now": now, "as_of": as_of, "practice": practice}
    with texts.speaking(language):
        said = retreat_view(
            name,
            [spoken_person(person) for person in people],
            spoken_instruments(instruments),
            **dated,
        )
        html = on_paper(retreat_html(said), paper or site.settings.paper)

    def numbers() -> dict[str, Any]:
        with texts.speaking(texts.ENGLISH):
            return retreat_json(retreat_view(name, people, instruments, **dated))

    return Report(filename(f"retreat {name}"), numbers, html)


def pdf(site: Site, report: Report, renderer: Renderer | None = None) -> bytes:
    """The report on paper. Raises RefusedError with a sentence when it cannot be drawn."""
    try:
        return (renderer or site.renderer).render(report.html)
    except RenderError as error:
        raise RefusedError(str(error)) from error


def make_pdf(
    site: Site, report: Report, *, actor: str, now: datetime, renderer: Renderer | None = None
) -> bytes:
    """The report on paper, for somebody: that it was made is in the trail of the person's courses,
    or for a retreat's in the system's. Raises RefusedError."""
    body = pdf(site, report, renderer)
    _note_made(site, report, report.filename, body, actor, now)
    return body


def note_numbers(site: Site, report: Report, *, actor: str, now: datetime) -> dict[str, Any]:
    """The report's numbers, for somebody: on record like the PDF."""
    numbers = report.data
    body = json.dumps(numbers, sort_keys=True).encode()
    _note_made(site, report, report.filename.replace(".pdf", ".json"), body, actor, now)
    return numbers


def _note_made(
    site: Site, report: Report, file: str, body: bytes, actor: str, now: datetime
) -> None:
    payload = {"file": file, "sha256": hashlib.sha256(body).hexdigest()}
    with site.database.write() as session:
        ids = roster.course_ids_by_code(session, [report.code]) if report.code else []
        if not ids:  # a retreat's, or about somebody who has no course yet
            trail.append(session, trail.SYSTEM, REPORT_MADE, actor, now, payload)
            return
        lock_courses(session, ids)
        contexts = course_contexts(session, site.library, ids)
        append_all(session, contexts, REPORT_MADE, actor, now, {**payload})


def _instruments(site: Site, people: Sequence[Person]) -> dict[str, Instrument]:
    """Under the keys that these people's courses are frozen to."""
    own = {name: found for person in people for name, found in person.instruments.items()}
    return {**site.library.instruments, **own}


def _as_of(session: Session, people: Sequence[Person], now: datetime) -> datetime:
    """The data's last change; `now` while there are no data."""
    return last_change(session, [p.code for p in people]) or now


def _practice(session: Session, retreats: Collection[str]) -> bool:
    """Whether any of the retreats belongs to a practice study."""
    found = [retreat_by_name(session, name) for name in sorted(retreats)]
    studies = {r.study_id: roster.study(session, r.study_id) for r in found if r is not None}
    return any(s is not None and s.mode == "practice" for s in studies.values())


def filename(about: str, ending: str = "pdf") -> str:
    return f"{re.sub('[^a-z0-9]+', '-', about.lower()).strip('-') or 'report'}.{ending}"
