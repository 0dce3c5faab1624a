"""Import: the shared cohort, again, and everything that can be wrong with files."""

import csv
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from surveyapp.services.exchange import BadFilesError, Imported, import_folder
from surveyapp.services.site import Site
from surveyapp.store import tables, tables_access, trail
from surveyapp.store.facts import course_contexts
from surveyapp.store.windows import window_rows

COHORT = Path(__file__).parents[1] / "data" / "second-retreat"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)

NOTHING = Imported(0, 0, 0, 0, 0, 0)
Edit = Callable[[list[list[str]]], None]


def counts(site: Site) -> dict[str, int]:
    """How many rows every table has."""
    with site.database.read() as session:
        return {
            name: session.scalar(select(func.count()).select_from(table)) or 0
            for name, table in tables.SQLModel.metadata.tables.items()
        }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the cohort that a test may spoil."""
    return Path(shutil.copytree(COHORT, tmp_path / "cohort"))


def edit(path: Path, change: Edit) -> None:
    """Change the rows of a CSV file; row 0 is the header, so row n stands on line n + 1."""
    with path.open(newline="") as lines:
        rows = list(csv.reader(lines))
    change(rows)
    with path.open("w", newline="") as lines:
        csv.writer(lines, lineterminator="\n").writerows(rows)


def put(path: Path, line: int, column: str, value: str) -> None:
    def change(rows: list[list[str]]) -> None:
        rows[line - 1][rows[0].index(column)] = value

    edit(path, change)


def faults(site: Site, folder: Path) -> tuple[str, ...]:
    """What the import says, having changed nothing."""
    before = counts(site)
    with pytest.raises(BadFilesError) as caught:
        import_folder(site, folder, NOW)
    assert counts(site) == before
    return caught.value.faults


def test_the_cohort_comes_in_whole(site: Site) -> None:
    done = import_folder(site, COHORT, NOW)
    assert (done.participants, done.courses, done.sheets) == (13, 26, 104)
    assert (done.answers, done.events) == (1872, 6)
    found = counts(site)
    assert (found["study"], found["retreat"], found["dose"]) == (1, 2, 33)
    with site.database.read() as session:
        assert trail.verify(session).fault is None


def test_the_same_data_again_change_nothing(site: Site) -> None:
    import_folder(site, COHORT, NOW)
    before = counts(site)
    again = import_folder(site, COHORT, NOW)
    assert again == NOTHING
    assert not again.anything
    assert counts(site) == before


def test_imported_courses_are_confirmed_and_never_plan_a_prompt(site: Site) -> None:
    import_folder(site, COHORT, NOW)
    with site.database.read() as session:
        contexts = course_contexts(session, site.library, range(1, 27))
        rows = session.scalars(select(tables.WindowRow)).all()
    assert all(a.confirmed for c in contexts for a in c.facts.anchors.values())
    assert len(rows) == 26 * 3
    assert {row.next_prompt for row in rows} == {None}
    derived = [row for context in contexts for row in window_rows(context)]
    assert sorted(d["opens_at"] for d in derived) == sorted(r.opens_at for r in rows)


def test_times_without_zone_are_the_participants(site: Site, folder: Path) -> None:
    put(folder / "adverse_events.csv", 2, "started_at", "2026-02-14T12:00:00+01:00")
    import_folder(site, folder, NOW)
    with site.database.read() as session:
        events = session.scalars(select(tables.AdverseEvent).order_by(tables.AdverseEvent.id))
        starts = [event.started_at for event in events]
    assert starts[0] == datetime(2026, 2, 14, 11, tzinfo=UTC)
    assert starts[1] == datetime(2026, 2, 14, 19, tzinfo=UTC)


def test_more_data_of_the_same_people_are_added(site: Site, folder: Path) -> None:
    edit(folder / "responses.csv", lambda rows: rows.__delitem__(slice(937, None)))
    (folder / "adverse_events.csv").unlink()
    first = import_folder(site, folder, NOW)
    second = import_folder(site, COHORT, NOW)
    assert first.events == 0
    assert (second.participants, second.courses, second.events) == (0, 0, 6)
    assert first.answers + second.answers == 1872


def test_a_course_without_dose_stays_planned(site: Site, folder: Path) -> None:
    put(folder / "participants.csv", 2, "dose_mg", "")
    put(folder / "participants.csv", 3, "dose_mg", "")
    put(folder / "participants.csv", 3, "dosing_date", "")
    edit(folder / "responses.csv", lambda rows: rows.__delitem__(slice(1, None)))
    import_folder(site, folder, NOW)
    with site.database.read() as session:
        planned = course_contexts(session, site.library, [1, 2])
    anchor = planned[0].facts.anchors["dosing"]
    assert (anchor.date.isoformat(), anchor.confirmed) == ("2025-03-15", False)
    assert planned[1].facts.anchors == {}


def test_missing_answers_are_kept_as_missing(site: Site, folder: Path) -> None:
    put(folder / "responses.csv", 2, "value", "")
    import_folder(site, folder, NOW)
    with site.database.read() as session:
        skipped = session.scalars(select(tables.Answer).where(tables.Answer.value.is_(None))).all()
        scores = session.scalars(select(tables.ScoreRow).where(tables.ScoreRow.estimated)).all()
    assert [(a.item, a.skip) for a in skipped] == [("1", "missing")]
    assert {s.scale for s in scores} == {"anxiety", "total"}


def test_answers_outside_the_window_are_taken_and_counted(site: Site, folder: Path) -> None:
    def late(rows: list[list[str]]) -> None:
        for row in rows[1:15]:
            row[4] = "2025-03-20T10:00:00"

    edit(folder / "responses.csv", late)
    assert import_folder(site, COHORT, NOW).outside + 1 == _outside_alone(site, folder)


def _outside_alone(site: Site, folder: Path) -> int:
    """The same person under another code, so that nothing is there yet."""
    for path in folder.iterdir():
        path.write_text(path.read_text().replace("R2-", "X-"))
    return import_folder(site, folder, NOW).outside


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_bom_blank_lines_and_windows_line_ends_are_fine(
    sqlite_site: Site, folder: Path, encoding: str
) -> None:
    for path in folder.iterdir():
        text = path.read_text().replace("\n", "\r\n") + "\r\n,,\r\n\r\n"
        path.write_bytes(text.encode(encoding))
    assert import_folder(sqlite_site, folder, NOW).answers == 1872


def test_a_protocol_column_is_optional_and_checked(sqlite_site: Site, folder: Path) -> None:
    def add(rows: list[list[str]]) -> None:
        for row in rows:
            row.append("protocol" if row is rows[0] else "")
        rows[3][-1], rows[4][-1] = "third-retreat", "second-retreat"

    edit(folder / "participants.csv", add)
    assert faults(sqlite_site, folder) == (
        "participants.csv line 4: there is no protocol 'third-retreat'",
    )


@pytest.mark.parametrize(
    ("name", "line", "column", "value", "said"),
    [
        ("responses", 19, "value", "4", "item 4 of HADS takes 0, 1, 2, 3, not 4"),
        ("responses", 19, "value", "two", "value must be a whole number from"),
        ("responses", 19, "value", "1.0", "value must be a whole number from"),
        ("responses", 19, "item", "15", "HADS has no item '15'"),
        ("responses", 19, "item", "", "item is empty"),
        ("responses", 19, "item", "3", "repeats line 18: the same item of one sheet"),
        ("responses", 19, "timepoint", "day-9", "second-retreat has no timepoint 'day-9'"),
        ("responses", 19, "instrument", "ratings", "day-8 does not ask 'ratings'"),
        ("responses", 19, "participant", "R2-99", "participants.csv has no participant R2-99"),
        ("responses", 19, "course", "3", "participants.csv has no participant R2-01 with course 3"),
        ("responses", 19, "course", "0", "course must be a whole number from 1 to 99, not '0'"),
        ("responses", 19, "completed_at", "2025-03-23", "completed_at must be a time such as"),
        ("responses", 19, "completed_at", "23.3.2025 18:39", "completed_at must be a time"),
        ("responses", 19, "completed_at", "2025-03-23T18:40:00", "completed_at differs from line"),
        ("participants", 2, "participant", "R2 01", "participant must be a study code"),
        ("participants", 2, "time_zone", "PST", "time_zone must be a zone such as"),
        ("participants", 2, "language", "English", "language must be a code such as"),
        ("participants", 2, "dosing_date", "15/03/2025", "dosing_date must be a date such as"),
        ("participants", 2, "dosing_date", "2025-02-30", "dosing_date must be a date such as"),
        ("participants", 2, "dosing_date", "0001-01-01", "dosing_date must be a date such as"),
        ("participants", 2, "dosing_date", "9999-12-31", "dosing_date must be a date such as"),
        ("participants", 2, "dosing_date", "", "dose_mg needs a dosing_date"),
        ("participants", 2, "dose_mg", "-5", "dose_mg must be a number above 0, not '-5'"),
        ("participants", 2, "dose_mg", "nan", "dose_mg must be a number above 0, not 'nan'"),
        ("participants", 2, "booster_minutes", "70", "booster_minutes needs a booster_mg"),
        ("participants", 15, "time_zone", "Europe/Paris", "time_zone of R2-01 differs from line 2"),
        ("participants", 15, "course", "1", "repeats line 2: participant R2-01 with course 1"),
        ("participants", 15, "retreat", "Spring 2025", "R2-01 is in 'Spring 2025' already"),
        ("adverse_events", 3, "grade", "6", "grade must be a whole number from 1 to 5, not '6'"),
        ("adverse_events", 3, "serious", "perhaps", "serious must be yes or no, not 'perhaps'"),
        ("adverse_events", 3, "ended_at", "2026-02-13T00:00:00", "ended_at lies before started_at"),
        ("adverse_events", 3, "term", "", "term is empty"),
    ],
)
def test_a_bad_row_is_named_and_nothing_is_imported(
    sqlite_site: Site, folder: Path, name: str, line: int, column: str, value: str, said: str
) -> None:
    put(folder / f"{name}.csv", line, column, value)
    named = [fault for fault in faults(sqlite_site, folder) if said in fault]
    assert len(named) == 1
    assert named[0].startswith(f"{name}.csv line {line}: ")


def test_every_bad_row_of_every_file_is_named(sqlite_site: Site, folder: Path) -> None:
    put(folder / "participants.csv", 4, "time_zone", "Mars")
    put(folder / "responses.csv", 19, "value", "9")
    put(folder / "responses.csv", 700, "item", "99")
    put(folder / "adverse_events.csv", 7, "grade", "0")
    starts = [fault.partition(":")[0] for fault in faults(sqlite_site, folder)]
    assert starts == [
        "participants.csv line 4",
        "responses.csv line 19",
        "responses.csv line 700",
        "adverse_events.csv line 7",
    ]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda p: p.unlink(), "responses.csv line 1: the file is missing"),
        (lambda p: p.write_text(""), "responses.csv line 1: the file is empty"),
        (
            lambda p: p.write_bytes(p.read_bytes().replace(b"R2-05", b"R2-\xe9", 1)),
            "responses.csv line 290: is not UTF-8",
        ),
        (
            lambda p: p.write_text(p.read_text().replace("item", "items", 1)),
            "responses.csv line 1: there is no column 'item'",
        ),
        (
            lambda p: p.write_text(p.read_text().replace("value", "value,note", 1)),
            "responses.csv line 1: unknown column 'note'",
        ),
        (
            lambda p: p.write_text(p.read_text().replace("item,value", "item,item", 1)),
            "responses.csv line 1: column 'item' stands twice",
        ),
        (
            lambda p: p.write_text(p.read_text().replace(",1,0\n", ",1,0,0\n", 1)),
            "responses.csv line 2: has 8 fields, but the header has 7",
        ),
        (
            lambda p: p.write_text(p.read_text() + '"R2-01'),
            "responses.csv line 1874: is not CSV",
        ),
    ],
)
def test_a_file_that_is_no_such_file(
    sqlite_site: Site, folder: Path, spoil: Callable[[Path], object], said: str
) -> None:
    spoil(folder / "responses.csv")
    assert any(fault.startswith(said) for fault in faults(sqlite_site, folder))


def test_no_folder(sqlite_site: Site, tmp_path: Path) -> None:
    assert faults(sqlite_site, tmp_path / "nowhere") == (f"{tmp_path / 'nowhere'} is not a folder",)


@pytest.mark.parametrize(
    ("name", "line", "column", "value", "said"),
    [
        ("responses", 19, "value", "1", "item 4 is there as 3, not 1"),
        ("responses", 19, "value", "", "item 4 is there as 3, not empty"),
        ("participants", 2, "dose_mg", "30", "dose_mg is there as 25, not 30"),
        ("participants", 17, "booster_minutes", "", "booster_minutes is there as 88, not empty"),
        ("participants", 2, "retreat", "Autumn 2025", "retreat is there as Spring 2025, not Aut"),
        ("participants", 2, "course", "5", "R2-01 is in 'Spring 2025' already, as course 1"),
        ("adverse_events", 3, "grade", "3", "grade is there as 1, not 3"),
        ("adverse_events", 3, "serious", "yes", "serious is there as no, not yes"),
    ],
)
def test_a_row_that_differs_from_what_is_there_is_an_error(
    sqlite_site: Site, folder: Path, name: str, line: int, column: str, value: str, said: str
) -> None:
    import_folder(sqlite_site, folder, NOW)
    if (name, column) == ("participants", "course"):
        for other in ("responses.csv", "adverse_events.csv"):
            edit(folder / other, lambda rows: rows.__delitem__(slice(1, None)))
    put(folder / f"{name}.csv", line, column, value)
    assert faults(sqlite_site, folder)[0].startswith(f"{name}.csv line {line}: {said}")


def test_codes_that_differ_by_capital_letters_alone_are_refused(
    sqlite_site: Site, folder: Path
) -> None:
    put(folder / "participants.csv", 15, "participant", "r2-01")
    assert (
        "participants.csv line 15: the study code R2-01 is used" in faults(sqlite_site, folder)[0]
    )
    import_folder(sqlite_site, COHORT, NOW)
    for path in folder.iterdir():
        path.write_text(path.read_text().replace("R2-", "r2-"))
    said = faults(sqlite_site, folder)
    assert len(said) == 26
    assert "the study code R2-01 is used already" in said[0]


def test_a_retreat_of_a_live_study_takes_no_import(sqlite_site: Site) -> None:
    import_folder(sqlite_site, COHORT, NOW)
    with sqlite_site.database.write() as session:
        study = session.scalars(select(tables.Study)).one()
        study.mode = "live"
    said = faults(sqlite_site, COHORT)
    assert len(said) == 26
    assert "is in a live study; data are imported to practice" in said[0]


def test_the_trail_tells_who_imported_what(sqlite_site: Site) -> None:
    import_folder(sqlite_site, COHORT, NOW, actor="admin@localhost")
    with sqlite_site.database.read() as session:
        rows = session.scalars(select(tables_access.Event)).all()
    assert {row.actor for row in rows} == {"admin@localhost"}
    kinds = [row.kind for row in rows]
    assert (kinds.count("course imported"), kinds.count("assessment imported")) == (26, 104)
    assert (kinds.count("adverse event imported"), kinds.count("data imported")) == (6, 1)
