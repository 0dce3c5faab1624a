"""Erasing: a person's contacts, or everything, gone from the live files.

`contacts`: contact details, the PIN and the hashes of addresses go, the answers stay under the
study code. `everything`: every row that hangs on the person goes, and what the trail said of them;
its headers stay, so it verifies. What a protocol must report to the end (doses, adverse events) may
be kept as counts of the study, which lead to nobody.

The ledger's line is on the disk before the erasure is committed. So whatever happens between, the
person is erased again: by the command, by the worker, or after a restore by `replay`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ..store import belongings, contacts, erasing, trail
from ..store.alerts import staff_emails
from ..store.belongings import Belonging
from ..store.database import Session
from ..store.facts import course_contexts
from ..store.roster import course_ids_of
from ..store.tables import Participant
from ..store.tables_keeping import CONTACTS, ERASURES, EVERYTHING, Erasure
from ..store.vault import CannotOpenError, normal_form
from ..store.windows import refresh_windows
from . import ledger
from .dosing import in_hand
from .enrolment import shown
from .errors import InputError, NotFoundError
from .ledger import Line
from .site import Site

LONGEST_REASON = 300
REPLAY = "replay"
WAS_ERASED = "belonged to somebody who was erased. Choose another code."
DIGITS = 6
"""So many digits of a phone number in a row name it."""
STAYS = {
    CONTACTS: (
        "Answers, scores, doses, events and notes, under the study code.",
        "The trail, which holds no contact details.",
    ),
    EVERYTHING: (
        "The trail's headers: kinds and times of events in a chain that names nobody, so that it "
        "still verifies. What they said goes.",
        "A keyed hash of the study code, so that it is not given again and a restored backup is "
        "erased too.",
    ),
}
OUTSIDE = (
    "What left the house stays where it is: messages at the mail server and in mailboxes, exports, "
    "printed or saved PDFs, the person's own copy, and older backups until they are thrown away. "
    "A backup that is restored is erased again from the ledger."
)


@dataclass(frozen=True)
class Wish:
    """`keep_safety`: doses and adverse events are kept as counts of the study, which name nobody
    (with `everything`; else they stay anyway)."""

    kind: str = EVERYTHING
    reason: str = ""
    keep_safety: bool = False


@dataclass(frozen=True)
class Preview:
    """What would go, as words with how many, what stays and why, and how many messages are being
    handed over just now, which cannot be called back."""

    code: str
    kind: str
    goes: Sequence[tuple[str, int]]
    stays: Sequence[str]
    in_hand: int


@dataclass(frozen=True)
class Made:
    """An erasure on record; `cleaned_at` is when the files were rewritten."""

    kind: str
    reason: str
    by: str
    at: datetime
    cleaned_at: datetime | None


def preview(site: Site, code: str, wish: Wish, now: datetime) -> Preview:
    """What the erasure would do; changes nothing. Raises NotFoundError, InputError."""
    _known_kind(wish.kind)
    with site.database.read() as session:
        person = _found(session, code)
        ids = course_ids_of(session, person.id)
        found = [*belongings.belongings(session, [person.id])]
        return Preview(
            code=person.code,
            kind=wish.kind,
            goes=_goes(session, person, found, wish.kind),
            stays=_stays(session, person, wish),
            in_hand=in_hand(course_contexts(session, site.library, ids), now),
        )


def _goes(
    session: Session, person: Participant, found: Sequence[Belonging], kind: str
) -> list[tuple[str, int]]:
    if kind == CONTACTS:
        found = [b for b in found if b.table.name in ("contact", "pin")]
    counted = [(b.words, belongings.count(session, b)) for b in found]
    if kind == EVERYTHING:
        named = _payloads(session, person)
        counted.append(("what the trail says of the person", len(named.events)))
        mentions = erasing.mentions(session, person.code, remove=False)
        counted.append(("mentions of the code in notes about others", mentions))
    return [(words, count) for words, count in counted if count]


def _stays(session: Session, person: Participant, wish: Wish) -> list[str]:
    stays = [*STAYS[wish.kind]]
    if wish.kind == CONTACTS and not erasing.keeps_data(session, person.id):
        stays.append("But the consent does not let data stay: erase everything.")
    if wish.kind == EVERYTHING and wish.keep_safety:
        stays.append(
            "If wished: how many doses and adverse events of which grade there were, added to "
            "the study's counts without code, course or time, for what must be reported in the end."
        )
    if wish.kind == EVERYTHING and not erasing.is_distinct(person.code):
        stays.append(
            f"Notes about others that mention {person.code}: so short a code may be another word, "
            "so look through them yourself."
        )
    return [*stays, OUTSIDE]


def keeps_data(site: Site, code: str) -> bool:
    """Whether the person's consent lets pseudonymous data stay after they left."""
    with site.database.read() as session:
        return erasing.keeps_data(session, _found(session, code).id)


