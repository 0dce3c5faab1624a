"""Programme: the sessions of a retreat, as a protocol proposes them.

A session is held for the group, so its day counts from the retreat's anchor, never from one
person's own. Staff may set another day, drop one or add one; what is held then stands in the store.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, cast, get_args

from .reading import Table

SessionKind = Literal["preparation", "dosing", "integration"]
KINDS: tuple[SessionKind, ...] = get_args(SessionKind)


@dataclass(frozen=True)
class GroupSession:
    """One session: `day` local dates after the anchor's. A dosing session is held on its anchor."""

    id: str
    label: str
    kind: SessionKind
    anchor: str
    day: int


def read_sessions(root: Table, anchors: Collection[str]) -> tuple[GroupSession, ...]:
    """The tables `[[sessions]]` of a protocol; there may be none."""
    found: list[GroupSession] = []
    for row in root.tables("sessions", required=False):
        kind = row.need("kind", str, KINDS[0])
        session = GroupSession(
            id=row.name("id"),
            label=row.need("label", str, ""),
            kind=cast(SessionKind, kind),
            anchor=row.need("anchor", str, ""),
            day=row.get("day", int, 0),
        )
        if kind not in KINDS:
            row.fault("kind", f"{kind!r} is none of {', '.join(KINDS)}")
        if session.anchor not in anchors:
            row.fault("anchor", f"there is no anchor {session.anchor!r}")
        if kind == "dosing" and session.day:
            row.fault("day", "a dosing session is held on its anchor's day: leave it out")
        row.close()
        found.append(session)
    for name, count in Counter(s.id for s in found).items():
        if count > 1:
            root.fault("sessions", f"{name!r} is used twice")
    return tuple(found)
