"""Wordings: a site installs its own text of an instrument, with the permission to use it.

A text is kept by its hash and never changes; what is installed later is for later courses, and for
those of live studies that have no text but placeholders. A text that is retired stays for the
courses that began with it. Everything here is in the trail, without the texts themselves.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

from ..store import roster, trail, wordings
from ..store.database import Session
from ..store.facts import CHUNK, course_contexts
from ..store.studies import live_courses
from ..store.tables_wording import BASES, InstalledWording, Permission, PermissionOverride
from ..store.windows import lock_courses, refresh_windows
from ..study.instrument import Instrument, Wording
from ..study.reading import Faults, FaultsFoundError
from ..study.wording import LANGUAGE, parse_wording
from ..texts import day
from .dates import year_fault
from .errors import InputError, NotFoundError
from .site import Site

MOST_BYTES = 512 * 1024
LONGEST = 300
LONGEST_OVERRIDE = timedelta(days=366)
NEVER, UNLIMITED = "never", "unlimited"
YES_NO = {"yes": True, "no": False}
Values = dict[str, Any]
WHOLE = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(frozen=True)
class TypedPermission:
    """A permission as typed: `electronic` and `reproduction` are yes or no, `languages` codes with
    blanks or commas between, `expires` a date or never, `maximum` a number or unlimited."""

    basis: str = ""
    holder: str = ""
    reference: str = ""
    electronic: str = ""
    languages: str = ""
    reproduction: str = ""
    expires: str = ""
    maximum: str = ""


@dataclass(frozen=True)
class Installed:
    """What was, or would be, installed."""

    id: int | None
    wording: Wording
    items: int

    def sentence(self, name: str) -> str:
        what = f"{name} in {self.wording.language}: {self.items} items, {self.wording.sha256[:12]}"
        return f"installed {what}" if self.id is not None else f"would install {what}"


def the_instrument(site: Site, name: str) -> Instrument:
    """Raises NotFoundError."""
    found = site.library.instruments.get(name)
    if found is None:
        known = ", ".join(site.library.instruments)
        raise NotFoundError(f"There is no instrument {name!r}; there are {known}.")
    return found


def read_file(site: Site, name: str, raw: bytes, language: str) -> Wording:
    """A file of texts, judged by the key. Raises InputError with every fault by line."""
    instrument = the_instrument(site, name)
    if not LANGUAGE.fullmatch(language):
        raise InputError({"language": "Write a language code such as en."})
    if len(raw) > MOST_BYTES:
        raise InputError({"file": f"The file is larger than {MOST_BYTES // 1024} KB."})
    try:
        faults = Faults(name)
        wording = parse_wording(instrument, raw, language, faults, placeholder=False)
    except FaultsFoundError as error:
        raise InputError({"file": "\n".join(_in_order(error))}) from error
    if any(_same_texts(wording, w) for w in instrument.wordings.values() if w.placeholder):
        raise InputError({"file": f"These are the placeholder's texts, not those of {name}."})
    return wording


def _in_order(error: FaultsFoundError) -> list[str]:
    """Faults as sentences, lines in their order."""

    def place(key: str) -> tuple[bool, int]:
        number = key.removeprefix("line ")
        return (False, int(number)) if number.isdecimal() and number != key else (True, 0)

    found = sorted(error.faults, key=lambda fault: place(fault.key))
    return [f"{fault.key}: {fault.text}." if fault.key else f"It {fault.text}." for fault in found]


def _same_texts(one: Wording, other: Wording) -> bool:
    return all(one.texts[item] == other.texts.get(item) for item in one.texts)


def install(
    site: Site,
    name: str,
    raw: bytes,
    language: str,
    typed: TypedPermission,
    *,
    actor: str,
    now: datetime,
    dry_run: bool = False,
) -> Installed:
    """Keep a text with its permission, all or nothing; with `dry_run` only judge both.

    Raises InputError by field (`file` lists faults by line), NotFoundError.
    """
    wording: Wording | None = None
    problems: dict[str, str] = {}
    try:
        wording = read_file(site, name, raw, language)
    except InputError as error:
        problems |= error.problems
    try:
        permission = judged(typed, language, now)
    except InputError as error:
        raise InputError({**problems, **error.problems}) from error
    if wording is None:
        raise InputError(problems)
    with site.database.write() as session:
        standing = wordings.newest(session).get((name, language))
        if standing is not None and standing.sha256 == wording.sha256:
            raise InputError({"file": "This very text is installed already."})
        if dry_run:
            return Installed(None, wording, len(wording.texts))
        row = _keep(session, site, wording, permission, actor, now)
        return Installed(row.id, wording, len(wording.texts))


def _keep(
    session: Session,
    site: Site,
    wording: Wording,
    permission: Values,
    actor: str,
    now: datetime,
) -> InstalledWording:
    # Who began before this keeps what stood then.
    wordings.pin_new(session, site.library, now)
    wordings.keep_text(session, wording, now)
    row = InstalledWording(
        instrument=wording.instrument,
        language=wording.language,
        sha256=wording.sha256,
        installed_by=actor,
        installed_at=now,
    )
    session.add(row)
    session.flush()
    kept = _add(session, row, permission, actor, now)
    payload = {**_named(row), **_said(kept)}
    trail.append(session, trail.SYSTEM, "wording installed", actor, now, payload)
    _give_to_those_without(session, site, row, now)
    return row


def _give_to_those_without(
    session: Session, site: Site, row: InstalledWording, now: datetime
) -> None:
    """A course of a live study that has no text of it but placeholders waits for this one: nothing
    can have been begun in those."""
    ids = live_courses(session)
    for start in range(0, len(ids), CHUNK):
        lacking = [
            context.course_id
            for context in course_contexts(session, site.library, ids[start : start + CHUNK])
            if all(w.placeholder for w in context.wordings[row.instrument].values())
        ]
        if lacking:
            lock_courses(session, lacking)
            wordings.bring(session, site.library, lacking, row.instrument, now)
            roster.look_again(session, lacking, now)
            refresh_windows(session, site.library, lacking)


def _add(
    session: Session,
    row: InstalledWording,
    permission: Values,
    actor: str,
    now: datetime,
    why: str = "",
) -> Permission:
    known: Values = {"wording_id": row.id, "why": why, "recorded_by": actor, "recorded_at": now}
    kept = Permission(**permission, **known)
    session.add(kept)
    session.flush()
    return kept


def judged(typed: TypedPermission, language: str, now: datetime) -> Values:
    """The permission as its row's columns. Raises InputError by field."""
    problems: dict[str, str] = {}
    values = {key: " ".join(text.split()) for key, text in asdict(typed).items()}
    languages = values["languages"].replace(",", " ").split()
    if values["basis"] not in BASES:
        problems["basis"] = f"Choose one: {', '.join(BASES)}."
    for key, ask in (
        ("holder", "Say who gave it, or who published it."),
        ("reference", "Give the licence's number, the letter's date or the publication."),
    ):
        if not values[key] or len(values[key]) > LONGEST:
            problems[key] = f"Use at most {LONGEST} characters." if values[key] else ask
    for key in ("electronic", "reproduction"):
        if values[key] not in YES_NO:
            problems[key] = "Say yes or no."
    if not languages or not all(map(LANGUAGE.fullmatch, languages)):
        problems["languages"] = "Write the codes of the languages that it covers, such as en nl."
    elif language not in languages:
        problems["languages"] = f"It must cover {language}, the language of this text."
    expires = _expires(values["expires"], now, problems)
    if values["maximum"] != UNLIMITED and not WHOLE.fullmatch(values["maximum"]):
        problems["maximum"] = f"Write a number of uses, or {UNLIMITED}."
    if problems:
        raise InputError(problems)
    return dict(
        basis=values["basis"],
        holder=values["holder"],
        reference=values["reference"],
        electronic=YES_NO[values["electronic"]],
        languages=" ".join(dict.fromkeys(languages)),
        reproduction=YES_NO[values["reproduction"]],
        expires=expires,
        maximum=None if values["maximum"] == UNLIMITED else int(values["maximum"]),
    )


