"""Contacts in the store: sealed on the way in, opened on the way out, found by keyed hash."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import Session
from sqlmodel import col

from .tables import Contact
from .vault import Sealed, Vault

EMAIL, PHONE = "email", "phone"


@dataclass(frozen=True)
class Known:
    """One contact, and why it was refused for good (empty: it was not) and when."""

    value: str
    refused_why: str = ""
    refused_at: datetime | None = None


def put_contact(session: Session, vault: Vault, participant_id: int, kind: str, value: str) -> None:
    """Set a person's contact, in the caller's write transaction; a refusal is forgotten."""
    sealed = vault.seal(value, bound_to(participant_id, kind))
    session.merge(
        Contact(
            participant_id=participant_id,
            kind=kind,
            sealed=sealed.text,
            key_version=sealed.key_version,
            lookup=vault.lookup(value),
            refused_at=None,
            refused_why=None,
        )
    )


def put_email(session: Session, vault: Vault, participant_id: int, address: str) -> None:
    """Set a participant's address, in the caller's write transaction."""
    put_contact(session, vault, participant_id, EMAIL, address)


_columns = select(
    col(Contact.participant_id),
    col(Contact.kind),
    col(Contact.sealed),
    col(Contact.key_version),
).add_columns(col(Contact.refused_why), col(Contact.refused_at))
_one = _columns.where(
    col(Contact.participant_id) == bindparam("person"), col(Contact.kind) == bindparam("kind")
)
_of_people = _columns.where(col(Contact.participant_id).in_(bindparam("people", expanding=True)))


def contact_of(session: Session, vault: Vault, participant_id: int, kind: str) -> Known | None:
    """A person's contact of this kind, or None. Raises CannotOpenError."""
    contact = session.execute(_one, {"person": participant_id, "kind": kind}).first()
    return opened(vault, contact) if contact else None


def sealed_of(session: Session, people: Collection[int]) -> Sequence[Any]:
    """Everybody's contact rows, in one statement."""
    return session.execute(_of_people, {"people": list(people)}).all()


def opened(vault: Vault, row: Any) -> Known:
    """The contact of a row. Raises CannotOpenError."""
    bound = bound_to(row.participant_id, row.kind)
    value = vault.open(Sealed(row.sealed, row.key_version), bound)
    return Known(value, row.refused_why or "", row.refused_at)


def remove_contact(session: Session, participant_id: int, kind: str) -> None:
    own = (col(Contact.participant_id) == participant_id, col(Contact.kind) == kind)
    session.execute(delete(Contact).where(*own))


def mark_refused(
    session: Session,
    participant_id: int,
    kind: str,
    why: str,
    at: datetime,
    sent_to: Collection[str | None] = (None,),
) -> None:
    """Nothing more is sent to this contact until it is set anew. `sent_to` are the keyed hashes of
    what was refused: a contact that was changed since is another. None stands for not known."""
    contact = session.get(Contact, (participant_id, kind))
    if contact is not None and (not sent_to or None in sent_to or contact.lookup in sent_to):
        contact.refused_why, contact.refused_at = why, at
        session.flush()


_standing = select(col(Contact.lookup), col(Contact.refused_why)).where(
    col(Contact.participant_id) == bindparam("person"), col(Contact.kind) == bindparam("kind")
)


def stands(session: Session, participant_id: int, kind: str, lookup: str) -> bool:
    """Whether this is still the person's contact, by its keyed hash, and was not refused."""
    row = session.execute(_standing, {"person": participant_id, "kind": kind}).first()
    return row is not None and row.lookup == lookup and not row.refused_why


def refusals(rows: Iterable[Contact]) -> dict[int, dict[str, str]]:
    """Everybody's kinds of contact, each with why it was refused for good (empty: it was not)."""
    found: defaultdict[int, dict[str, str]] = defaultdict(dict)
    for contact in rows:
        found[contact.participant_id][contact.kind] = contact.refused_why or ""
    return found


def participants_sharing(session: Session, vault: Vault, address: str) -> list[int]:
    """Ids of everybody who shares an address or a number."""
    query = select(col(Contact.participant_id)).where(col(Contact.lookup) == vault.lookup(address))
    return list(session.scalars(query))


def bound_to(participant_id: int, kind: str) -> str:
    return f"participant {participant_id} {kind}"
