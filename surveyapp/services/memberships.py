"""Memberships: whoever is limited to some retreats has those that they add."""

from __future__ import annotations

from datetime import datetime

from ..store import scopes, trail
from .site import Site


def join(site: Site, account: int, retreat_id: int, *, actor: str, now: datetime) -> None:
    """The account has this retreat too."""
    with site.database.write() as session:
        scopes.add_member(session, account, retreat_id)
        payload: dict[str, object] = {"account": account, "retreat": retreat_id}
        trail.append(session, trail.SYSTEM, "member added", actor, now, payload)
