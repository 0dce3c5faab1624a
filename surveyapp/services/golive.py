"""Going live: what a study needs before real people are asked, and the act itself.

A live study is a row of its own. What staff set up for practice is copied to it, what anybody
answered is not: data never pass from practice to live. `CHECKS` are looked at on the page, and
again in the transaction that goes live; the page goes on showing them afterwards. A check is one
function, so another is one more line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ..config import Settings
from ..store import (
    alerts,
    consents,
    notices,
    roster,
    signin,
    staff,
    studies,
    trail,
    transfer,
    wordings,
)
from ..store.database import Session, sqlite_warning
from ..store.tables import Study
from ..study.protocol import Protocol
from ..texts import LANGUAGES
from . import alert_views, rights
from .disks import is_inside, same_disk
from .enrolment import LONGEST_NAME, the_study
from .errors import InputError, RefusedError
from .health import Health
from .invitations import is_nobodys
from .overview import missing_settings
from .permissions import choosable, enrolment_faults
from .readmodels import Place
from .site import Site

State = Literal["done", "missing", "warning"]
DONE: State = "done"
MISSING: State = "missing"
WARNING: State = "warning"


@dataclass(frozen=True)
class Look:
    """What a check is given."""

    session: Session
    site: Site
    study: Study
    protocol: Protocol
    health: Health
    now: datetime

    @property
    def settings(self) -> Settings:
        return self.site.settings

    @property
    def place(self) -> dict[str, str | int]:
        return {"study_id": self.study.id}


@dataclass(frozen=True)
class CheckLine:
    """One line: what, how it stands, in words what to do, and where (`act` names the page)."""

    name: str
    state: State
    words: str
    act: str = ""
    place: Place | None = None


Check = Callable[[Look], Iterable[CheckLine]]


@dataclass(frozen=True)
class Checklist:
    """A study's list. `live` where it is live already; `other` is the id of the protocol's live
    study, for its practice study."""

    study_id: int
    title: str
    protocol: str
    live: bool
    other: int | None
    languages: tuple[str, ...]
    lines: tuple[CheckLine, ...]

    @property
    def missing(self) -> int:
        return sum(line.state == MISSING for line in self.lines)


def wordings_permitted(look: Look) -> Iterator[CheckLine]:
    """Every instrument in every language that participants may choose."""
    languages = choosable(look.session, look.study.id)
    faults = enrolment_faults(
        look.session, look.site, look.protocol, languages, live=True, on=look.now.date()
    )
    if faults:
        words = " ".join(faults)
        yield CheckLine("Wordings", MISSING, words, "Wordings", Place("wordings", {}))
    else:
        told = f"Every instrument has a wording that may be used in {', '.join(languages)}."
        yield CheckLine("Wordings", DONE, told)
    place = Place("study_languages", look.place)
    named = ", ".join(name for code, name in LANGUAGES if code in languages)
    words = f"Participants may choose {named}."
    yield CheckLine("Languages", DONE, words, "Limit the languages", place)


def lines_filled_in(look: Look) -> Iterator[CheckLine]:
    """Whom participants call, and who reads their answers when."""
    place = Place("study", look.place)
    if missing := missing_settings(look.study):
        words = f"Participants cannot be told: {', '.join(missing)}."
        yield CheckLine("Help and reading", MISSING, words, "Fill in", place)
    else:
        words = "Participants are told whom to call, who reads their answers and when."
        yield CheckLine("Help and reading", DONE, words, "See", place)


def somebody_is_told(look: Look) -> Iterator[CheckLine]:
    """A roster, where answers may raise an alert."""
    name, place = "Who is told of alerts", Place("responders", look.place)
    if not alert_views.protocol_raises(look.site, look.study):
        yield CheckLine(name, DONE, "No answer of this protocol raises an alert.")
        return
    people = alerts.responders(look.session, look.study.id)
    nobodys = [person.name for person in people if is_nobodys(person.email)]
    if not people:
        words = "Worrying answers raise an alert, and nobody is named to be told."
        yield CheckLine(name, MISSING, words, "Say who is told", place)
    elif nobodys:
        words = f"A test address is named for {' and '.join(nobodys)}."
        yield CheckLine(name, MISSING, words, "Change who is told", place)
    else:
        words = " and ".join(person.name for person in people)
        yield CheckLine(name, DONE, f"{words} would be told.", "See", place)


def notice_published(look: Look) -> Iterator[CheckLine]:
    """The study's own data notice, in every language that may be chosen."""
    name, place = "Data notice", Place("study_notice", look.place)
    row = notices.current(look.session, look.study.id)
    if row is None:
        words = "The built-in notice stands. Publish your own, as your board approved it."
        yield CheckLine(name, MISSING, words, "Publish it", place)
        return
    own = notices.languages_of(row)
    lacking = [code for code in choosable(look.session, look.study.id) if code not in own]
    if lacking:
        words = f"It has no text in {', '.join(lacking)}; English is shown there."
        yield CheckLine(name, WARNING, words, "Add it", place)
    else:
        yield CheckLine(name, DONE, f"Version {row.version} is published.", "See", place)


