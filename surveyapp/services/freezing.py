"""Freezing: what a study and its courses run under, in words, and what an amendment would change.

A study is frozen when its first person is enrolled: its protocol's text and the keys of the
instruments that it asks are kept by their hashes, and what is installed later is not used by it
until an amendment takes it (`versions`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from ..store import freezing, roster, trail
from ..store.alerts import staff_emails
from ..store.database import Session
from ..store.facts import CourseContext
from ..store.freezing import PROTOCOL, Under
from ..study.library import Library
from .enrolment import the_study
from .site import Site


@dataclass(frozen=True)
class Change:
    """One thing that another text takes the place of; None: it is not there before, or after."""

    kind: str
    name: str
    before: str | None
    after: str | None
    before_version: str = ""
    after_version: str = ""

    @property
    def same_version(self) -> bool:
        return None not in (self.before, self.after) and self.before_version == self.after_version

    @property
    def words(self) -> str:
        what = f"{'Protocol' if self.kind == PROTOCOL else 'Instrument'} {self.name}"
        if self.before is None:
            return f"{what}: version {self.after_version} is new"
        if self.after is None:
            return f"{what}: asked no more"
        if self.same_version:
            return f"{what}: another text under the same version, {self.after_version}"
        return f"{what}: version {self.before_version} becomes version {self.after_version}"

    @property
    def payload(self) -> dict[str, str | None]:
        return dict(vars(self))


@dataclass(frozen=True)
class FrozenLine:
    """One thing that a study is frozen to, with its hash."""

    kind: str
    name: str
    version: str
    sha256: str
    since: datetime


@dataclass(frozen=True)
class AmendmentLine:
    """An amendment as its study's page tells it; `changes` in words, `retreat` empty for all."""

    number: int
    label: str
    approved_on: date
    reason: str
    retreat: str
    changes: tuple[str, ...]
    taken_by: str
    taken_at: datetime


@dataclass(frozen=True)
class Running:
    """What a study is frozen to, its amendments, and what is installed in place of it."""

    frozen: tuple[FrozenLine, ...]
    amendments: tuple[AmendmentLine, ...]
    installed: tuple[str, ...]


def changes(before: Under, after: Under) -> tuple[Change, ...]:
    """What differs, the protocol first."""
    old, new = before.hashes, after.hashes
    found: list[Change] = []
    for kind, name in dict.fromkeys([*old, *new]):
        was, is_now = old.get((kind, name)), new.get((kind, name))
        if was == is_now or (was and is_now and was[1] == is_now[1]):
            continue
        found.append(
            Change(
                kind=kind,
                name=name,
                before=was[1] if was else None,
                after=is_now[1] if is_now else None,
                before_version=was[0] if was else "",
                after_version=is_now[0] if is_now else "",
            )
        )
    return tuple(found)


def under_of(context: CourseContext) -> Under:
    """What a course runs under."""
    return Under(context.protocol, context.instruments)


def waiting(library: Library, name: str, before: Under) -> tuple[Change, ...]:
    """What is installed and not taken; nothing where the protocol is installed no more."""
    after = freezing.installed(library, name)
    return changes(before, after) if after else ()


def pin_new(session: Session, library: Library, actor: str, now: datetime) -> None:
    """Pin what courses without a text run under; a study's first person freezes it."""
    for found in freezing.pin_new(session, library, now):
        frozen = [
            {"kind": kind, "name": name, "version": version, "sha256": sha256}
            for (kind, name), (version, sha256) in found.under.hashes.items()
        ]
        payload: Mapping[str, object] = {"study": found.study.id, "frozen": frozen}
        trail.append(session, trail.SYSTEM, "study frozen", actor, now, payload)


def running(site: Site, study_id: int) -> Running:
    """Raises NotFoundError."""
    with site.database.read() as session:
        study = the_study(session, study_id)
        rows = freezing.freeze_of(session, study_id)
        before = freezing.of_study(session, site.library, study) if rows else None
        new = waiting(site.library, study.protocol, before) if before else ()
        names = {r.retreat.id: r.retreat.name for r in roster.retreats(session)}
        emails = staff_emails(session)
        return Running(
            tuple(FrozenLine(r.kind, r.name, r.version, r.sha256, r.frozen_at) for r in rows),
            tuple(
                AmendmentLine(
                    number=row.number,
                    label=row.label,
                    approved_on=row.approved_on,
                    reason=row.reason,
                    retreat=names.get(row.retreat_id, "") if row.retreat_id else "",
                    changes=tuple(Change(**fields).words for fields in freezing.changes_of(row)),
                    taken_by=emails.get(row.taken_by, row.taken_by),
                    taken_at=row.taken_at,
                )
                for row in freezing.amendments(session, study_id)
            ),
            tuple(change.words for change in new),
        )
