"""Everything that is sealed in the database, and how it is sealed anew under the newest key.

A table with a sealed column stands in SEALED; a test finds one that does not. Rows are taken in
small slices, each a transaction of its own, and only where they still hold what was read, so that a
change made meanwhile wins. What was done stays done, so it goes on where it was stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, text, tuple_, update
from sqlalchemy.orm import Session
from sqlmodel import SQLModel

from . import contacts, pins
from .columns import table_of
from .tables import Contact
from .tables_entry import Pin
from .vault import CannotOpenError, Sealed, Vault

SLICE = 200


@dataclass(frozen=True)
class SealedColumn:
    """A table whose column `text` is sealed under the key that `version` names. `bound_to` tells
    from a row's key (its primary key's values in order) what the text was bound to."""

    model: type[SQLModel]
    bound_to: Callable[..., str]
    text: str = "sealed"
    version: str = "key_version"


SEALED: tuple[SealedColumn, ...] = (
    SealedColumn(Contact, contacts.bound_to),
    SealedColumn(Pin, pins.bound_to),
)


@dataclass(frozen=True)
class Slice:
    """What one slice came to: rows sealed anew, rows that cannot be read, and the last key, where
    the next slice begins; None when this was the last."""

    done: int
    unreadable: int
    last: tuple[Any, ...] | None


def counts(session: Session) -> dict[str, int]:
    """How many fields are sealed under each key, by its version."""
    found: dict[str, int] = {}
    for column in SEALED:
        version = table_of(column.model).c[column.version]
        query = select(version, func.count()).group_by(version)
        for name, count in session.execute(query):
            found[name] = found.get(name, 0) + count
    return found


def lock_all(session: Session) -> None:
    """Wait for whoever is writing a sealed field, and let nobody write one until the end."""
    if session.get_bind().dialect.name == "postgresql":
        names = ", ".join(f'"{table_of(c.model).name}"' for c in SEALED)
        session.execute(text(f"LOCK TABLE {names} IN SHARE MODE"))


def reseal(
    session: Session, vault: Vault, column: SealedColumn, after: tuple[Any, ...] | None
) -> Slice:
    """One slice of a table, in the caller's write transaction."""
    rows = _older(session, vault, column, after)
    done = unreadable = 0
    for row in rows:
        *key, sealed, version = row
        try:
            plain = vault.open(Sealed(sealed, version), column.bound_to(*key))
        except (CannotOpenError, ValueError):
            unreadable += 1
            continue
        done += _replace(session, column, key, sealed, vault.seal(plain, column.bound_to(*key)))
    last = tuple(rows[-1][:-2]) if len(rows) == SLICE else None
    return Slice(done, unreadable, last)


def _older(
    session: Session, vault: Vault, column: SealedColumn, after: tuple[Any, ...] | None
) -> Sequence[Any]:
    table = table_of(column.model)
    key = list(table.primary_key.columns)
    query = select(*key, table.c[column.text], table.c[column.version])
    query = query.where(table.c[column.version] != vault.newest).order_by(*key).limit(SLICE)
    if after is not None:
        query = query.where(tuple_(*key) > tuple_(*after))
    return session.execute(query).all()


def _replace(
    session: Session, column: SealedColumn, key: Sequence[Any], was: str, new: Sealed
) -> int:
    table = table_of(column.model)
    same = [c == value for c, value in zip(table.primary_key.columns, key, strict=True)]
    values = {column.text: new.text, column.version: new.key_version}
    statement = update(table).where(*same, table.c[column.text] == was).values(values)
    result: Any = session.execute(statement)
    return int(result.rowcount)
