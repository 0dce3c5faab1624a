"""Answering: a visit begins, answers arrive one tap at a time, and are sent.

Every answer is written as it is given. A phone's clock is not trusted: an answer was given as long
before its arrival as the phone's own clock says lay between the tap and the sending. The answer
given later wins, so repeating a delivery does no harm. Closing stops starting only: what was
started takes answers for 60 more days. After sending nothing is taken and nothing is shown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from .. import texts
from ..store import answers as desk
from ..store import keys, seals, trail
from ..store.answers import Desk, NewAnswer, Sheet
from ..store.database import Session
from ..store.facts import CourseContext, course_contexts
from ..store.links import digest, ensure_link
from ..store.scores import store_scores
from ..store.tables import Assessment
from ..store.tables_access import Visit
from ..store.windows import lock_courses, refresh_windows
from ..study.instrument import Instrument
from ..study.protocol import Timepoint
from ..study.schedule import GRACE, state_of
from ..study.scoring import AnswerError, check_answer, score
from . import alerts, notices, permissions, pins
from .errors import GoneError, InputError, NotFoundError, RefusedError
from .permissions import Permits
from .site import Site
from .visits import (
    CLOSED,
    CONSENT_FIRST,
    OPEN_STATES,
    UNKNOWN_VISIT,
    context_of_token,
    is_secret,
    lacks_consent,
    link_of,
    new_secret,
    write_capability,
)

PERSON = "participant"
DECLINED, LEFT_OPEN = "declined", "left open"
ALREADY_SENT = texts.marked("These answers were sent already. They cannot be changed here.")


@dataclass(frozen=True)
class Opened:
    """A visit that just began: its public id and the secret that shows its draft."""

    visit: str
    read_secret: str


@dataclass(frozen=True)
class Tap:
    """One answer as the phone holds it. `value` None: "I'd rather not answer".

    `age` is how long before sending it was tapped, by the phone's own clock; it may be negative
    when that clock was set back in between.
    """

    instrument: str
    item: str
    value: int | None
    age: timedelta = timedelta(0)


def begin(
    site: Site,
    token: str,
    now: datetime,
    *,
    notice: int | None = None,
    pin: str = "",
    pin_checked: bool = False,
) -> Opened:
    """Start or continue a check-in; `notice` is the version of the data notice that was read.

    `pin` is what was typed where the door asks for one, unless it was checked already. Raises
    NotFoundError, GoneError when it may not begin, RefusedError without consent to a live study,
    InputError for another notice, PinError.
    """
    if not pin_checked:
        _check_pin(site, token, pin, now)
    with site.database.write() as session:
        # Two phones may begin at once; the second waits and finds what the first began.
        lock_courses(session, [link_of(session, token).course_id])
        context, timepoint = context_of_token(site, session, token)
        if state_of(timepoint, context.facts, now) not in OPEN_STATES:
            raise GoneError(CLOSED)
        if lacks_consent(context, timepoint, now):
            raise RefusedError(CONSENT_FIRST)
        if notice is not None:
            notices.acknowledge(session, site, context, notice, now)
        opened = Opened(new_secret()[:22], new_secret())
        session.add(_visit(opened, context, timepoint, now))
        _start_missing(site, session, context, timepoint, now)
    return opened


def save(site: Site, visit_id: str, write: str, taps: Sequence[Tap], now: datetime) -> int:
    """Keep some answers, all or none; how many were taken. Five statements, on PostgreSQL six.

    None at all only asks whether there is still something to be sent.

    Raises NotFoundError for a wrong capability, InputError for an item or a value that the
    instrument does not have, GoneError when everything named was sent or is closed.
    """
    with site.database.write() as session:
        found = _desk(session, visit_id, write)
        for tap in taps:
            _check(site, session, found, tap)
        live = [tap for tap in taps if found.sheets[tap.instrument].submitted_at is None]
        _refuse_closed(found, now)
        if _all_sent(found) or (taps and not live):
            raise GoneError(ALREADY_SENT)
        if live:
            _keep(site, session, found, live, now)
    return len(live)


def send(site: Site, visit_id: str, write: str, instrument: str, now: datetime) -> bool:
    """Lock one instrument's answers and score them; whether that was the last of the check-in.

    Sending again changes nothing.

    Items without an answer are kept as "left open". Raises NotFoundError and GoneError.
    """
    with site.database.write() as session:
        # The course before its sheets, in the order in which everybody else locks them.
        visit = desk.find_visit(session, visit_id)
        lock_courses(session, [visit.course_id] if visit else [])
        found = _desk(session, visit_id, write)
        sheet = found.sheets.get(instrument)
        if sheet is None:
            raise NotFoundError(UNKNOWN_VISIT)
        others = [s for s in found.sheets.values() if s is not sheet]
        done = all(s.submitted_at is not None for s in others)
        if sheet.submitted_at is not None:
            return done
        _refuse_closed(found, now)
        _submit(site, session, found, sheet, now)
        refresh_windows(session, site.library, [found.course_id])
        alerts.judge(session, site, found.course_id, now)
        _open_doors(site, session, found.course_id, now)
        return done


def _check_pin(site: Site, token: str, pin: str, now: datetime) -> None:
    with site.database.read() as session:
        person = context_of_token(site, session, token)[0].participant.id
        asked = pins.asks(session, person)
    if asked:
        pins.check(site, person, pin, now)


def _visit(opened: Opened, context: CourseContext, timepoint: Timepoint, now: datetime) -> Visit:
    return Visit(
        id=opened.visit,
        course_id=context.course_id,
        timepoint=timepoint.id,
        read_sha256=digest(opened.read_secret),
        write_sha256=digest(write_capability(opened.read_secret)),
        created_at=now,
    )


def _start_missing(
    site: Site, session: Session, context: CourseContext, timepoint: Timepoint, now: datetime
) -> None:
    missing = [i for i in timepoint.instruments if (timepoint.id, i) not in context.facts.started]
    if missing:
        chosen = [context.wording(name) for name in missing]
        used = Permits(session, site, lock=True, limited_only=True).starts(context, chosen, now)
        permissions.count(session, used, now)
    for name in missing:
        session.add(_assessment(context, timepoint, context.instruments[name], now))
    if missing:
        payload = {"timepoint": timepoint.id, "instruments": missing}
        trail.append(session, context.course.chain, "check-in started", PERSON, now, payload)
        refresh_windows(session, site.library, [context.course_id])


def _assessment(
    context: CourseContext, timepoint: Timepoint, instrument: Instrument, now: datetime
) -> Assessment:
    wording = context.wording(instrument.id)
    return Assessment(
        course_id=context.course_id,
        timepoint=timepoint.id,
        instrument=instrument.id,
        instrument_version=instrument.version,
        key_sha256=instrument.sha256,
        wording_sha256=wording.sha256,
        placeholder=wording.placeholder,
        language=wording.language,
        mode="phone",
        started_at=now,
    )


def _desk(session: Session, visit_id: str, write: str) -> Desk:
    found = desk.desk_of(session, visit_id)
    if found is None or not is_secret(write, found.write_sha256):
        raise NotFoundError(UNKNOWN_VISIT)
    return found


def _instrument(site: Site, session: Session, found: Desk, sheet: Sheet) -> Instrument:
    """Under the key that the sheet began with, else its course's."""
    known = keys.instruments_of(session, site.library, [found.keys_sha256])[found.keys_sha256]
    return keys.instrument_of(session, site.library, sheet.instrument, sheet.key_sha256, known)


