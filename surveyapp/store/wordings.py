"""Wordings in the store: the texts that a site installed, and the set that each course runs under.

A course runs under the wordings that stood when it was made, whatever is installed or shipped
later. One without a set (a course from before sets) runs under what ships with the program, until
the next change gives it what stands then.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypedDict

from sqlalchemy import func, insert, literal, select, update
from sqlalchemy.orm import Session
from sqlmodel import col

from ..study.instrument import Instrument, Wording
from ..study.library import Library
from ..study.reading import Faults, FaultsFoundError
from ..study.wording import parse_wording
from .keys import fits
from .once import add_once
from .tables import Assessment, Course
from .tables_wording import (
    CourseWording,
    InstalledWording,
    Permission,
    PermissionOverride,
    StudyLanguages,
    WordingSet,
    WordingText,
    WordingUse,
)

Instruments = Mapping[str, Instrument]
Wordings = Mapping[str, Mapping[str, Wording]]
"""Instrument to language to wording."""


class Entry(TypedDict):
    """One wording of a set."""

    sha256: str
    placeholder: bool
    installed: int | None
    holder: str


Content = dict[str, dict[str, Entry]]
_sets: dict[tuple[str, str], Wordings] = {}
_texts: dict[tuple[str, str, str], Wording] = {}
"""By the hash of the instrument's key, since a text is read against it. A set never changes."""


@dataclass(frozen=True)
class Held:
    """An installed wording with its permission as it stands, its override and the uses of every
    wording under the same permission (instrument, holder and reference)."""

    wording: InstalledWording
    permission: Permission
    override: PermissionOverride | None
    uses: int


def standing(instruments: Instruments) -> Wordings:
    """What ships with the program, or was kept with a frozen key."""
    return {name: instrument.wordings for name, instrument in instruments.items()}


def set_of(session: Session, instruments: Instruments, sha256: str | None) -> Wordings:
    """The wordings of a set by its hash, read against these keys. Asks the database only for what
    it has not met."""
    if sha256 is None:
        return standing(instruments)
    key = sha256, _keys(instruments)
    if key not in _sets:
        row = session.get(WordingSet, sha256)
        content: Content = json.loads(row.content) if row else {}
        _sets[key] = _read_set(session, instruments, content)
    return _sets[key]


def _keys(instruments: Instruments) -> str:
    """What tells libraries apart, so that what was read for one is not shown by another."""
    return "|".join(f"{name}:{i.sha256}" for name, i in sorted(instruments.items()))


def _read_set(session: Session, instruments: Instruments, content: Content) -> Wordings:
    """An instrument that came after the set has what ships with the program."""
    return {
        name: _fitting(session, instrument, content.get(name, {}))
        for name, instrument in instruments.items()
    }


def _fitting(
    session: Session, instrument: Instrument, entries: Mapping[str, Entry]
) -> Mapping[str, Wording]:
    """An instrument's texts. One that does not fit its key, because the key changed since, gives
    way to what ships with the program."""
    found: dict[str, Wording] = {}
    for language, entry in entries.items():
        try:
            found[language] = _wording(session, instrument, language, entry)
        except FaultsFoundError:
            if language in instrument.wordings:
                found[language] = instrument.wordings[language]
    return found or instrument.wordings


def _wording(session: Session, instrument: Instrument, language: str, entry: Entry) -> Wording:
    text = text_of(session, instrument, entry["sha256"], language, placeholder=entry["placeholder"])
    return replace(text, installed=entry["installed"], holder=entry["holder"])


def text_of(
    session: Session, instrument: Instrument, sha256: str, language: str, *, placeholder: bool
) -> Wording:
    """One text by its hash, shipped or kept. Raises KeyError for one that is neither,
    FaultsFoundError where the instrument's key has changed so that the text no longer fits."""
    shipped = instrument.wordings.get(language)
    if shipped is not None and shipped.sha256 == sha256:
        return shipped
    key = instrument.sha256, sha256, language
    if key not in _texts:
        row = session.get(WordingText, sha256)
        if row is None:
            raise KeyError(sha256)
        faults = Faults(f"the kept {language} text of {instrument.id}")
        raw = row.text.encode()
        _texts[key] = parse_wording(instrument, raw, language, faults, placeholder=placeholder)
    return _texts[key]


