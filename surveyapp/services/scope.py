"""Scope: whether what an address names lies within an account's retreats.

A person is seen when one of their courses is in one of the account's retreats. An act on a course
needs that course's own retreat. A study's settings hold for every retreat of it, so an account
that is limited opens a study only when it has all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..store import scopes
from ..store.database import Session
from ..store.scopes import Scope
from .rights import Rights
from .site import Site

NOTHING_THERE = "There is nothing at this address."
OBJECTS = frozenset({"retreat_id", "code", "number", "alert_id", "study_id"})
"""Arguments of an address that name something of a retreat's; `sees` knows each."""
WITHIN = frozenset(
    {
        *("stop_id", "event_id", "reading_id", "note_id", "session"),
        *("timepoint", "instrument", "channel", "kind", "language", "token"),
        *("account_id", "wording_id", "retreat_name"),
    }
)
"""Arguments that name nothing by themselves: something within an object, which its page looks for
there, or a word that is the same for every retreat."""


def sees(site: Site, rights: Rights, named: Mapping[str, object]) -> bool:
    """Whether everything that an address names is the account's. At most one query, and none for
    an account that has every retreat. What is not known here is nobody's."""
    own = rights.retreats
    if own is None:
        return True
    if not named.keys() <= OBJECTS | WITHIN:
        return False
    if not named.keys() & OBJECTS:
        return True
    if "retreat_id" in named:
        return named["retreat_id"] in own
    with site.database.read() as session:
        return _sees(session, own, named)


def _sees(session: Session, own: frozenset[int], named: Mapping[str, object]) -> bool:
    match named:
        case {"alert_id": int(alert)}:
            return bool(scopes.of_alert(session, alert) & own)
        case {"study_id": int(study)}:
            retreats = scopes.of_study(session, study)
            return bool(retreats) and retreats <= own
        case {"code": str(code), "number": int(number)}:
            return bool(scopes.of_course(session, code, number) & own)
        case {"code": str(code)}:
            return bool(scopes.of_person(session, code) & own)
        case _:
            return False


def within(site: Site, codes: Sequence[str], scope: Scope) -> list[str]:
    """Those of some people's codes who have a course within the scope."""
    with site.database.read() as session:
        outside = scopes.people_outside(session, codes, scope)
    return [code for code in codes if code not in outside]
