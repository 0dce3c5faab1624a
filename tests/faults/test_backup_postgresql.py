"""Backups of PostgreSQL that fail: its tools, its passwords, and a database that is empty again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from surveyapp.config import Keys, Settings
from surveyapp.services.backup.faults import BackupError
from surveyapp.services.backup.making import make
from surveyapp.services.site import Site, assemble
from surveyapp.store import postgresql
from surveyapp.store.database import Database
from tests.backups import ACTOR, an_empty_place, packed, refuses, tools_first
from tests.conftest import NOON


@pytest.fixture
def on_postgresql(
    settings: Settings, keys: Keys, library: Any, migrated_postgresql_url: str
) -> Generator[Site]:
    database = Database(migrated_postgresql_url)
    yield assemble(settings, keys, database, library)
    database.close()


def another_head(said: dict[str, Any]) -> None:
    said["head"] = "0" * 64


def test_postgresql_is_left_empty_by_what_fails(
    on_postgresql: Site,
    postgresql_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tools_first(monkeypatch)
    site = on_postgresql
    archive = packed(site, tmp_path / "b.tgz")
    there = an_empty_place(site, tmp_path / "there", postgresql_url)
    refuses(site, there, archive.with_manifest(another_head), "The trail is not what")
    cut = [*archive.members[:2], (archive.members[2][0], archive.members[2][1][:9000])]

    def shorter(said: dict[str, Any]) -> None:
        said["members"][0].update(size=9000, sha256=_sha256(cut[2][1]))

    archive.members = cut
    refuses(site, there, archive.with_manifest(shorter), "pg_restore failed")
    assert not there.data_dir.exists()
    used = an_empty_place(site, tmp_path / "there", site.database.url.render_as_string(False))
    refuses(site, used, archive.path, "There is: table")


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def test_postgresql_without_its_tools_or_with_older_ones(
    on_postgresql: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    monkeypatch.setenv("PATH", str(tools))
    with pytest.raises(BackupError, match="pg_dump is not on the PATH"):
        make(on_postgresql, tmp_path / "b", None, actor=ACTOR, now=NOON)
    (tools / "pg_dump").write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.24'\n")
    (tools / "pg_dump").chmod(0o755)
    with pytest.raises(BackupError, match="is version 9 and the server is PostgreSQL"):
        make(on_postgresql, tmp_path / "b", None, actor=ACTOR, now=NOON)
    assert not (tmp_path / "b").exists()


def test_no_password_stands_on_a_command_line(
    on_postgresql: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools, told = tmp_path / "bin", tmp_path / "told"
    tools.mkdir()
    says = "case $1 in --version) echo 99;; *)"
    (tools / "pg_dump").write_text(f'#!/bin/sh\n{says} echo "$@ env $PGPASSWORD" >{told};; esac\n')
    (tools / "pg_dump").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    url = on_postgresql.database.url
    for secret in (url.set(password="s3cret"), url.update_query_dict({"password": "s3cret"})):
        database = Database(secret.render_as_string(hide_password=False))
        postgresql.dump(database, tmp_path / "dump")
        database.close()
        arguments, _, environment = told.read_text().partition(" env ")
        assert "s3cret" not in arguments
        assert environment.strip() == "s3cret"


def test_what_a_killed_drill_left_on_the_server_goes_with_the_next(on_postgresql: Site) -> None:
    left = "surveyapp_drill_0123456789ab"
    engine = on_postgresql.database.engine.execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {left}"))
    with postgresql.scratch(on_postgresql.database) as made:
        assert made is not None
        with engine.connect() as connection:
            query = "SELECT datname FROM pg_database WHERE datname LIKE 'surveyapp_drill%'"
            assert connection.scalars(text(query)).all() == [made.url.database]