def backed_up(look: Look) -> Iterator[CheckLine]:
    """A target, a key to encrypt to, and another disk than the data's."""
    name, settings = "Backup", look.settings
    if settings.backup_dir is None:
        yield CheckLine(name, MISSING, "No backup is made: set SURVEYAPP_BACKUP_DIR.")
        return
    if not settings.backup_key:
        yield CheckLine(name, MISSING, "Backups are not encrypted: set SURVEYAPP_BACKUP_KEY.")
        return
    same = same_disk(settings.backup_dir, settings.data_dir)
    if is_inside(settings.backup_dir, settings.data_dir) or same:
        words = "Backups lie on the disk of the data: one lost disk takes both. Name another."
        yield CheckLine(name, MISSING, words)
    elif same is None:
        words = "Cannot tell whether backups lie on another disk than the data. Make sure."
        yield CheckLine(name, WARNING, words)
    else:
        yield CheckLine(name, DONE, "Backups are encrypted and go to another disk.")


def watched(look: Look) -> Iterator[CheckLine]:
    """Somebody outside learns when nothing runs any more."""
    if look.settings.ping_url:
        yield CheckLine("Watched from outside", DONE, "The worker reports to a place outside.")
    else:
        words = "Nobody outside learns that this machine stands still: set SURVEYAPP_PING_URL."
        yield CheckLine("Watched from outside", MISSING, words)


def keys_apart(look: Look) -> Iterator[CheckLine]:
    """A copy of the data must not be a copy of the keys."""
    settings, name = look.settings, "Keys apart from the data"
    if settings.secret_key and settings.contact_keys:
        yield CheckLine(name, DONE, "The keys come from the environment.")
    elif is_inside(settings.keys_folder, settings.data_dir):
        words = "The keys lie in the data folder: move them, and set SURVEYAPP_KEYS_DIR."
        yield CheckLine(name, MISSING, words)
    elif (same := same_disk(settings.keys_folder, settings.data_dir)) is None:
        words = "Cannot tell whether the keys lie on another disk than the data. Make sure."
        yield CheckLine(name, WARNING, words)
    elif same:
        words = "The keys lie in a folder of their own, but on the disk of the data."
        yield CheckLine(name, WARNING, words)
    else:
        yield CheckLine(name, DONE, "The keys lie on another disk than the data.")


def reachable(look: Look) -> Iterator[CheckLine]:
    """Links lead to an encrypted page; mail leaves through a real server, from a real address."""
    settings, usual = look.settings, type(look.settings).model_fields
    if settings.is_https:
        yield CheckLine("Address", DONE, f"Links lead to {settings.public_url}.")
    else:
        words = "Links must lead to https: set SURVEYAPP_PUBLIC_URL."
        yield CheckLine("Address", MISSING, words)
    left = [
        f"SURVEYAPP_{name.upper()}"
        for name in ("smtp_url", "mail_from")
        if getattr(settings, name) == usual[name].default
    ]
    if left:
        yield CheckLine("Mail server", MISSING, f"Still as it ships: set {' and '.join(left)}.")
    else:
        yield CheckLine("Mail server", DONE, f"Mail is sent from {settings.mail_from}.")


def running(look: Look) -> Iterator[CheckLine]:
    """A worker sends, and the database is one to trust."""
    if look.health.not_sending:
        words = f"Prompts are not being sent: {look.health.not_sending}."
        yield CheckLine("Worker", MISSING, words)
    else:
        yield CheckLine("Worker", DONE, "A worker is alive.")
    warning = sqlite_warning() if look.site.database.is_sqlite else ""
    if warning:
        yield CheckLine("Database", WARNING, warning)


def consent_versioned(look: Look) -> Iterator[CheckLine]:
    """Which text people sign is on record."""
    name, place = "Consent form", Place("consent_forms", look.place)
    forms = consents.forms(look.session, look.study.id)
    if forms:
        yield CheckLine(name, DONE, f"Version {forms[-1].version} is published.", "See", place)
    else:
        words = "No version is published, so consent would be recorded without one."
        yield CheckLine(name, WARNING, words, "Publish it", place)


def second_factors(look: Look) -> Iterator[CheckLine]:
    """Who reaches scores of a live study signs in in two steps; whoever has not set it up must do
    so before anything else, the next time."""
    having = signin.with_factor(look.session)
    seeing = [
        account.id
        for account in staff.everybody(look.session)
        if rights.of_account(look.session, account.id).need_factor
    ]
    lacking = sum(number not in having for number in seeing)
    if lacking:
        who = "1 account" if lacking == 1 else f"{lacking} accounts"
        words = f"{who} that may reach scores must set up a second factor at the next page."
        yield CheckLine("Second factor", WARNING, words, "Accounts", Place("accounts", {}))
    else:
        words = "Everybody who may reach scores has a second factor."
        yield CheckLine("Second factor", DONE, words)


