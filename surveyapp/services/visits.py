"""Visits: who stands at the door, and what each of the participant's pages shows.

A link's token opens the door; a visit is one opening of it. Its read secret (a cookie) shows and
changes the draft, the write capability made from it can only write, so what a phone still has to
deliver survives a lost cookie. Once an instrument is sent nothing of it is shown again.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from .. import texts
from ..store import answers as desk
from ..store import keys
from ..store.database import Session
from ..store.facts import CourseContext, course_context, course_contexts
from ..store.links import digest, find_link, make_token
from ..store.tables import Study
from ..store.tables_access import Link
from ..store.wordings import languages_of, of_sheet
from ..study.consent import may_answer
from ..study.instrument import Instrument, Wording
from ..study.protocol import Timepoint
from ..study.schedule import State, prompts_of, state_of, window_of
from . import notices, pins
from .errors import GoneError, NotFoundError
from .phonepages import Door, Lines, Other, Part, Question, Questionnaire, Thanks
from .site import Site

UNKNOWN_LINK = texts.marked(
    "Please check that the whole link was copied, or open it again from your message."
)
UNKNOWN_VISIT = texts.marked("Please open your link again. Your answers are kept.")
CONSENT_FIRST = texts.marked(
    "Your consent to this part of the study is not on record yet. Please contact the study team;"
    " after that this link works."
)
CLOSED = texts.marked("This check-in takes no more answers.")
OPEN_STATES: tuple[State, ...] = ("open", "in progress")
DONE_STATES: tuple[State, ...] = ("submitted", "late")


@dataclass(frozen=True)
class _Inside:
    """A visit whose secret was right: its course as it stands now."""

    context: CourseContext
    timepoint: Timepoint

    def sent(self, instrument: str) -> bool:
        return (self.timepoint.id, instrument) in self.context.facts.submitted


def new_secret() -> str:
    return secrets.token_urlsafe(32)


def write_capability(read_secret: str) -> str:
    """The write-only right of a visit; the read secret cannot be found from it."""
    raw = hmac.digest(read_secret.encode(), b"write", "sha256")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def is_secret(given: str, sha256: str) -> bool:
    return hmac.compare_digest(digest(given), sha256)


def knock(site: Site, token: str, now: datetime) -> Door:
    """What the link shows; changes nothing. Raises NotFoundError for one that is unknown."""
    with site.database.read() as session:
        return _door(site, session, *context_of_token(site, session, token), now)


def link_of(session: Session, token: str) -> Link:
    """Raises NotFoundError for a token that is unknown or revoked."""
    link = find_link(session, token)
    if link is None:
        raise NotFoundError(UNKNOWN_LINK)
    return link


def context_of_token(site: Site, session: Session, token: str) -> tuple[CourseContext, Timepoint]:
    """Raises NotFoundError."""
    link = link_of(session, token)
    context = course_context(session, site.library, link.course_id)
    # A protocol's newer version may have dropped the timepoint of a printed link.
    if context is None or link.timepoint not in {t.id for t in context.protocol.timepoints}:
        raise NotFoundError(UNKNOWN_LINK)
    return context, context.protocol.timepoint(link.timepoint)


def _door(
    site: Site, session: Session, context: CourseContext, timepoint: Timepoint, now: datetime
) -> Door:
    window = window_of(timepoint, context.facts)
    asked = [context.instruments[name] for name in timepoint.instruments]
    language = context.participant.language
    offered = languages_of(session, context.study.id)
    return Door(
        course_id=context.course_id,
        timepoint=timepoint.id,
        code=context.participant.code,
        language=language,
        lines=lines_of(context.study, offered),
        notice=notice_of(context, timepoint.instruments),
        state=state_of(timepoint, context.facts, now),
        opens=window.opens if window else None,
        closes=window.closes if window else None,
        parts=tuple(_part(i, context, timepoint) for i in asked),
        minutes=sum(i.minutes for i in asked),
        data_notice=notices.notice_for(session, site, context.study, language),
        notice_due=notices.is_due(session, context.participant, context.study),
        asks_pin=pins.asks(session, context.participant.id),
        lacks_consent=lacks_consent(context, timepoint, now),
    )


def _part(asked: Instrument, context: CourseContext, timepoint: Timepoint) -> Part:
    return Part(len(asked.items), _recall(context.wording(asked.id), context, timepoint))


def lacks_consent(context: CourseContext, timepoint: Timepoint, now: datetime) -> bool:
    """Whether a check-in may not begin for want of consent. Only a live study asks for it: practice
    entries are nobody's data. One that was begun goes on, so that no answer given is lost."""
    begun = any(key[0] == timepoint.id for key in context.facts.started)
    if context.study.mode != "live" or begun:
        return False
    today = now.astimezone(context.zone).date()
    return not may_answer(context.hanging.signed, context.forms, today)