def _payloads(session: Session, person: Participant) -> erasing.Named:
    chains = belongings.chains_of(session, person.id)
    return erasing.payloads_naming(session, person.code, chains)


def erase(site: Site, code: str, wish: Wish, *, actor: str, now: datetime) -> int:
    """Do it; how many messages were being handed over at that moment. The files are rewritten
    afterwards, by `cleaning`.

    Raises InputError by field, NotFoundError, RefusedError when the ledger cannot be written.
    """
    _known_kind(wish.kind)
    with site.database.write() as session:
        begin(session)
        person = _found(session, code, lock=True)
        if problems := _reason_problems(site, session, person, wish.reason):
            raise InputError(problems)
        ids = course_ids_of(session, person.id)
        late = in_hand(course_contexts(session, site.library, ids), now)
        line = _line(site, session, person, wish, actor, now)
        _apply(site, session, person, line, actor, now)
        return late


def begin(session: Session) -> None:
    """Comes first in a write transaction that erases: one at a time, and courses after that."""
    erasing.alone(session)


def drop_contacts(
    session: Session, site: Site, code: str, reason: str, actor: str, now: datetime
) -> None:
    """Contacts go with something else, in the caller's write transaction that `begin` opened."""
    person = _found(session, code, lock=True)
    line = _line(site, session, person, Wish(CONTACTS, reason), actor, now)
    _apply(site, session, person, line, actor, now)


def _line(
    site: Site, session: Session, person: Participant, wish: Wish, actor: str, now: datetime
) -> Line:
    """The ledger's line for this: one that was written and never came into force, or a new one."""
    new = Line(
        at=now.isoformat(),
        person=ledger.person_hash(site, person.code),
        kind=wish.kind,
        reason=" ".join(wish.reason.split()),
        by=actor,
        kept=wish.keep_safety,
        previous="",
    )
    known = erasing.known_lines(session)
    for line in ledger.read(site).lines:
        same = (line.person, line.kind, line.kept) == (new.person, new.kind, new.kept)
        if same and line.hash not in known:
            return line
    return ledger.append(site, new)


def _apply(
    site: Site, session: Session, person: Participant, line: Line, actor: str, now: datetime
) -> None:
    """Erase what the line says, in the caller's write transaction."""
    if line.kind == EVERYTHING:
        payload = _everything(session, person, line, actor, now)
    else:
        payload = _contacts(site, session, person)
    payload |= {"erased": line.kind, "person": line.person, "reason": line.reason}
    trail.append(session, trail.SYSTEM, trail.ERASED, actor, now, payload)
    _remember(session, line)


def _everything(
    session: Session, person: Participant, line: Line, actor: str, now: datetime
) -> dict[str, object]:
    named = _payloads(session, person)
    if line.kept:
        erasing.keep_safety_counts(session, person.id)
    code = person.code
    rows = belongings.remove(session, [*belongings.belongings(session, [person.id])])
    trail.erase_payloads(session, named.events)
    erasing.mentions(session, code, remove=True)
    for uid, said in sorted(named.left.items()):
        trail.append(session, trail.SYSTEM, erasing.LEFT, actor, now, {"of": uid, "said": said})
    return {"events": sorted(set(named.events)), "rows": rows}


def _contacts(site: Site, session: Session, person: Participant) -> dict[str, object]:
    gone = erasing.remove_contacts(session, person.id)
    ids = course_ids_of(session, person.id)
    contexts = refresh_windows(session, site.library, ids)
    chains = [context.course.chain for context in contexts]
    return {"events": [], "chains": chains, "rows": gone}


