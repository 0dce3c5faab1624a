"""All session PDFs of a retreat: one ZIP, made in a process of its own, or said why not."""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import os
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pypdf import PdfReader
from sqlalchemy import select

from surveyapp.services import batch
from surveyapp.services.batch import Progress, Renderers, Wish
from surveyapp.services.errors import NotFoundError
from surveyapp.services.exchange import import_folder
from surveyapp.services.site import Site
from surveyapp.store.tables import Retreat
from surveyapp.store.tables_access import Event
from tests.waiting import wait_for

COHORT = Path(__file__).parents[1] / "data" / "second-retreat"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
WISH = Wish(("R2-01", "R2-05"), "", "staff:1", NOW)


@pytest.fixture
def cohort(sqlite_site: Site) -> Site:
    import_folder(sqlite_site, COHORT, NOW)
    return sqlite_site


@pytest.fixture(scope="module")
def pool() -> Iterator[Renderers]:
    with batch.renderers(2) as pool:
        yield pool


def retreat_id(site: Site) -> int:
    with site.database.read() as session:
        return session.scalars(select(Retreat.id).where(Retreat.name == "Winter 2026")).one()


def reports_made(site: Site) -> int:
    with site.database.read() as session:
        return len(session.scalars(select(Event.uid).where(Event.kind == "report made")).all())


def test_each_persons_report_is_in_it_and_in_the_trail(
    cohort: Site, pool: Renderers, tmp_path: Path
):
    told: list[Progress] = []
    done = batch.make_zip(cohort, WISH, tmp_path / "a.zip", pool, told.append)
    with zipfile.ZipFile(tmp_path / "a.zip") as packed:
        assert packed.namelist() == ["r2-01.pdf", "r2-05.pdf"]
        text = PdfReader(io.BytesIO(packed.read("r2-05.pdf"))).pages[0].extract_text()
    assert "R2-05" in text
    assert (done.made, done.total, done.finished, done.errors) == (2, 2, True, ())
    assert [p.made for p in told] == sorted(p.made for p in told)
    assert {code for p in told for code in p.making} == {"R2-01", "R2-05"}
    assert reports_made(cohort) == 4


def test_the_same_data_give_the_same_file(cohort: Site, pool: Renderers, tmp_path: Path):
    for name, now in (("a", NOW), ("b", LATER)):
        batch.make_zip(cohort, replace(WISH, now=now), tmp_path / name, pool, lambda _told: None)
    one, two = (hashlib.sha256((tmp_path / n).read_bytes()).digest() for n in "ab")
    assert one == two


def test_a_language_and_a_paper_hold_for_all(cohort: Site, pool: Renderers, tmp_path: Path):
    wish = replace(WISH, language="de", paper="letter")
    batch.make_zip(cohort, wish, tmp_path / "a.zip", pool, lambda _told: None)
    with zipfile.ZipFile(tmp_path / "a.zip") as packed:
        for name in packed.namelist():
            reader = PdfReader(io.BytesIO(packed.read(name)))
            assert reader.root_object["/Lang"] == "de"
            assert round(float(reader.pages[0].mediabox.width)) == 612


def test_who_cannot_be_drawn_is_named_and_the_others_are_made(
    cohort: Site, pool: Renderers, tmp_path: Path
):
    wish = replace(WISH, codes=("R2-01", "R9-99"))
    done = batch.make_zip(cohort, wish, tmp_path / "a.zip", pool, lambda _told: None)
    assert done.errors == (("R9-99", "There is no participant R9-99."),)
    assert zipfile.ZipFile(tmp_path / "a.zip").namelist() == ["r2-01.pdf"]


def test_it_is_made_in_another_process_and_goes_after_a_day(cohort: Site):
    retreat = retreat_id(cohort)
    assert batch.progress(cohort, retreat, NOW) is None
    assert batch.start(cohort, retreat, "", actor="staff:1", now=NOW)
    assert not batch.start(cohort, retreat, "", actor="staff:2", now=NOW)
    with pytest.raises(NotFoundError, match="not there"):
        batch.zip_of(cohort, retreat, NOW)
    wait_for(lambda: not running(cohort, retreat))
    done = batch.progress(cohort, retreat, NOW)
    assert done is not None
    assert (done.made, done.total, done.finished, done.broke_off) == (13, 13, True, False)
    path = batch.zip_of(cohort, retreat, NOW)
    assert len(zipfile.ZipFile(path).namelist()) == 13
    assert batch.progress(cohort, retreat, LATER) is None
    batch.tidy(cohort, LATER - timedelta(seconds=1))
    assert path.exists()
    wait_for(lambda: batch.tidy(cohort, LATER) or not path.exists())


def test_nothing_goes_while_it_is_being_made(cohort: Site):
    retreat = retreat_id(cohort)
    batch.start(cohort, retreat, "", actor="staff:1", now=NOW)
    batch.tidy(cohort, LATER)
    wait_for(lambda: not running(cohort, retreat))
    assert batch.zip_of(cohort, retreat, NOW).exists()


def running(site: Site, retreat: int) -> bool:
    told = batch.progress(site, retreat, NOW)
    return told is not None and told.running


def test_work_that_ended_halfway_is_known_and_can_be_started_again(cohort: Site):
    retreat = retreat_id(cohort)
    folder = cohort.settings.data_dir / "session-pdfs" / str(retreat)
    folder.mkdir(parents=True)
    lock = os.open(folder / batch.LOCK, os.O_CREAT | os.O_WRONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    halfway = asdict(Progress(13, NOW.isoformat(), 4, ("R2-05",)))
    (folder / batch.STATE).write_text(json.dumps(halfway))
    assert running(cohort, retreat)
    assert not batch.start(cohort, retreat, "", actor="staff:1", now=NOW)
    os.close(lock)
    told = batch.progress(cohort, retreat, NOW)
    assert told is not None
    assert told.broke_off
    assert batch.start(cohort, retreat, "", actor="staff:1", now=NOW)
    wait_for(lambda: not running(cohort, retreat))
    assert batch.zip_of(cohort, retreat, NOW).exists()
