"""The page of backups: what is not set, what stands, what failed, and one at once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from surveyapp.services.site import Site
from surveyapp.store import backups
from surveyapp.store.tables_backup import FAILED, GOOD
from tests.backups import a_run, new_key
from tests.waiting import wait_for

from .conftest import DAY_8, Browser
from .test_staff import act
from .test_staff import staff as staff

PAGE, NOW = "/staff/system/backups", "/staff/system/backups/now"


def set_up(site: Site, folder: Path) -> None:
    site.settings.backup_dir = folder
    site.settings.backup_key = str(new_key(folder)[1])


def test_without_settings_it_names_them_and_makes_none(staff: Browser, sqlite_site: Site) -> None:
    assert "Backups" in staff.get("/staff/system").text
    page = staff.get(PAGE)
    assert "SURVEYAPP_BACKUP_DIR and SURVEYAPP_BACKUP_KEY" in page.text
    assert "Make one now" not in page.text
    page = act(staff, NOW, {})
    assert page.status == 400
    assert "Set SURVEYAPP_BACKUP_DIR" in page.text


def test_one_now_and_how_it_ended(staff: Browser, sqlite_site: Site, tmp_path: Path) -> None:
    set_up(sqlite_site, tmp_path)
    assert "none yet" in staff.get(PAGE).text
    staff.get(NOW)
    with sqlite_site.database.read() as session:
        assert backups.recent(session, 9) == []
    assert "A backup is being made." in act(staff, NOW, {}).text

    def ended() -> bool:
        with sqlite_site.database.read() as session:
            return backups.recent(session, 1)[0].outcome == GOOD

    wait_for(ended)
    page = staff.get(PAGE)
    assert "surveyapp-2027" in page.text
    assert "Read back whole" in page.text
    with sqlite_site.database.read() as session:
        assert backups.recent(session, 1)[0].actor == "staff:1"


def test_what_failed_stands_on_the_page_on_today_and_in_the_health(
    staff: Browser, sqlite_site: Site, tmp_path: Path
) -> None:
    set_up(sqlite_site, tmp_path)
    a_run(sqlite_site, DAY_8 - timedelta(hours=3))
    assert "Backups" not in staff.get("/staff/").text
    assert staff.client.get("/healthz", base_url=staff.base_url).get_json()["backups"] == "ok"
    a_run(sqlite_site, DAY_8 - timedelta(hours=2), FAILED, "The disk of /backups is full.")
    for path in (PAGE, "/staff/", "/staff/system"):
        assert "failed: The disk of /backups is full." in staff.get(path).text
    assert staff.client.get("/healthz", base_url=staff.base_url).get_json()["backups"] == "failing"


def test_one_that_is_under_way_is_not_begun_again(
    staff: Browser, sqlite_site: Site, tmp_path: Path
) -> None:
    set_up(sqlite_site, tmp_path)
    a_run(sqlite_site, DAY_8, "running")
    assert "being made already" in act(staff, NOW, {}).text
