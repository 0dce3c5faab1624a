"""A site's own texts of messages in the store."""

from __future__ import annotations

from sqlalchemy.orm import Session
from sqlmodel import select

from .tables_reach import MessageText

Key = tuple[str, str, str]
"""(channel, kind, language)"""


def own_text(session: Session, key: Key) -> MessageText | None:
    return session.get(MessageText, key)


def own_texts(session: Session) -> list[MessageText]:
    return list(session.scalars(select(MessageText)))


def put_text(session: Session, text: MessageText) -> None:
    session.merge(text)
    session.flush()


def remove_text(session: Session, key: Key) -> bool:
    """Whether there was one."""
    found = session.get(MessageText, key)
    if found is not None:
        session.delete(found)
        session.flush()
    return found is not None