CHECKS: tuple[tuple[str, Check], ...] = (
    ("wordings", wordings_permitted),
    ("lines", lines_filled_in),
    ("alerts", somebody_is_told),
    ("notice", notice_published),
    ("consent", consent_versioned),
    ("second factor", second_factors),
    ("backup", backed_up),
    ("watch", watched),
    ("keys", keys_apart),
    ("address", reachable),
    ("running", running),
)


def checklist(site: Site, study_id: int, state: Health, now: datetime) -> Checklist:
    """Raises NotFoundError; `state` is the installation's."""
    with site.database.read() as session:
        return _checklist(session, site, study_id, state, now)


def _checklist(
    session: Session, site: Site, study_id: int, state: Health, now: datetime
) -> Checklist:
    study = the_study(session, study_id)
    look = Look(session, site, study, _protocol(site, study), state, now)
    lines = tuple(line for _, check in CHECKS for line in check(look))
    other = studies.live_of(session, study.protocol)
    return Checklist(
        study_id=study.id,
        title=study.title,
        protocol=study.protocol,
        live=study.mode == "live",
        other=other.id if other is not None and other.id != study.id else None,
        languages=choosable(session, study.id),
        lines=lines,
    )


def _protocol(site: Site, study: Study) -> Protocol:
    """Raises RefusedError for one that is not installed any more."""
    found = site.library.protocols.get(study.protocol)
    if found is None:
        raise RefusedError(f"The protocol {study.protocol} is not installed any more.")
    return found


def go_live(
    site: Site, study_id: int, title: str, again: str, state: Health, *, actor: str, now: datetime
) -> int:
    """Make the protocol's live study, called `title`; its id. Raises InputError by field,
    RefusedError while something is missing or there is one already, NotFoundError."""
    title, again = " ".join(title.split()), " ".join(again.split())
    with site.database.write() as session:
        found = _checklist(session, site, study_id, state, now)
        if found.live or found.other is not None:
            raise RefusedError("There is a live study of this protocol already.")
        if found.missing:
            named = ", ".join(line.name for line in found.lines if line.state == MISSING)
            raise RefusedError(f"Not live yet. Still missing: {named}.")
        taken = {row.study.title.casefold() for row in roster.studies(session)}
        if problems := _title_problems(title, again, taken):
            raise InputError(problems)
        before = the_study(session, study_id)
        live = studies.copy_as_live(session, before, title, now)
        warned = [line.name for line in found.lines if line.state == WARNING]
        payload = {
            "study": live.id,
            "from": before.id,
            "title": title,
            "protocol": live.protocol,
            "languages": list(found.languages),
            "warnings": warned,
        }
        trail.append(session, trail.SYSTEM, "study went live", actor, now, payload)
        return live.id


def _title_problems(title: str, again: str, taken: Iterable[str]) -> dict[str, str]:
    if not title:
        return {"title": "Give the live study a name."}
    if len(title) > LONGEST_NAME:
        return {"title": f"Use at most {LONGEST_NAME} characters."}
    if title.casefold() in taken:
        return {"title": "There is a study of this name already. Choose another."}
    return {"again": "Write the same name once more."} if again != title else {}


def start_study(site: Site, protocol: str, *, actor: str, now: datetime) -> int:
    """The protocol's practice study, made if there is none; its id. Raises InputError."""
    known = site.library.protocols.get(protocol)
    if known is None:
        raise InputError({"protocol": "Choose one of the protocols."})
    with site.database.write() as session:
        study, made = transfer.practice_study(session, known, now)
        if made:
            fields = {"study": study.id, "protocol": known.id}
            trail.append(session, trail.SYSTEM, "study added", actor, now, fields)
        return study.id


def limit_languages(
    site: Site, study_id: int, chosen: Sequence[str], *, actor: str, now: datetime
) -> None:
    """The languages that participants may choose from now on. Raises InputError, NotFoundError."""
    known = [code for code, _ in LANGUAGES]
    kept = [code for code in known if code in chosen]
    if not kept:
        raise InputError({"languages": "Choose one language at least."})
    with site.database.write() as session:
        study = the_study(session, study_id)
        if others := studies.languages_spoken(session, study.id) - set(kept):
            words = f"People in this study have {', '.join(sorted(others))}. Change theirs first."
            raise InputError({"languages": words})
        wordings.limit_languages(session, study.id, kept if kept != known else [])
        payload = {"study": study.id, "languages": kept}
        trail.append(session, trail.SYSTEM, "languages chosen", actor, now, payload)
