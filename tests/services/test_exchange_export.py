"""Export: whole, explained, checked by checksums, harmless in a spreadsheet, all or nothing."""

import csv
import subprocess
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from surveyapp.services import corrections, pressure, sheets, stopping
from surveyapp.services.corrections import Correcting
from surveyapp.services.errors import RefusedError
from surveyapp.services.exchange import export_folder, import_folder
from surveyapp.services.exchange.columns import TABLES
from surveyapp.services.pressure import NewReading
from surveyapp.services.sheets import NewSheet
from surveyapp.services.site import Site
from surveyapp.services.stopping import NewStop
from surveyapp.store import tables, tables_access
from tests.world import DOSING, add_course

COHORT = Path(__file__).parents[1] / "data" / "second-retreat"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name).open(newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "exports" / "november"


def test_everything_goes_out_and_the_checksums_hold(site: Site, out: Path) -> None:
    import_folder(site, COHORT, NOW)
    done = export_folder(site, out, NOW)
    assert done.rows["answers.csv"] == 1872
    counted = {table.name: len(rows(out, table.name)) for table in TABLES}
    assert counted == done.rows
    assert (counted["participants.csv"], counted["courses.csv"]) == (13, 26)
    assert (counted["assessments.csv"], counted["doses.csv"]) == (104, 33)
    assert counted["adverse_events.csv"] == 6
    checked = subprocess.run(
        ["sha256sum", "-c", "checksums.sha256"], cwd=out, capture_output=True, text=True, check=True
    )
    assert checked.stdout.count(": OK") == len(list(out.iterdir())) - 1


def test_values_days_and_scores_are_those_of_the_import(sqlite_site: Site, out: Path) -> None:
    import_folder(sqlite_site, COHORT, NOW)
    export_folder(sqlite_site, out, NOW)
    given = rows(COHORT, "responses.csv")
    key = ("participant", "course", "timepoint", "instrument", "item", "value")
    exported = {tuple(row[k] for k in key) for row in rows(out, "answers.csv")}
    assert exported == {tuple(row[k] for k in key) for row in given}
    first = rows(out, "assessments.csv")[0]
    assert first["submitted_at"] == "2025-03-09T03:27:00Z"
    assert first["submitted_local"] == "2025-03-08T19:27:00-08:00"
    assert (first["days_after_dose"], first["marks"]) == ("-7", "")
    totals = [
        float(row["value"])
        for row in rows(out, "scores.csv")
        if (row["course"], row["timepoint"], row["scale"]) == ("2", "baseline", "total")
    ]
    assert sum(totals) == 196


def test_a_stranger_finds_every_name_in_the_codebook(sqlite_site: Site, out: Path) -> None:
    import_folder(sqlite_site, COHORT, NOW)
    export_folder(sqlite_site, out, NOW)
    book = {(r["about"], r["of"], r["name"]) for r in rows(out, "codebook.csv")}
    text = (out / "codebook.md").read_text()
    for path in out.glob("*.csv"):
        if path.name == "codebook.csv":
            continue
        assert ("file", "", path.name) in book
        with path.open(newline="") as lines:
            for column in next(csv.reader(lines)):
                assert ("column", path.name, column) in book
                assert f"| `{column}` |" in text
    for row in rows(out, "scores.csv"):
        assert (row["kind"], row["instrument"], row["scale"]) in book
        band = ("band", f"{row['instrument']} {row['scale']}", row["band"])
        assert not row["band"] or band in book
    for row in rows(out, "answers.csv"):
        assert ("item", row["instrument"], row["item"]) in book
    for row in rows(out, "assessments.csv"):
        assert ("timepoint", "second-retreat", row["timepoint"]) in book
    for needed in ("half rule", "Mapi Research Trust", "key version 1", "at least 12 of 15"):
        assert needed in text
    assert "Not the HADS, not validated, not for anyone's care" in text


def test_no_question_text_and_no_contact_goes_out(sqlite_site: Site, out: Path) -> None:
    import_folder(sqlite_site, COHORT, NOW)
    with sqlite_site.database.write() as session:
        sealed = sqlite_site.vault.seal("ada@example.org", "1|email")
        session.add(
            tables.Contact(
                participant_id=1,
                kind="email",
                sealed=sealed.text,
                key_version=sealed.key_version,
                lookup=sqlite_site.vault.lookup("ada@example.org"),
            )
        )
    export_folder(sqlite_site, out, NOW)
    everything = b"".join(path.read_bytes() for path in out.iterdir())
    assert b"ada@" not in everything
    assert sealed.text.encode() not in everything
    stem = sqlite_site.library.instruments["hads"].wording("en").stem
    assert stem
    assert stem.encode() not in everything


def test_formulas_are_escaped_in_texts_and_never_in_numbers(sqlite_site: Site, out: Path) -> None:
    import_folder(sqlite_site, COHORT, NOW)
    with sqlite_site.database.write() as session:
        event = session.scalars(select(tables.AdverseEvent).limit(1)).one()
        event.term, event.relatedness = "=cmd|' /C calc'!A0", "@SUM(1)"
    export_folder(sqlite_site, out, NOW)
    event_row = rows(out, "adverse_events.csv")[0]
    assert event_row["term"] == "'=cmd|' /C calc'!A0"
    assert event_row["relatedness"] == "'@SUM(1)"
    days = {row["days_after_dose"] for row in rows(out, "assessments.csv")}
    assert "-7" in days


def test_prompts_carry_their_reason_and_local_time(sqlite_site: Site, out: Path) -> None:
    import_folder(sqlite_site, COHORT, NOW)
    with sqlite_site.database.write() as session:
        session.add(
            tables.PromptRow(
                course_id=1,
                timepoint="week-24",
                number=0,
                revision=0,
                due_at=datetime(2025, 8, 30, 17, tzinfo=UTC),
                status="skipped",
                reason="already answered",
                updated_at=NOW,
            )
        )
    export_folder(sqlite_site, out, NOW)
    (prompt,) = [row for row in rows(out, "prompts.csv") if row["updated_at"]]
    assert prompt["due_local"] == "2025-08-30T10:00:00-07:00"
    assert (prompt["days_after_dose"], prompt["status"]) == ("168", "skipped")
    assert prompt["reason"] == "already answered"


def test_drafts_and_people_without_course_go_out_too(sqlite_site: Site, out: Path) -> None:
    import_folder(sqlite_site, COHORT, NOW)
    with sqlite_site.database.write() as session:
        zone = "Europe/Amsterdam"
        session.add(tables.Participant(code="Z-1", time_zone=zone, created_at=NOW))
        draft = session.scalars(select(tables.Assessment).limit(1)).one()
        draft.submitted_at = None
        consent = {"course_id": 1, "scope": "answers only", "recorded_by": "admin@localhost"}
        session.add(tables.Consent(**consent, given_on=date(2025, 2, 1), recorded_at=NOW))
    export_folder(sqlite_site, out, NOW)
    alone = rows(out, "participants.csv")[-1]
    assert (alone["participant"], alone["courses"]) == ("Z-1", "0")
    first = rows(out, "assessments.csv")[0]
    assert (first["submitted_at"], first["days_after_dose"], first["marks"]) == ("", "", "")
    course = rows(out, "courses.csv")[0]
    assert (course["consent_on"], course["consent_scope"]) == ("2025-02-01", "answers only")


def test_an_empty_database_gives_headers_alone(sqlite_site: Site, out: Path) -> None:
    done = export_folder(sqlite_site, out, NOW)
    assert set(done.rows.values()) == {0}
    assert rows(out, "answers.csv") == []


def test_an_empty_folder_is_taken_and_a_full_one_is_not(sqlite_site: Site, out: Path) -> None:
    out.mkdir(parents=True)
    export_folder(sqlite_site, out, NOW)
    before = {path: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(RefusedError, match="is not empty"):
        export_folder(sqlite_site, out, NOW)
    assert {path: path.read_bytes() for path in out.iterdir()} == before
    assert [path.name for path in out.parent.iterdir()] == [out.name]
    with pytest.raises(RefusedError, match="is a file"):
        export_folder(sqlite_site, out / "answers.csv", NOW)


def test_a_place_that_cannot_be_written_leaves_nothing(sqlite_site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RefusedError, match="cannot be written"):
        export_folder(sqlite_site, tmp_path / "file" / "out", NOW)


def test_the_trail_keeps_what_was_exported(sqlite_site: Site, out: Path) -> None:
    export_folder(sqlite_site, out, NOW, actor="admin@localhost")
    with sqlite_site.database.read() as session:
        event = session.scalars(select(tables_access.Event)).one()
    assert (event.kind, event.actor) == ("data exported", "admin@localhost")


def test_every_prompt_has_its_state_in_words_also_those_to_come(
    sqlite_site: Site, out: Path
) -> None:
    add_course(sqlite_site)
    wish = NewStop("paused", until=date(2027, 3, 12))
    at = datetime(2027, 3, 9, 9, tzinfo=UTC)
    stopping.record_stop(sqlite_site, "P-01", 1, wish, actor="staff:1", now=at)
    export_folder(sqlite_site, out, at)
    told = [
        (r["timepoint"], r["number"], r["status"], r["reason"]) for r in rows(out, "prompts.csv")
    ]
    assert told[:3] == [
        ("baseline", "0", "held", "paused until Fri 12 Mar 2027"),
        ("baseline", "1", "planned", ""),
        ("baseline", "2", "planned", ""),
    ]
    assert {row[2:] for row in told[3:]} == {("held", "the dosing day is not confirmed")}
    (stop,) = rows(out, "stops.csv")
    assert (stop["kind"], stop["until"], stop["recorded_by"]) == ("paused", "2027-03-12", "staff")


def test_readings_alerts_and_corrections_go_out(site: Site, out: Path) -> None:
    add_course(site, confirmed=True)
    by: dict[str, Any] = {"actor": "staff:1", "now": datetime(2027, 3, 29, 12, tzinfo=UTC)}
    day_8 = ("P-01", 1, "day-8", "hads")
    items = {item.id: 3 for item in site.library.instruments["hads"].items}
    sheet = NewSheet({**items}, "paper", date(2027, 3, 28))
    sheets.enter_sheet(site, *day_8, sheet, **by)
    new = Correcting({**items, "1": 2}, "=typed wrongly", 0)
    corrections.correct(site, *day_8, new, **by)
    reading = NewReading(142, 88, None, DOSING, time(10, 30))
    pressure.add_reading(site, "P-01", 1, reading, **by)
    export_folder(site, out, NOW)
    (pressed,) = rows(out, "blood_pressure.csv")
    assert (pressed["systolic"], pressed["pulse"]) == ("142", "")
    (corrected,) = rows(out, "corrections.csv")
    assert (corrected["old_value"], corrected["new_value"]) == ("3", "2")
    assert corrected["reason"] == "'=typed wrongly"
    assert {row["rule"] for row in rows(out, "alerts.csv")} == {"case range"}
