"""Consent: who signed which version, what it covers, and what is withdrawn.

Nothing is sent to a course before its own consent; where a version must be signed anew, nothing is
sent from its day on to who signed an earlier one (`study.consent`). Consent is recorded by
`enrolment.record_consent`, versions are published by `consentforms`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, cast

from ..store import consents, roster
from ..store.consents import agreed, own_scopes
from ..store.database import Session
from ..store.facts import CourseContext, read_retreat
from ..store.tables_consent import ConsentWithdrawal
from ..store.windows import lock_courses, refresh_windows
from ..study.consent import MESSAGES, PARTICIPATION, WITHDRAWALS, ends_on, is_current
from ..texts import day
from .dates import past_day_fault
from .dosing import in_hand
from .enrolment import append_all, the_course, the_person, the_retreat, the_study
from .errors import InputError, RefusedError
from .site import Site
from .stopping import LONGEST_REASON, leave

KeepsData = Literal["yes", "no", "ask"]
LONGEST_TELLER = 80
NOTHING_SIGNED = (
    "There is no consent on record to withdraw. If the person leaves, record that under "
    "“Stop or pause”."
)


@dataclass(frozen=True)
class NewWithdrawal:
    """As typed: messages alone, or all of taking part; who told it, and when that was."""

    what: str
    on: date | None
    told_by: str
    note: str = ""


@dataclass(frozen=True)
class SignedLine:
    """One course's consent, in words; `current` unless something is to be done."""

    code: str
    number: int
    version: str
    given_on: date | None
    taken_by: str
    scopes: tuple[str, ...]
    state: str
    current: bool


@dataclass(frozen=True)
class SignedList:
    """Who of a retreat signed what; `newest` is the study's newest version, empty without one."""

    retreat: str
    study_id: int
    practice: bool
    newest: str
    rows: tuple[SignedLine, ...]


def consent_published(session: Session, study_id: int) -> bool:
    """Whether a study has published a consent form."""
    return bool(consents.forms(session, study_id))


def keeps_data(session: Session, course_ids: Collection[int]) -> Mapping[int, KeepsData]:
    """What the version that a course signed says about its data after leaving or erasing: kept
    without contacts (yes, also where nothing is said), removed, or as the person says."""
    newest = consents.by_version(session, course_ids)
    rows = consents.forms_of(session, {study for study, _ in newest.values()})
    said = {(row.study_id, row.version): row.keeps_data for row in rows}
    return {course: cast(KeepsData, said.get(key, "yes")) for course, key in newest.items()}


def withdraw(
    site: Site, code: str, number: int, new: NewWithdrawal, *, actor: str, now: datetime
) -> int:
    """Record that consent is withdrawn, in force at once; how many messages were being handed over
    at that moment. Taking part no more also ends the course, as leaving the study does.

    Raises InputError by field, RefusedError without a consent on record, NotFoundError.
    """
    with site.database.write() as session:
        lock_courses(session, roster.course_ids_of(session, the_person(session, code).id))
        context = the_course(session, site, code, number)
        if not context.consents:
            raise RefusedError(NOTHING_SIGNED)
        today = now.astimezone(context.zone).date()
        if problems := _withdrawal_problems(context, new, today):
            raise InputError(problems)
        on = new.on or today
        _add_withdrawal(session, context, new, on, actor, now)
        if new.what == PARTICIPATION:
            leave(session, context, on, "Consent was withdrawn.", actor, now)
        refresh_windows(session, site.library, [context.course_id])
        return in_hand([context], now)


def _add_withdrawal(
    session: Session,
    context: CourseContext,
    new: NewWithdrawal,
    on: date,
    actor: str,
    now: datetime,
) -> None:
    row = ConsentWithdrawal(
        course_id=context.course_id,
        consent_id=context.consents[-1].id,
        what=new.what,
        withdrawn_on=on,
        told_by=" ".join(new.told_by.split()),
        note=" ".join(new.note.split()),
        recorded_by=actor,
        recorded_at=now,
    )
    session.add(row)
    payload: dict[str, object] = {
        "what": row.what,
        "on": on.isoformat(),
        "told_by": row.told_by,
        "note": row.note,
        "version": context.consents[-1].version,
    }
    append_all(session, [context], "consent withdrawn", actor, now, payload)