def _check(site: Site, session: Session, found: Desk, tap: Tap) -> None:
    if tap.instrument not in found.sheets:
        raise InputError({"instrument": f"This check-in does not ask {tap.instrument!r}."})
    instrument = _instrument(site, session, found, found.sheets[tap.instrument])
    try:
        check_answer(instrument, tap.item, tap.value)
    except AnswerError as error:
        raise InputError({tap.item: f"{error}."}) from error


def _refuse_closed(found: Desk, now: datetime) -> None:
    if found.closes_at is None or now >= found.closes_at + GRACE:
        raise GoneError(CLOSED)


def _all_sent(found: Desk) -> bool:
    return all(sheet.submitted_at is not None for sheet in found.sheets.values())


def _keep(site: Site, session: Session, found: Desk, taps: Sequence[Tap], now: datetime) -> None:
    # Of several answers to one item in one delivery the youngest counts.
    newest: dict[tuple[int, str], NewAnswer] = {}
    for tap in sorted(taps, key=lambda t: t.age, reverse=True):
        sheet = found.sheets[tap.instrument]
        newest[sheet.assessment_id, tap.item] = _new_answer(sheet, tap, now)
    changed = desk.keep_answers(session, list(newest.values()), now)
    if changed:
        kept = [newest[key] for key in sorted(changed)]
        trail.append(session, found.chain, "answers saved", PERSON, now, _payload(found, kept))
        arrived = _by_instrument(found, kept)
        asked = {n: _instrument(site, session, found, found.sheets[n]) for n in arrived}
        alerts.judge_answers(session, site, found.course_id, found.timepoint, arrived, asked, now)