def _expires(text: str, now: datetime, problems: dict[str, str]) -> date | None:
    if text == NEVER:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        problems["expires"] = f"Write the last day as year-month-day, or {NEVER}."
        return None
    if found.isoformat() != text or found.year > now.year + 100:
        problems["expires"] = f"Write the last day as year-month-day, or {NEVER}."
    elif found < now.date():
        problems["expires"] = f"{day(found)} lies in the past."
    return found


def typed_of(permission: Permission) -> TypedPermission:
    """A permission as it would be typed."""
    return TypedPermission(
        basis=permission.basis,
        holder=permission.holder,
        reference=permission.reference,
        electronic="yes" if permission.electronic else "no",
        languages=permission.languages,
        reproduction="yes" if permission.reproduction else "no",
        expires=permission.expires.isoformat() if permission.expires else NEVER,
        maximum=str(permission.maximum) if permission.maximum else UNLIMITED,
    )


def the_wording(session: Session, wording_id: int) -> InstalledWording:
    """Raises NotFoundError."""
    found = wordings.installed(session, wording_id)
    if found is None:
        raise NotFoundError("There is no such wording.")
    return found


def change_permission(
    site: Site, wording_id: int, typed: TypedPermission, why: str, *, actor: str, now: datetime
) -> None:
    """Record a wording's permission anew; what stood before stays as history. Raises InputError by
    field, NotFoundError."""
    with site.database.write() as session:
        row = the_wording(session, wording_id)
        problems = _reason_problems("why", why)
        try:
            permission = judged(typed, row.language, now)
        except InputError as error:
            raise InputError({**problems, **error.problems}) from error
        if problems:
            raise InputError(problems)
        kept = _add(session, row, permission, actor, now, why.strip())
        payload = {**_named(row), **_said(kept), "why": kept.why}
        trail.append(session, trail.SYSTEM, "permission changed", actor, now, payload)
        _look_again(session, site, row, now)