def _withdrawal_problems(context: CourseContext, new: NewWithdrawal, today: date) -> dict[str, str]:
    problems: dict[str, str] = {}
    signed = context.hanging.signed
    if new.what not in WITHDRAWALS:
        problems["what"] = "Choose what is withdrawn."
    elif signed and signed.withdrawn in (new.what, PARTICIPATION):
        problems["what"] = "That is on record already."
    if new.on and (fault := past_day_fault(new.on, today, "")):
        problems["on"] = fault
    if not new.told_by.strip() or len(new.told_by) > LONGEST_TELLER:
        ask = f"Write who told it, in at most {LONGEST_TELLER} characters: the person, a relative."
        problems["told_by"] = ask
    if len(new.note) > LONGEST_REASON:
        problems["note"] = f"Use at most {LONGEST_REASON} characters."
    return problems


def state_of_consent(context: CourseContext, today: date) -> tuple[str, bool]:
    """How a course's consent stands, in words, and whether nothing is to be done about it."""
    signed, known = context.hanging.signed, context.forms
    newest = known[-1].version if known else ""
    if signed is None:
        return (f"version {newest} is not signed" if newest else "none on record"), False
    if signed.withdrawn:
        newest_consent = context.consents[-1].id
        own = (w for w in context.hanging.withdrawals if w.consent_id == newest_consent)
        on = min(w.withdrawn_on for w in own)
        what = "messages" if signed.withdrawn == MESSAGES else "taking part"
        return f"withdrawn on {day(on)}: {what}", True
    ends = ends_on(signed, known)
    if ends is None:
        return ("current" if is_current(signed, known) else "still counts"), True
    if today < ends:
        return f"version {newest} must be signed before {day(ends)}", False
    return f"version {newest} must be signed; nothing is sent", False


def to_sign(context: CourseContext, today: date) -> str:
    """Which version is to be signed anew, in words; empty where none is."""
    state, nothing_to_do = state_of_consent(context, today)
    return "" if nothing_to_do or not context.consents else state


def scopes_in_words(context: CourseContext) -> tuple[str, ...]:
    """What the newest consent covers and what not, as far as it was asked."""
    if not context.consents:
        return ()
    row = context.consents[-1]
    form = next((f for f in context.hanging.forms if f.version == row.version), None)
    asked: list[tuple[str, bool | None]] = [
        ("data kept for further research", row.keep_for_research),
        ("contact after the study", row.contact_after),
    ]
    own = agreed(row)
    asked += [(words, own.get(name)) for name, words in own_scopes(form)]
    said = [f"{words}: {'yes' if yes else 'no'}" for words, yes in asked if yes is not None]
    return (row.scope, *said)


def signed_list(site: Site, retreat_id: int, now: datetime) -> SignedList:
    """Who of a retreat signed what. Raises NotFoundError."""
    with site.database.read() as session:
        retreat = the_retreat(session, retreat_id)
        study = the_study(session, retreat.study_id)
        known = consents.forms(session, study.id)
        contexts = read_retreat(session, site.library, retreat_id).contexts
        return SignedList(
            retreat=retreat.name,
            study_id=study.id,
            practice=study.mode == "practice",
            newest=known[-1].version if known else "",
            rows=tuple(_signed_line(context, now) for context in contexts),
        )


def _signed_line(context: CourseContext, now: datetime) -> SignedLine:
    row = context.consents[-1] if context.consents else None
    state, current = state_of_consent(context, now.astimezone(context.zone).date())
    return SignedLine(
        code=context.participant.code,
        number=context.course.number,
        version=row.version if row else "",
        given_on=row.given_on if row else None,
        taken_by=row.taken_by if row else "",
        scopes=scopes_in_words(context),
        state=state,
        current=current,
    )


def lines_of(context: CourseContext, now: datetime) -> Sequence[str]:
    """What a person's page says of a course's consent, beside its date."""
    row = context.consents[-1] if context.consents else None
    state, _ = state_of_consent(context, now.astimezone(context.zone).date())
    taken = f"taken by {row.taken_by}" if row and row.taken_by else ""
    said = scopes_in_words(context)[1:]
    return tuple(filter(None, (taken, *said, state if context.forms or row is None else "")))
