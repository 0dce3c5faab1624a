"""Contact keys: a new one while all runs, everything sealed anew, and the sheet on paper."""

from __future__ import annotations

import io
import os
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pypdf
import pytest
from sqlalchemy import update
from sqlmodel import SQLModel, col

from surveyapp.cli import main
from surveyapp.config import Keys, Settings, load_keys, write_contact_keys
from surveyapp.services import keys, keysheet
from surveyapp.services.errors import InputError, RefusedError
from surveyapp.services.site import Site, assemble
from surveyapp.store import contacts, pins, sealed
from surveyapp.store.columns import table_of
from surveyapp.store.tables import Contact
from surveyapp.store.vault import CannotOpenError, key_version
from tests.conftest import NOON
from tests.world import add_course

BY: Any = {"actor": "command line", "now": NOON}


@pytest.fixture
def peopled(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Five people with an address and a PIN; slices of two, so that there are several."""
    monkeypatch.setattr(sealed, "SLICE", 2)
    for n in range(5):
        add_course(site, f"P-0{n}", address=f"p{n}@example.org")
    with site.database.write() as session:
        for person in range(1, 6):
            pins.put_pin(session, site.vault, person, f"000{person}", asked=False, now=NOON)
    return site


def address(site: Site, person: int) -> str:
    with site.database.read() as session:
        found = contacts.contact_of(session, site.vault, person, contacts.EMAIL)
        assert found is not None
        return found.value


def digits(site: Site, person: int) -> str:
    with site.database.read() as session:
        pin = pins.find_pin(session, person)
        assert pin is not None
        return pins.digits_of(site.vault, pin)


def fields(site: Site) -> dict[str, int]:
    return {line.version: line.fields for line in keys.listed(site)}


def test_a_key_is_added_used_and_the_old_one_retired(peopled: Site) -> None:
    (old,) = fields(peopled)
    new = keys.add_key(peopled, **BY)
    assert fields(peopled) == {new: 0, old: 10}
    with pytest.raises(RefusedError, match="10 fields are sealed under"):
        keys.retire(peopled, old, **BY)
    with pytest.raises(RefusedError, match="is the newest key"):
        keys.retire(peopled, new, **BY)
    told: list[int] = []
    done = keys.rotate(peopled, **BY, tell=told.append)
    assert (done.fields, done.unreadable, told[-1]) == (10, 0, 10)
    assert len(told) > 5
    assert fields(peopled) == {new: 10, old: 0}
    keys.retire(peopled, old, **BY)
    assert fields(peopled) == {new: 10}
    with pytest.raises(InputError, match="There is no contact key"):
        keys.retire(peopled, old, **BY)
    again = assemble(
        peopled.settings, load_keys(peopled.settings), peopled.database, peopled.library
    )
    assert (address(again, 3), digits(again, 3)) == ("p2@example.org", "0003")
    assert keys.rotate(again, **BY).fields == 0


def test_a_process_that_runs_sees_the_new_key(peopled: Site) -> None:
    """One site stands for `serve`, another for the command; neither is started again."""
    serving = assemble(
        peopled.settings, load_keys(peopled.settings), peopled.database, peopled.library
    )
    assert address(serving, 1) == "p0@example.org"
    new = keys.add_key(peopled, **BY)
    keys.rotate(peopled, **BY)
    assert address(serving, 1) == "p0@example.org"
    add_course(serving, "P-09", address="p9@example.org")
    assert fields(peopled)[new] == 11
    assert serving.vault.newest == new


def test_it_goes_on_where_it_was_stopped(peopled: Site) -> None:
    new = keys.add_key(peopled, **BY)

    def stop(count: int) -> None:
        if count == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        keys.rotate(peopled, **BY, tell=stop)
    assert fields(peopled)[new] == 4
    assert keys.rotate(peopled, **BY).fields == 6
    assert [address(peopled, n) for n in range(1, 6)] == [f"p{n}@example.org" for n in range(5)]


def test_what_changes_meanwhile_wins(peopled: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    keys.add_key(peopled, **BY)
    older: Callable[..., Any] = vars(sealed)["_older"]

    def slowly(session: Any, *more: Any) -> Any:
        """Somebody else writes between reading and replacing; here in the same transaction."""
        rows = older(session, *more)
        if more[1].model is Contact:
            contacts.put_email(session, peopled.vault, 1, "newer@example.org")
            session.flush()
        return rows

    monkeypatch.setattr(sealed, "_older", slowly)
    keys.rotate(peopled, **BY)
    assert address(peopled, 1) == "newer@example.org"


def test_what_cannot_be_read_is_counted_and_left(peopled: Site) -> None:
    with peopled.database.write() as session:
        session.execute(
            update(Contact).where(col(Contact.participant_id) == 2).values(key_version="0" * 12)
        )
    keys.add_key(peopled, **BY)
    done = keys.rotate(peopled, **BY)
    assert (done.fields, done.unreadable) == (9, 1)
    assert [(line.place, line.fields) for line in keys.listed(peopled)][-1] == (keys.LOST, 1)
    with pytest.raises(CannotOpenError):
        address(peopled, 2)


def test_keys_from_the_environment_are_only_told(sqlite_site: Site) -> None:
    given = sqlite_site.settings.model_copy(update={"contact_keys": "A" * 43 + "="})
    site = replace(sqlite_site, settings=given)
    with pytest.raises(RefusedError, match="Set it to this") as told:
        keys.add_key(site, **BY)
    assert str(told.value).splitlines()[-1].endswith(" " + "A" * 43 + "=")


def test_a_key_file_that_cannot_be_written_stays(settings: Settings) -> None:
    path = settings.keys_folder / "contact_keys"
    before = path.read_text()
    (settings.keys_folder / f".contact_keys.{os.getpid()}").mkdir()
    with pytest.raises(ValueError, match="cannot be written"):
        write_contact_keys(settings, (secrets.token_bytes(32),))
    assert path.read_text() == before


def test_every_sealed_column_is_rotated() -> None:
    tables = SQLModel.metadata.tables.values()
    holding = {t.name for t in tables for c in t.columns if "sealed" in c.name}
    apart = {"second_factor"}  # under a key that is derived from the secret key, and never rotated
    assert holding - apart == {table_of(c.model).name for c in sealed.SEALED}


# The sheet --------------------------------------------------------------------------------


def sheet_lines(found: Keys) -> list[str]:
    return [line for key in keysheet.printed(found) for line in key.lines]


def test_the_sheet_brings_every_key_back() -> None:
    for length in (32, 33, 44, 57):
        found = Keys(secrets.token_urlsafe(64)[:length].encode(), (secrets.token_bytes(32),) * 2)
        lines = sheet_lines(found)
        assert keysheet.read_lines(lines) == found
        assert keysheet.read_lines(reversed([line.lower() for line in lines])) == found


def test_a_mistyped_line_is_named(keys: Keys) -> None:
    lines = sheet_lines(keys)
    label, first, *rest = lines[2].split()
    wrong = " ".join([label, ("0" if first[0] != "0" else "1") + first[1:], *rest])
    with pytest.raises(InputError, match="Line 3: S3/5 is not as it was printed") as told:
        keysheet.read_lines([*lines[:2], wrong, *lines[3:]])
    assert "Line S3/5 is missing or wrong." in told.value.problems.values()
    with pytest.raises(InputError, match="Line A2/4 is missing or wrong"):
        keysheet.read_lines([line for line in lines if not line.startswith("A2")])
    with pytest.raises(InputError, match="is not how a line begins"):
        keysheet.read_lines(["hello", *lines])
    with pytest.raises(InputError, match="lines of S and of A"):
        keysheet.read_lines([])


def test_the_sheet_is_a_pdf_with_its_lines(keys: Keys) -> None:
    body = keysheet.sheet_pdf(keys, "Check-ins", date(2027, 3, 1))
    pages = pypdf.PdfReader(io.BytesIO(body)).pages
    text = " ".join(" ".join(page.extract_text() for page in pages).split())
    for line in sheet_lines(keys):
        assert " ".join(line.split()) in text
    assert key_version(keys.contact[0]) in text
    assert sum(len(page.images) for page in pages) == 0  # codes are drawn, not pictures


def test_keys_are_written_back_but_never_over_others(settings: Settings, keys: Keys) -> None:
    folder = settings.keys_folder
    assert len(keysheet.restore(settings, keys)) == 2
    other = Keys(keys.secret, (secrets.token_bytes(32),))
    with pytest.raises(RefusedError, match="holds other keys"):
        keysheet.restore(settings, other)
    for path in list(folder.iterdir()):
        path.unlink()
    keysheet.restore(settings, keys)
    assert load_keys(settings) == keys
    assert {p.stat().st_mode & 0o777 for p in folder.iterdir()} == {0o600}


def test_the_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [n for n in os.environ if n.startswith("SURVEYAPP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SURVEYAPP_DATA_DIR", str(tmp_path / "data"))
    main(["init"])
    capsys.readouterr()
    assert main(["keys", "new"]) == 0
    new = capsys.readouterr().out.strip()
    assert main(["keys", "rotate"]) == 0
    assert new in capsys.readouterr().out
    assert main(["keys", "list"]) == 0
    old = capsys.readouterr().out.splitlines()[1].split()[0]
    assert main(["keys", "retire", new]) == 1
    assert main(["keys", "retire", "nothing"]) == 2
    assert main(["keys", "retire", old]) == 0
    sheet = tmp_path / "sheet.pdf"
    assert main(["keys", "sheet", "-o", str(sheet)]) == 0
    assert sheet.stat().st_mode & 0o777 == 0o600
    assert main(["keys", "sheet", "-o", str(sheet)]) == 2
    found = load_keys(Settings(data_dir=tmp_path / "data"))
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(sheet_lines(found))))
    capsys.readouterr()
    assert main(["keys", "restore-sheet"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
