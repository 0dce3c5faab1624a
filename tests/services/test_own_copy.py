"""A person's own copy: everything that hangs on them, in words, and nothing of others."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from surveyapp.cli import main
from surveyapp.services import owncopy
from surveyapp.services.errors import NotFoundError
from surveyapp.services.people import NewPerson, add_people
from surveyapp.services.site import Site
from surveyapp.store import belongings
from surveyapp.store.tables_access import Event
from tests.wholly import ADDRESS, AT, CODE, NOTE, NUMBER, OTHER, add_mentions, add_wholly

LATER = AT + timedelta(days=1)
BY: Any = {"actor": "staff:2", "now": LATER}


def opened(body: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_everything_that_hangs_on_the_person_is_in_it(sqlite_site: Site) -> None:
    add_wholly(sqlite_site)
    add_mentions(sqlite_site)
    files = opened(owncopy.own_copy(sqlite_site, CODE, **BY))
    assert set(files) == {"data.json", "report.pdf", "read-me.txt"}
    assert files["report.pdf"].startswith(b"%PDF")
    data = json.loads(files["data.json"])
    assert data["contact"] == {"email": ADDRESS, "phone": NUMBER}
    held = {entry["about"]: entry["rows"] for entry in data["held"]}
    out = {*owncopy.LEFT_OUT, "contact"}
    expected = {w for name, w in belongings.WORDS.items() if name not in out}
    assert set(held) == expected
    (answer,) = held["answers"]
    assert answer["value"] == 2
    asked = {i.id: i.topic for i in sqlite_site.library.instruments["hads"].items}
    assert answer["topic"] == asked["1"]
    assert held["notes and intentions"][0]["text"] == NOTE
    assert any(event["what"] == "note written" for event in data["history"])
    text = files["data.json"].decode()
    assert OTHER not in text.replace(CODE, "")
    for secret in ("sha256", "lookup", "sealed", "90210"):
        assert secret not in text
    assert CODE in files["read-me.txt"].decode()
    with sqlite_site.database.read() as session:
        made = session.scalars(select(Event).where(col(Event.kind) == "own copy made")).all()
    assert [event.actor for event in made] == ["staff:2"]
    sqlite_site.renderer.close()


def test_somebody_of_whom_little_is_known(sqlite_site: Site) -> None:
    from_nothing = add_wholly(sqlite_site)
    assert from_nothing
    add_people(sqlite_site, 1, [NewPerson("New-1")], actor="staff:1", now=AT)
    files = opened(owncopy.own_copy(sqlite_site, "New-1", **BY))
    assert json.loads(files["data.json"])["contact"] == {}
    with pytest.raises(NotFoundError):
        owncopy.own_copy(sqlite_site, "Nobody", **BY)
    sqlite_site.renderer.close()


def test_the_command_writes_a_file_of_its_owner(
    sqlite_site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_wholly(sqlite_site)
    monkeypatch.setenv("SURVEYAPP_DATABASE_URL", str(sqlite_site.database.url))
    monkeypatch.setenv("SURVEYAPP_DATA_DIR", str(sqlite_site.settings.data_dir))
    path = tmp_path / "copy.zip"
    assert main(["copy", CODE, "-o", str(path)]) == 0
    assert path.stat().st_mode & 0o777 == 0o600
    assert "data.json" in opened(path.read_bytes())
    assert main(["copy", "Nobody", "-o", str(path)]) == 2
    assert main(["copy", CODE, "-o", str(tmp_path / "none" / "copy.zip")]) == 2
