"""Contacts in the store: sealed on the way in, opened on the way out, found by keyed hash."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from .tables import Contact
from .vault import Sealed, Vault

EMAIL = "email"


def put_email(session: Session, vault: Vault, participant_id: int, address: str) -> None:
    """Set a participant's address, in the caller's write transaction."""
    sealed = vault.seal(address, _bound_to(participant_id))
    session.merge(
        Contact(
            participant_id=participant_id,
            kind=EMAIL,
            sealed=sealed.text,
            key_version=sealed.key_version,
            lookup=vault.lookup(address),
        )
    )


def email_of(session: Session, vault: Vault, participant_id: int) -> str | None:
    """The address, or None when there is none. Raises CannotOpenError."""
    contact = session.get(Contact, (participant_id, EMAIL))
    if contact is None:
        return None
    return vault.open(Sealed(contact.sealed, contact.key_version), _bound_to(participant_id))


def participants_with_email(session: Session, vault: Vault, address: str) -> list[int]:
    """Ids of everybody who shares an address."""
    query = select(col(Contact.participant_id)).where(col(Contact.lookup) == vault.lookup(address))
    return list(session.scalars(query))


def _bound_to(participant_id: int) -> str:
    return f"participant {participant_id} {EMAIL}"
