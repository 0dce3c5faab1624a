"""An analyst's export: from the page to the file, what is in it, and for whom."""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from surveyapp.services.errors import InputError, NotFoundError
from surveyapp.services.exchange import export_folder, packing
from surveyapp.services.exchange.columns import TABLES
from surveyapp.services.exchange.exporting import Part
from surveyapp.services.exchange.pseudonymous import FREE, PSEUDONYMOUS
from surveyapp.store.tables import AdverseEvent, Consent, DoseRow, PromptRow
from surveyapp.store.tables_access import Event, EventPayload
from surveyapp.store.tables_care import Alert, BloodPressure, Correction
from surveyapp.store.tables_group import Attendance, MissingForm, Note
from surveyapp.store.tables_reach import Stop
from tests.browser.conftest import DAY_8
from tests.strangers import BOTH, ELSEWHERE, OWN, STRANGER, every_address
from tests.waiting import wait_for
from tests.web.stage import Stage
from tests.web.test_scoping import account_id

PAGE = "/staff/export"
WORDS = "in words of its own"


def unpacked(body: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(body)) as packed:
        return {name: packed.read(name).decode() for name in packed.namelist()}


def rows(files: Mapping[str, str], name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(files[name])))


def write_words(stage: Stage) -> None:
    """Free words in every column that takes them."""
    with stage.site.database.write() as session:
        for table, column in ((t, c) for t in WITH_WORDS for c in WITH_WORDS[t]):
            for row in session.scalars(select(table)):
                setattr(row, column, WORDS)


WITH_WORDS: dict[Any, tuple[str, ...]] = {
    Note: ("text",),
    Consent: ("taken_by",),
    Correction: ("reason",),
    DoseRow: ("reason",),
    AdverseEvent: ("note",),
    BloodPressure: ("withdrawn_why",),
    Alert: ("action", "outcome"),
    Attendance: ("note",),
    MissingForm: ("note",),
    PromptRow: ("reason",),
    Stop: ("reason", "undone_why"),
}


def test_from_the_page_to_the_file(stage: Stage) -> None:
    start = stage.ask("analyst", "GET", "/staff/")
    assert start.location.endswith("/staff/analysis")
    assert "Retreat PDF" in stage.page("analyst", "/staff/analysis")
    assert "None is there" in stage.page("analyst", f"{PAGE}/progress")
    nothing = stage.act("analyst", PAGE, {"what": "picked"})
    assert nothing.status_code == 400
    assert packing.CHOOSE in nothing.get_data(as_text=True)
    begun = stage.act("analyst", PAGE, {"what": "practice"})
    assert begun.location.endswith("/export/progress")
    wait_for(lambda: "Download the ZIP" in stage.page("analyst", f"{PAGE}/progress"))
    with stage.ask("analyst", "GET", f"{PAGE}/data.zip") as fetched:
        assert fetched.mimetype == "application/zip"
        files = unpacked(fetched.data)
    assert {r["retreat"] for r in rows(files, "courses.csv")} > {ELSEWHERE, "Winter 2026"}
    for line in files["checksums.sha256"].splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256(files[name].encode()).hexdigest() == digest
    # Another analyst has a folder of their own, and nothing is kept for long.
    assert stage.ask("everything", "GET", f"{PAGE}/data.zip").status_code == 404
    later, who = DAY_8 + timedelta(days=1), account_id(stage, "analyst")
    assert packing.progress(stage.site, who, later) is None
    wait_for(lambda: not tidied(stage, later))


def tidied(stage: Stage, now: datetime) -> list[Path]:
    """What is left; whoever made it may hold its folder for another moment."""
    packing.tidy(stage.site, now)
    return list((stage.site.settings.data_dir / "exports").iterdir())


def test_the_trail_names_what_was_exported_and_by_whom(stage: Stage, tmp_path: Path) -> None:
    part = Part(frozenset({1, 3}), PSEUDONYMOUS)
    packing.make_zip(stage.site, tmp_path / "a.zip", part, actor="staff:4", now=DAY_8)
    with stage.site.database.read() as session:
        query = select(Event, EventPayload).join(EventPayload)
        found = [(e, p) for e, p in session.execute(query) if e.kind == "data exported"]
    event, payload = found[-1]
    assert event.actor == "staff:4"
    assert '"retreats"' in payload.payload
    assert "answers.csv" in payload.payload