def current_instrument(site: Site, visit_id: str, read_secret: str, now: datetime) -> str | None:
    """The first instrument of the visit that is not sent; None when all are.

    Raises NotFoundError for a wrong secret, GoneError when it takes no more answers.
    """
    with site.database.read() as session:
        inside = _enter(site, session, visit_id, read_secret)
        return _next_instrument(inside, now)


def questionnaire(
    site: Site, visit_id: str, read_secret: str, instrument: str, now: datetime
) -> Questionnaire | None:
    """The draft of one instrument, None when it is sent. Raises NotFoundError, GoneError."""
    with site.database.read() as session:
        inside = _enter(site, session, visit_id, read_secret)
        if instrument not in inside.timepoint.instruments:
            raise NotFoundError(UNKNOWN_VISIT)
        if inside.sent(instrument):
            return None
        _refuse_late(inside, now)
        sheet = next(
            a
            for a in inside.context.assessments
            if (a.timepoint, a.instrument) == (inside.timepoint.id, instrument)
        )
        given = desk.answers_of(session, sheet.id)
        link = desk.link_hash(session, inside.context.course_id, inside.timepoint.id)
        lines = lines_of(inside.context.study, languages_of(session, inside.context.study.id))
        asked = keys.instrument_of(
            session, site.library, instrument, sheet.key_sha256, inside.context.instruments
        )
        wording = of_sheet(session, asked, inside.context.wordings, sheet)
    write = write_capability(read_secret)
    return _page(inside, (asked, wording), visit_id, write, link, given, lines)


def thanks(site: Site, visit_id: str, read_secret: str, now: datetime) -> Thanks | None:
    """What comes next, None while something is still to be sent. Raises NotFoundError."""
    with site.database.read() as session:
        inside = _enter(site, session, visit_id, read_secret)
        if not all(map(inside.sent, inside.timepoint.instruments)):
            return None
        return _thanks(site, session, inside, now)


def thanks_at_door(site: Site, token: str, now: datetime) -> Thanks:
    """The same for somebody who opens a link whose answers were sent. Raises NotFoundError."""
    with site.database.read() as session:
        inside = _Inside(*context_of_token(site, session, token))
        return _thanks(site, session, inside, now)


def contacts(site: Site) -> list[tuple[str, str]]:
    """Phone and hours of the study teams, for a page that does not know its study."""
    with site.database.read() as session:
        return desk.study_phones(session)


def help_lines(site: Site, visit_id: str, read_secret: str) -> tuple[Lines, str]:
    """The study's own lines and the person's language; a visit that is not known has neither."""
    with site.database.read() as session:
        try:
            inside = _enter(site, session, visit_id, read_secret)
        except NotFoundError:
            return Lines(), ""
        return lines_of(inside.context.study), inside.context.participant.language


def lines_of(study: Study, languages: tuple[str, ...] = ()) -> Lines:
    return Lines(
        emergency=study.emergency,
        crisis_line=study.crisis_line,
        phone=study.phone,
        hours=study.hours,
        readers=study.readers,
        read_when=study.read_when,
        practice=study.mode == "practice",
        languages=languages,
    )


def notice_of(context: CourseContext, instruments: Iterable[str]) -> str:
    """What must be said of each wording, once: that it is a placeholder, or whose it is."""
    told = (context.wording(name).told for name in instruments)
    return " ".join(dict.fromkeys(filter(None, told)))


def _enter(site: Site, session: Session, visit_id: str, read_secret: str) -> _Inside:
    visit = desk.find_visit(session, visit_id)
    if visit is None or not is_secret(read_secret, visit.read_sha256):
        raise NotFoundError(UNKNOWN_VISIT)
    context = course_context(session, site.library, visit.course_id)
    if context is None:
        raise NotFoundError(UNKNOWN_VISIT)
    return _Inside(context, context.protocol.timepoint(visit.timepoint))


