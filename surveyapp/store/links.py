"""Links: tokens that can be made again, found by their hash.

token = base64url(HMAC-SHA256(link key, course | timepoint | generation)[:16]): 128 bits. Raising
the generation revokes every earlier token of that course and timepoint.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from sqlalchemy import bindparam, insert, select
from sqlalchemy.orm import Session
from sqlmodel import col

from .columns import table_of
from .tables_access import Link


def make_token(link_key: bytes, course_id: int, timepoint: str, generation: int) -> str:
    message = f"{course_id}|{timepoint}|{generation}".encode()
    return base64.urlsafe_b64encode(hmac.digest(link_key, message, "sha256")[:16])[:22].decode()


def digest(secret: str) -> str:
    """The form in which a token or a visit's secret is kept."""
    return hashlib.sha256(secret.encode()).hexdigest()


_insert = insert(table_of(Link))
_generation = select(col(Link.generation)).where(
    col(Link.course_id) == bindparam("course"), col(Link.timepoint) == bindparam("timepoint")
)


def ensure_link(session: Session, link_key: bytes, course_id: int, timepoint: str) -> str:
    """The current token of a course's timepoint; its row is made if there is none yet."""
    known = session.scalar(_generation, {"course": course_id, "timepoint": timepoint})
    if known is None:
        token = make_token(link_key, course_id, timepoint, 0)
        row = {"course_id": course_id, "timepoint": timepoint, "token_sha256": digest(token)}
        session.execute(_insert, {**row, "generation": 0})
        return token
    return make_token(link_key, course_id, timepoint, known)


def revoke_link(session: Session, link_key: bytes, course_id: int, timepoint: str) -> None:
    """Make every earlier token of this link unknown."""
    ensure_link(session, link_key, course_id, timepoint)
    link = session.get_one(Link, (course_id, timepoint))
    link.generation += 1
    link.token_sha256 = digest(make_token(link_key, course_id, timepoint, link.generation))
    session.flush()


def find_link(session: Session, token: str) -> Link | None:
    """The link of a token; a revoked or mistyped one is unknown."""
    query = select(Link).where(col(Link.token_sha256) == digest(token))
    return session.scalars(query).first()