def test_no_address_and_no_free_word_is_in_it(stage: Stage, tmp_path: Path) -> None:
    write_words(stage)
    part = Part(None, PSEUDONYMOUS)
    packing.make_zip(stage.site, tmp_path / "a.zip", part, actor="staff:4", now=DAY_8)
    files = unpacked((tmp_path / "a.zip").read_bytes())
    text = "\n".join(files.values())
    assert [words for words in {*every_address(stage.site), WORDS} if words in text] == []
    for name, column in FREE:
        assert column not in files[name].partition("\n")[0].split(",")
        assert (name, column) not in {(r["of"], r["name"]) for r in rows(files, "codebook.csv")}
    assert {(t.name, c.name) for t in TABLES for c in t.columns} >= FREE
    assert {t.name for t in PSEUDONYMOUS} == {t.name for t in TABLES}


@pytest.mark.parametrize("meaning", ["In staff's words.", "Why, as typed."])
def test_every_column_of_staffs_words_is_left_out(meaning: str) -> None:
    free = {(t.name, c.name) for t in TABLES for c in t.columns if c.meaning == meaning}
    assert free
    assert free <= FREE


def test_chosen_retreats_are_all_there_is(stage: Stage, tmp_path: Path) -> None:
    scope = frozenset({2})
    export_folder(stage.site, tmp_path / "part", DAY_8, part=Part(scope))
    export_folder(stage.site, tmp_path / "all", DAY_8)
    part, whole = (read(tmp_path / name) for name in ("part", "all"))
    assert {r["retreat"] for r in rows(part, "courses.csv")} == {"Winter 2026"}
    assert {r["retreat"] for r in rows(part, "sessions.csv")} == {"Winter 2026"}
    assert STRANGER not in "".join(part.values())
    # What is there is the same to the letter, marks that look at another course included.
    ours = {(r["participant"], r["course"]) for r in rows(part, "courses.csv")}
    assert (BOTH, "2") in ours
    assert (BOTH, "3") not in ours
    for name in ("assessments.csv", "scores.csv", "answers.csv", "doses.csv", "adverse_events.csv"):
        expected = [r for r in rows(whole, name) if (r["participant"], r["course"]) in ours]
        assert rows(part, name) == expected
        assert expected


def read(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in folder.iterdir()}


def test_nobody_chooses_what_is_not_theirs(stage: Stage) -> None:
    site, scope = stage.site, frozenset(OWN)
    foreign = stage.foreign["retreat_id"]
    assert packing.chosen(site, "practice", (), scope) == scope
    assert packing.chosen(site, "practice", (), None) == scope | {foreign}
    assert packing.chosen(site, "picked", [1, foreign], scope) == {1}
    for what, picked in (("picked", [foreign]), ("picked", []), ("live", []), ("", [])):
        with pytest.raises(InputError):
            packing.chosen(site, what, picked, scope)
    page = stage.act("member", PAGE, {"what": "picked", "retreats": str(foreign)})
    assert page.status_code == 400
    assert ELSEWHERE not in page.get_data(as_text=True)


def test_a_retreat_that_is_taken_away_takes_the_file_with_it(stage: Stage) -> None:
    folder = stage.site.settings.data_dir / "exports" / "77"
    folder.mkdir(parents=True)
    told = packing.Progress(DAY_8.isoformat(), (1, 2), finished=True)
    packing.aside.write_state(folder, vars(told))
    (folder / packing.aside.LOCK).touch()
    (folder / packing.ZIP).write_bytes(b"x")
    assert packing.zip_of(stage.site, 77, frozenset({1, 2, 3}), DAY_8)
    with pytest.raises(NotFoundError):
        packing.zip_of(stage.site, 77, frozenset({1, 3}), DAY_8)