def _new_answer(sheet: Sheet, tap: Tap, now: datetime) -> NewAnswer:
    skip = DECLINED if tap.value is None else None
    return NewAnswer(sheet.assessment_id, tap.item, tap.value, skip, min(now, now - tap.age))


def _by_instrument(
    found: Desk, kept: Sequence[NewAnswer]
) -> Mapping[str, Mapping[str, int | None]]:
    """Instrument and item to value."""
    names = {sheet.assessment_id: sheet.instrument for sheet in found.sheets.values()}
    arrived: defaultdict[str, dict[str, int | None]] = defaultdict(dict)
    for answer in kept:
        arrived[names[answer.assessment_id]][answer.item] = answer.value
    return arrived


def _payload(found: Desk, kept: Sequence[NewAnswer]) -> Mapping[str, object]:
    names = {sheet.assessment_id: sheet.instrument for sheet in found.sheets.values()}
    return {
        "timepoint": found.timepoint,
        "answers": [
            {
                "instrument": names[answer.assessment_id],
                "item": answer.item,
                "value": answer.value,
                "skip": answer.skip,
                "given_at": answer.given_at.isoformat(),
            }
            for answer in kept
        ],
    }


def _submit(site: Site, session: Session, found: Desk, sheet: Sheet, now: datetime) -> None:
    instrument = _instrument(site, session, found, sheet)
    given = desk.answers_of(session, sheet.assessment_id)
    left = [item.id for item in instrument.items if item.id not in given]
    if left:
        rows = [NewAnswer(sheet.assessment_id, item, None, LEFT_OPEN, now) for item in left]
        desk.keep_answers(session, rows, now)
    scored = score(instrument, {item: value for item, (value, _) in given.items()})
    store_scores(session, sheet.assessment_id, instrument, scored)
    desk.mark_submitted(session, sheet.assessment_id, now)
    payload = {
        "timepoint": found.timepoint,
        "instrument": sheet.instrument,
        "left_open": left,
        "late": found.closes_at is not None and now >= found.closes_at,
        seals.SEALED: seals.seal_of(session, sheet.assessment_id),
    }
    trail.append(session, found.chain, "answers sent", PERSON, now, payload)


def _open_doors(site: Site, session: Session, course_id: int, now: datetime) -> None:
    """Links for the person's other open check-ins, so that the thanks page can offer them."""
    ids = desk.courses_of_same_person(session, course_id)
    for context in course_contexts(session, site.library, ids):
        for timepoint in context.protocol.timepoints:
            if state_of(timepoint, context.facts, now) in OPEN_STATES:
                ensure_link(session, site.link_key, context.course_id, timepoint.id)
