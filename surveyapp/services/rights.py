"""Rights: what a staff account may do, and in which retreats.

An account has one role or more. A role brings rights, a right opens pages:

- `states`    who is where: retreats, people by study code, what is due, held or missing, consent,
              dosing days, doses, stops, events, attendance, notes
- `contacts`  addresses, phone numbers, PINs, slips; see and change
- `scores`    answers, scores, trajectories, session PDFs, alerts' answers and closing them,
              corrections of what was sent; typing in a sheet is `states`, seeing what it comes to
              is not
- `data`      pseudonymous data: group reports and exports, no contact and no free words
- `study`     what participants are told, who is alerted, message texts, data notice
- `admin`     accounts, wordings, going live, the trail, backups, retention, erasure

A coordinator sees no scores unless granted (`sees_scores`). Without `all_retreats` an account has
the retreats that it is a member of, and nothing of others is shown, not even that they exist.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, get_args

from ..store import staff
from ..store.database import Session

Right = Literal["states", "contacts", "scores", "data", "study", "admin"]
Role = Literal["coordinator", "clinician", "analyst", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
BRINGS: dict[Role, frozenset[Right]] = {
    "coordinator": frozenset({"states", "contacts", "study"}),
    "clinician": frozenset({"states", "scores"}),
    "analyst": frozenset({"data"}),
    "admin": frozenset({"admin", "study"}),
}


@dataclass(frozen=True)
class Rights:
    """What one account may do; `retreats` are the ids it is limited to, None is every one."""

    held: frozenset[Right]
    retreats: frozenset[int] | None = None

    def may(self, right: Right) -> bool:
        return right in self.held

    @property
    def need_factor(self) -> bool:
        """Whether a live study demands a second factor of whoever has them."""
        return bool(self.held & NEEDS_FACTOR)

    def sees(self, retreat_id: int) -> bool:
        return self.retreats is None or retreat_id in self.retreats


NEEDS_FACTOR: frozenset[Right] = frozenset({"scores", "data", "admin"})
"""What reaches scores: pages, exports, or own copies and others' accounts."""
EVERYTHING = Rights(frozenset(get_args(Right)))
NOTHING = Rights(frozenset(), frozenset())


def of_roles(roles: Collection[str], *, sees_scores: bool) -> frozenset[Right]:
    """What some roles bring together; unknown ones bring nothing."""
    found: set[Right] = set()
    for role in ROLES:
        if role in roles:
            found |= BRINGS[role]
    if sees_scores and "states" in found:
        found.add("scores")
    return frozenset(found)


def bringers(rights: Collection[Right]) -> tuple[Role, ...]:
    """The roles that bring at least one of some rights."""
    return tuple(role for role in ROLES if BRINGS[role] & set(rights))


def of_account(session: Session, account_id: int) -> Rights:
    """What an account may do now; nothing for one that is not active or not there."""
    account = staff.account(session, account_id)
    if account is None or not account.active:
        return NOTHING
    held = of_roles(account.roles.split(), sees_scores=account.sees_scores)
    if account.all_retreats:
        return Rights(held)
    return Rights(held, frozenset(staff.member_of(session, account_id)))