def override(
    site: Site, wording_id: int, until: date | None, reason: str, *, actor: str, now: datetime
) -> None:
    """Let those who are enrolled go on until a day without a permission that holds. Raises
    InputError by field, NotFoundError."""
    problems = _reason_problems("reason", reason)
    today = now.date()
    if until is None:
        problems["until"] = "Write the last day on which it may go on."
    elif fault := year_fault(until, today):
        problems["until"] = fault
    elif until < today or until - today > LONGEST_OVERRIDE:
        problems["until"] = "Choose a day from today on, at most a year ahead."
    if problems or until is None:
        raise InputError(problems)
    with site.database.write() as session:
        row = the_wording(session, wording_id)
        session.add(
            PermissionOverride(
                wording_id=row.id,
                until=until,
                reason=reason.strip(),
                recorded_by=actor,
                recorded_at=now,
            )
        )
        payload = {**_named(row), "until": until.isoformat(), "reason": reason.strip()}
        trail.append(session, trail.SYSTEM, "permission overridden", actor, now, payload)
        _look_again(session, site, row, now)


def retire(site: Site, wording_id: int, reason: str, *, actor: str, now: datetime) -> None:
    """Courses to come no longer begin with it; nothing is deleted. Raises InputError,
    NotFoundError."""
    if problems := _reason_problems("reason", reason):
        raise InputError(problems)
    with site.database.write() as session:
        row = the_wording(session, wording_id)
        if row.retired_at is not None:
            raise InputError({"": f"It was retired on {day(row.retired_at.date())}."})
        wordings.pin_new(session, site.library, now)
        row.retired_at, row.retired_by, row.retired_why = now, actor, reason.strip()
        payload = {**_named(row), "reason": reason.strip()}
        trail.append(session, trail.SYSTEM, "wording retired", actor, now, payload)


def _reason_problems(field: str, reason: str) -> dict[str, str]:
    if not reason.strip():
        return {field: "Say why, in a few words."}
    return {field: f"Use at most {LONGEST} characters."} if len(reason) > LONGEST else {}


def _look_again(session: Session, site: Site, row: InstalledWording, now: datetime) -> None:
    """What was held for its permission need not wait for the worker's next look."""
    session.flush()
    ids = wordings.courses_under(session, row.id)
    lock_courses(session, ids)
    roster.look_again(session, ids, now)
    refresh_windows(session, site.library, ids)


def _named(row: InstalledWording) -> dict[str, object]:
    return {
        "wording": row.id,
        "instrument": row.instrument,
        "language": row.language,
        "sha256": row.sha256,
    }


def _said(permission: Permission) -> dict[str, object]:
    return dict(asdict(typed_of(permission)))
