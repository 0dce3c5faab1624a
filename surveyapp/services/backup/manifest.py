"""The manifest: what a backup holds and what must be true once it is put back."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from .faults import BackupError, UnfitError

PRODUCT, FORMAT = "surveyapp", 1
MANIFEST, SEAL, DATABASE = "manifest.json", "manifest.seal", "database"
SQLITE, POSTGRESQL = "sqlite", "postgresql"
PURPOSE = "backups"
KEPT_FOLDERS = ("wordings",)
"""Folders of the data folder that belong to a backup: never keys, drafts, PDFs or the ledger."""

_MEMBER = re.compile(r"database|file-\d{4,6}")
_PART = re.compile(r"[^/\\\x00-\x1f]{1,255}")


@dataclass(frozen=True)
class Member:
    """One file: its name in the archive, bytes, SHA-256, and where it goes below the data folder
    (empty: the database)."""

    name: str
    size: int
    sha256: str
    path: str = ""


@dataclass(frozen=True)
class Manifest:
    """`counts` are rows by table; `fault` is the trail's first bad row, if it had one already;
    `contact_keys` are names of the keys that contacts were sealed with."""

    version: str
    made_at: datetime
    database: str
    schema: str
    mark: str
    counts: Mapping[str, int]
    events: int
    chains: int
    head: str
    fault: str
    contact_keys: tuple[str, ...]
    members: tuple[Member, ...]

    @property
    def size(self) -> int:
        """Of everything in it, in bytes."""
        return sum(member.size for member in self.members)


def to_bytes(manifest: Manifest) -> bytes:
    body: dict[str, object] = {"product": PRODUCT, "format": FORMAT, **asdict(manifest)}
    body["made_at"] = manifest.made_at.isoformat()
    return json.dumps(body, indent=1, sort_keys=True).encode()


def seal(body: bytes, key: bytes) -> bytes:
    """What only an installation with this key can have written under a manifest."""
    return hmac.new(key, body, hashlib.sha256).hexdigest().encode()


def from_bytes(body: bytes) -> Manifest:
    """Raises UnfitError for another product's or a newer format, BackupError for nonsense."""
    try:
        found: dict[str, Any] = json.loads(body)
        if found.get("product") != PRODUCT:
            raise UnfitError("This is not a backup of surveyapp.")
        if found.get("format") != FORMAT:
            raise UnfitError(
                f"The backup has the format {found.get('format')!r}, made by surveyapp "
                f"{found.get('version')}; this program reads format {FORMAT}."
            )
        return _checked(_manifest(found))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackupError("The backup's manifest is damaged.") from error


def _manifest(found: dict[str, Any]) -> Manifest:
    made = {name: found[name] for name in Manifest.__dataclass_fields__}
    made["made_at"] = datetime.fromisoformat(found["made_at"])
    made["contact_keys"] = tuple(str(name) for name in found["contact_keys"])
    made["counts"] = {str(name): int(count) for name, count in found["counts"].items()}
    made["members"] = tuple(Member(**member) for member in found["members"])
    return Manifest(**made)


def _checked(manifest: Manifest) -> Manifest:
    members = manifest.members
    sound = (
        manifest.made_at.tzinfo is not None
        and manifest.database in (SQLITE, POSTGRESQL)
        and [m.name for m in members][:1] == [DATABASE]
        and len({m.name for m in members}) == len(members)
        and len({m.path for m in members}) == len(members)
        and all(_is_sound(m) for m in members)
    )
    if not sound:
        raise ValueError("members")
    return manifest


def _is_sound(member: Member) -> bool:
    """Nothing in it leads out of the data folder."""
    if not _MEMBER.fullmatch(member.name) or type(member.size) is not int or member.size < 0:
        return False
    return member.path == "" if member.name == DATABASE else is_kept(member.path)


def is_kept(path: str) -> bool:
    """Whether a path below the data folder is one that backups hold."""
    first, *rest = path.split("/")
    sound = all(_PART.fullmatch(part) and part not in (".", "..") for part in rest)
    return first in KEPT_FOLDERS and bool(rest) and sound