def _reads(session: Session, instrument: Instrument, language: str, entry: Entry) -> bool:
    """Whether a text fits the instrument's key."""
    try:
        _wording(session, instrument, language, entry)
    except FaultsFoundError:
        return False
    return True


def of_sheet(session: Session, asked: Instrument, wordings: Wordings, sheet: Assessment) -> Wording:
    """The wording in which an assessment was, or is being, answered, under its own key (`asked`);
    what ships, or was kept, with that key for a text that is gone."""
    own = wordings[sheet.instrument].values()
    same = (w for w in own if w.sha256 == sheet.wording_sha256 and fits(asked, w))
    if (found := next(same, None)) is not None:
        return found
    try:
        return text_of(
            session, asked, sheet.wording_sha256, sheet.language, placeholder=sheet.placeholder
        )
    except (KeyError, FaultsFoundError):
        return asked.wording(sheet.language)


def keep_text(session: Session, wording: Wording, now: datetime) -> None:
    """Keep a text for good."""
    if session.get(WordingText, wording.sha256) is None:
        add_once(session, WordingText(sha256=wording.sha256, text=wording.csv, kept_at=now))


def newest(session: Session) -> dict[tuple[str, str], InstalledWording]:
    """What is installed and not retired, by instrument and language."""
    query = select(InstalledWording).where(col(InstalledWording.retired_at).is_(None))
    rows = session.scalars(query.order_by(col(InstalledWording.id)))
    return {(row.instrument, row.language): row for row in rows}


def present(session: Session, library: Library) -> Content:
    """What a course that is made now runs under."""
    content: Content = {
        name: {language: _shipped(w) for language, w in instrument.wordings.items()}
        for name, instrument in library.instruments.items()
    }
    holders = {row.wording_id: row.holder for row in _permissions(session).values()}
    for (name, language), row in newest(session).items():
        if name in content:
            holder = f"{library.instruments[name].name}: {holders[row.id]}"
            content[name][language] = Entry(
                sha256=row.sha256, placeholder=False, installed=row.id, holder=holder
            )
    return content


def _shipped(wording: Wording) -> Entry:
    return Entry(sha256=wording.sha256, placeholder=wording.placeholder, installed=None, holder="")


def present_wordings(session: Session, library: Library) -> Wordings:
    """The same, read."""
    return _read_set(session, library.instruments, present(session, library))


def pin_new(session: Session, library: Library, now: datetime) -> None:
    """Give every course without a set what stands now."""
    free = ~select(literal(1)).where(col(CourseWording.course_id) == col(Course.id)).exists()
    if session.scalars(select(col(Course.id)).where(free).limit(1)).first() is None:
        return
    sha256 = _keep_set(session, library, present(session, library), now)
    rows = select(col(Course.id), literal(sha256)).where(free)
    session.execute(insert(CourseWording).from_select(["course_id", "set_sha256"], rows))