def _next_instrument(inside: _Inside, now: datetime) -> str | None:
    unsent = (name for name in inside.timepoint.instruments if not inside.sent(name))
    found = next(unsent, None)
    if found is not None:
        _refuse_late(inside, now)
    return found


def _refuse_late(inside: _Inside, now: datetime) -> None:
    if state_of(inside.timepoint, inside.context.facts, now) == "missed":
        raise GoneError(CLOSED)


def _page(
    inside: _Inside,
    sheet: tuple[Instrument, Wording],
    visit_id: str,
    write: str,
    link: str,
    given: Mapping[str, tuple[int | None, str | None]],
    lines: Lines,
) -> Questionnaire:
    language = inside.context.participant.language
    instrument, wording = sheet
    return Questionnaire(
        visit=visit_id,
        write=write,
        instrument=instrument.id,
        language=language,
        lines=lines,
        notice=wording.told,
        title=wording.title,
        recall=_recall(wording, inside.context, inside.timepoint),
        names=tuple(inside.timepoint.instruments),
        link=link,
        questions=questions_of(instrument, wording, given),
    )


def questions_of(
    instrument: Instrument,
    wording: Wording,
    given: Mapping[str, tuple[int | None, str | None]],
) -> tuple[Question, ...]:
    """Every item as a screen shows it, with the answer that was given."""
    return tuple(
        _question(number, item.id, wording, given.get(item.id))
        for number, item in enumerate(instrument.items, 1)
    )


def _question(
    number: int, item: str, wording: Wording, given: tuple[int | None, str | None] | None
) -> Question:
    value, skip = given or (None, None)
    options = wording.options[item]
    words = next((option.text for option in options if option.value == value), "")
    return Question(
        number=number,
        item=item,
        text=wording.texts[item],
        stem=wording.stem,
        options=options,
        answer="skip" if skip else value,
        answer_text=words,
    )


def _recall(wording: Wording, context: CourseContext, timepoint: Timepoint) -> str:
    """The recall line; one that names a session gets the date of the timepoint's anchor."""
    anchor = context.facts.anchors.get(timepoint.anchor)
    if anchor is None:
        return wording.recall
    with texts.speaking(wording.language):
        return wording.recall.replace("{session}", texts.full_date(anchor.date))


def _thanks(site: Site, session: Session, inside: _Inside, now: datetime) -> Thanks:
    own = inside.context
    people = course_contexts(
        session, site.library, desk.courses_of_same_person(session, own.course_id)
    )
    generations = desk.links_of(session, [c.course_id for c in people])
    here = (own.course_id, inside.timepoint.id)
    others = [(c, t) for c in people for t in c.protocol.timepoints if (c.course_id, t.id) != here]
    language = own.participant.language
    window = window_of(inside.timepoint, own.facts)
    return Thanks(
        language=language,
        lines=lines_of(own.study),
        notice=notice_of(own, inside.timepoint.instruments),
        closes=window.closes if window else now.date(),
        other=_other(site, others, generations, now),
        next=min(filter(None, (_coming(c, t, now) for c, t in others)), default=None),
    )


def _other(
    site: Site,
    others: list[tuple[CourseContext, Timepoint]],
    generations: Mapping[tuple[int, str], int],
    now: datetime,
) -> Other | None:
    """The open check-in that closes first, if it has a link."""
    found: list[tuple[date, Other]] = []
    for context, timepoint in others:
        window = window_of(timepoint, context.facts)
        generation = generations.get((context.course_id, timepoint.id))
        state = state_of(timepoint, context.facts, now)
        if window is None or generation is None or state not in OPEN_STATES:
            continue
        token = make_token(site.link_key, context.course_id, timepoint.id, generation)
        minutes = sum(context.instruments[i].minutes for i in timepoint.instruments)
        found.append((window.closes, Other(token, minutes, window.closes)))
    return min(found, key=lambda pair: pair[0])[1] if found else None


def _coming(context: CourseContext, timepoint: Timepoint, now: datetime) -> date | None:
    """The local date on which this check-in will be asked for, if it is still to come."""
    if state_of(timepoint, context.facts, now) != "upcoming":
        return None
    prompts = prompts_of(timepoint, context.facts)
    if prompts:
        return prompts[0].local.date()
    window = window_of(timepoint, context.facts)
    return window.opens if window else None
