"""Notice: how many days ahead staff are told of what is coming, as a protocol sets it."""

from __future__ import annotations

from dataclasses import dataclass

from .reading import Table

MOST = 60


@dataclass(frozen=True)
class Notice:
    """Days before a dosing day without a baseline, before a window closes, and before the first
    prompt of a follow-up that needs the coordinator's word."""

    dosing: int = 2
    closing: int = 2
    confirm: int = 3


def read_notice(root: Table) -> Notice:
    """The table `[today]` of a protocol; each line may be left out."""
    if not root.has("today"):
        return Notice()
    table, usual = root.table("today"), Notice()
    found = Notice(
        dosing=table.get("dosing", int, usual.dosing),
        closing=table.get("closing", int, usual.closing),
        confirm=table.get("confirm", int, usual.confirm),
    )
    for name, days in vars(found).items():
        if not 0 <= days <= MOST:
            table.fault(name, f"must be 0 to {MOST} days")
    table.close()
    return found