def _keep_set(session: Session, library: Library, content: Content, now: datetime) -> str:
    """Keep a set and the texts that ship now; the set's hash."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True)
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    if session.get(WordingSet, sha256) is None:
        for instrument in library.instruments.values():
            for wording in instrument.wordings.values():
                keep_text(session, wording, now)
        add_once(session, WordingSet(sha256=sha256, content=text, kept_at=now))
    return sha256


def bring(
    session: Session, library: Library, course_ids: Collection[int], name: str, now: datetime
) -> None:
    """Give courses what stands now of one instrument, in place of placeholders and of texts that
    do not fit its key; the rest of their sets stays."""
    asked, stands = library.instruments[name], present(session, library)[name]
    own = col(CourseWording.course_id).in_(course_ids)
    sets = select(col(CourseWording.set_sha256)).where(own).distinct()
    for before in list(session.scalars(sets)):
        content: Content = json.loads(session.get_one(WordingSet, before).content)
        kept = {
            language: entry
            for language, entry in content.get(name, {}).items()
            if not entry["placeholder"] and _reads(session, asked, language, entry)
        }
        sha256 = _keep_set(session, library, {**content, name: {**stands, **kept}}, now)
        same = update(CourseWording).where(own, col(CourseWording.set_sha256) == before)
        session.execute(same.values(set_sha256=sha256))
    session.expire_all()


def _permissions(session: Session) -> dict[int, Permission]:
    """The one that counts, by wording."""
    query = select(Permission).order_by(col(Permission.id))
    return {row.wording_id: row for row in session.scalars(query)}


def held(session: Session, *, lock: bool = False, limited_only: bool = False) -> dict[int, Held]:
    """Every installed wording by its id, retired ones too; `lock` keeps others from counting
    uses at the same time. With `limited_only` uses are counted only where there is a maximum."""
    query = select(InstalledWording).order_by(col(InstalledWording.id))
    rows = list(session.scalars(query.with_for_update(key_share=True) if lock else query))
    if not rows:
        return {}
    permissions, overrides = _permissions(session), _overrides(session)
    limited = {_same(r, permissions[r.id]) for r in rows if permissions[r.id].maximum is not None}
    counted = [r.id for r in rows if not limited_only or _same(r, permissions[r.id]) in limited]
    counts = _uses(session, counted)
    shared: dict[tuple[str, str, str], int] = {}
    for row in rows:
        key = _same(row, permissions[row.id])
        shared[key] = shared.get(key, 0) + counts.get(row.id, 0)
    return {
        row.id: Held(
            wording=row,
            permission=permissions[row.id],
            override=overrides.get(row.id),
            uses=shared[_same(row, permissions[row.id])],
        )
        for row in rows
    }


def _same(row: InstalledWording, permission: Permission) -> tuple[str, str, str]:
    return row.instrument, permission.holder.casefold(), permission.reference.casefold()


def _overrides(session: Session) -> dict[int, PermissionOverride]:
    query = select(PermissionOverride).order_by(col(PermissionOverride.id))
    return {row.wording_id: row for row in session.scalars(query)}


def _uses(session: Session, wording_ids: Collection[int]) -> dict[int, int]:
    if not wording_ids:
        return {}
    own = col(WordingUse.wording_id)
    query = select(own, func.count()).where(own.in_(wording_ids)).group_by(own)
    return {wording: count for wording, count in session.execute(query)}


def installed(session: Session, wording_id: int) -> InstalledWording | None:
    return session.get(InstalledWording, wording_id)


def history(session: Session, wording_id: int) -> list[Permission]:
    """Every permission of a wording, newest first."""
    query = select(Permission).where(col(Permission.wording_id) == wording_id)
    return list(session.scalars(query.order_by(col(Permission.id).desc())))


def overrides_of(session: Session, wording_id: int) -> list[PermissionOverride]:
    """Newest first."""
    query = select(PermissionOverride).where(col(PermissionOverride.wording_id) == wording_id)
    return list(session.scalars(query.order_by(col(PermissionOverride.id).desc())))


def add_use(session: Session, wording_id: int, now: datetime) -> None:
    session.add(WordingUse(wording_id=wording_id, at=now))


def courses_under(session: Session, wording_id: int) -> list[int]:
    """The courses whose set has this wording."""
    sets = [
        row.sha256
        for row in session.scalars(select(WordingSet))
        if any(
            entry["installed"] == wording_id
            for languages in json.loads(row.content).values()
            for entry in languages.values()
        )
    ]
    query = select(col(CourseWording.course_id)).where(col(CourseWording.set_sha256).in_(sets))
    return list(session.scalars(query))


def languages_of(session: Session, study_id: int) -> tuple[str, ...]:
    """The languages that a study is limited to; none at all is no limit."""
    row = session.get(StudyLanguages, study_id)
    return tuple(row.languages.split()) if row else ()


def limit_languages(session: Session, study_id: int, languages: Sequence[str]) -> None:
    """Limit a study to these languages; none at all lifts the limit."""
    row = session.get(StudyLanguages, study_id)
    if row is not None and not languages:
        session.delete(row)
    elif languages:
        session.merge(StudyLanguages(study_id=study_id, languages=" ".join(languages)))
    session.flush()
