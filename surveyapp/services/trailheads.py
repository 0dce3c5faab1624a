"""Heads of the trail, kept outside: what a later check compares with, so that a chain that was
rewritten or cut off at its end is found too.

A head file is JSON: when it was made, how many events there were, one hash over all chains, and
each chain's last number and hash. It names nobody.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from ..store import seals, trail
from ..store.trail import Heads, Tell, Verified, over_all
from .errors import RefusedError
from .site import Site

FORMAT = "surveyapp trail head 1"
HASH_LENGTH = 64


@dataclass(frozen=True)
class Checked:
    """What `audit verify` found: the trail's, then the sheets'; `fault` is the first bad row."""

    trail: Verified
    sheets: int
    unsealed: int
    fault: str | None


def verify(site: Site, known: Heads | None = None, tell: Tell = lambda _: None) -> Checked:
    """Check every chain, against heads kept outside if there are some, and then every sent sheet
    against what the trail says of it."""
    with site.database.read() as session:
        found = trail.verify(session, known, tell)
        if found.fault:
            return Checked(found, 0, 0, found.fault)
        sheets = seals.check(session)
        return Checked(found, sheets.whole, sheets.unsealed, sheets.fault)


def heads_now(site: Site) -> Heads:
    with site.database.read() as session:
        return trail.heads(session)


def as_text(heads: Heads, now: datetime) -> str:
    """The head file's content."""
    content = {
        "format": FORMAT,
        "made_at": now.isoformat(),
        "events": heads.events,
        "head": heads.head,
        "chains": {chain: list(last) for chain, last in sorted(heads.chains.items())},
    }
    return json.dumps(content, indent=1) + "\n"


def write_file(path: Path, text: str) -> None:
    """Write all of it or nothing, and wait for the disk. Raises OSError."""
    part = path.with_name(f".{path.name}.part")
    with part.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def read_file(path: Path) -> Heads:
    """The heads that a file holds. Raises RefusedError with a sentence."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RefusedError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise RefusedError(f"{path} is no head of a trail: it is not JSON.") from error
    heads = _heads(content)
    if heads is None:
        raise RefusedError(f"{path} is no head of a trail: it does not hold what one holds.")
    if over_all(heads.chains) != heads.head:
        raise RefusedError(f"{path} was changed: its chains do not give the head it names.")
    return heads


def _heads(content: object) -> Heads | None:
    if not isinstance(content, dict):
        return None
    held = cast(dict[str, Any], content)
    chains: Any = held.get("chains")
    if held.get("format") != FORMAT or not isinstance(chains, dict):
        return None
    found: dict[str, tuple[int, str]] = {}
    for chain, last in cast(dict[str, Any], chains).items():
        match last:
            case [int(seq), str(hash_)] if len(hash_) == HASH_LENGTH:
                found[chain] = seq, hash_
            case _:
                return None
    events, head = held.get("events"), held.get("head")
    if type(events) is not int or not isinstance(head, str):
        return None
    return Heads(events, head, found)