def _remember(session: Session, line: Line, cleaned_at: datetime | None = None) -> None:
    row = Erasure(
        line=line.hash,
        person=line.person,
        kind=line.kind,
        reason=line.reason,
        erased_by=line.by,
        erased_at=datetime.fromisoformat(line.at),
        cleaned_at=cleaned_at,
    )
    erasing.add_erasure(session, row)


def replay(site: Site, now: datetime, actor: str = REPLAY) -> int:
    """Erase again whoever the ledger names and this database does not know as erased: after a
    restore, or when an erasure broke off. How many people it concerned.

    What is wrong with the ledger is in `ledger_faults`. Raises RefusedError.
    """
    with site.database.read() as session:
        known = erasing.known_lines(session)
    lines = [line for line in ledger.read(site).lines if line.hash not in known]
    return sum(_replay(site, line, actor, now) for line in lines)


def _replay(site: Site, line: Line, actor: str, now: datetime) -> bool:
    with site.database.write() as session:
        erasing.alone(session)
        if line.hash in erasing.known_lines(session):
            return False
        codes = {ledger.person_hash(site, code): code for code in erasing.everybody(session)}
        code = codes.get(line.person)
        person = erasing.lock_person(session, code) if code else None
        if person is None:
            _remember(session, line, now)
            return False
        _apply(site, session, person, line, actor, now)
        return True


def ledger_faults(site: Site) -> list[str]:
    """What is wrong with the ledger, in sentences: changed, cut off or lost lines."""
    found = ledger.read(site)
    with site.database.read() as session:
        lost = len(erasing.known_lines(session) - {line.hash for line in found.lines})
    faults = [*found.faults]
    if lost:
        faults.append(
            f"{lost} {'erasure is' if lost == 1 else 'erasures are'} in the database and not in "
            f"the ledger {ledger.path_of(site)}: find the lost ledger before you restore a backup."
        )
    return faults


def made(site: Site) -> list[Made]:
    """Every erasure on record, newest first."""
    with site.database.read() as session:
        emails = staff_emails(session)
        return [
            Made(
                row.kind,
                row.reason,
                emails.get(row.erased_by, row.erased_by),
                row.erased_at,
                row.cleaned_at,
            )
            for row in erasing.erasures(session)
        ]


def erased_codes(site: Site, session: Session, codes: Collection[str]) -> set[str]:
    """Which of these codes belonged to somebody who was erased: they are not given again."""
    hashes: Mapping[str, str] = {ledger.person_hash(site, code): code for code in codes}
    return {hashes[person] for person in erasing.erased_among(session, hashes.keys())}


def _found(session: Session, code: str, *, lock: bool = False) -> Participant:
    person = erasing.lock_person(session, code) if lock else _person(session, code)
    if person is None:
        raise NotFoundError(f"There is nobody with the study code {shown(code)}.")
    return person


def _person(session: Session, code: str) -> Participant | None:
    exact = next((c for c in erasing.everybody(session) if c.lower() == code.lower()), None)
    return erasing.person(session, exact) if exact else None


def _known_kind(kind: str) -> None:
    if kind not in ERASURES:
        raise InputError({"kind": "Choose what is erased."})


def _reason_problems(
    site: Site, session: Session, person: Participant, reason: str
) -> dict[str, str]:
    words = " ".join(reason.split())
    if not words:
        return {"reason": "Say why, in a few words that name nobody."}
    if len(words) > LONGEST_REASON:
        return {"reason": f"Use at most {LONGEST_REASON} characters."}
    if _names(site, session, person, words):
        return {"reason": "The reason is kept, so it must not name anybody: leave out codes."}
    return {}


def _names(site: Site, session: Session, person: Participant, words: str) -> bool:
    named = (code for code in erasing.everybody(session) if erasing.is_distinct(code))
    if any(erasing.token(code).search(words) for code in (person.code, *named)):
        return True
    for row in contacts.sealed_of(session, [person.id]):
        try:
            value = normal_form(contacts.opened(site.vault, row).value)
        except CannotOpenError:
            continue
        if value in normal_form(words) or _shares_digits(value, words):
            return True
    return False


def _shares_digits(value: str, words: str) -> bool:
    number, said = (re.sub(r"\D", "", text) for text in (value, words))
    return value.startswith("+") and any(
        number[i : i + DIGITS] in said for i in range(len(number) - DIGITS + 1)
    )
