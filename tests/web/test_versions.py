"""A coordinator sees that a retreat runs under an earlier version, looks, and takes the new one."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from surveyapp.services import accounts
from surveyapp.services.site import Site
from surveyapp.web.app import create_app
from tests.services.test_versions import edit, start_retreat

from .conftest import DAY_8, Browser, Clock
from .test_staff import EMAIL, PASSWORD, act

PATH = "/staff/retreats/1/version"
TYPED = {"label": "2", "approved_on": "2027-02-01", "reason": "too early"}


@contextmanager
def signed_in(site: Site) -> Generator[Browser]:
    """The first account, over a site of one's own."""
    with create_app(site, lambda: DAY_8).test_client() as client:
        browser = Browser(client, Clock(), site.settings.public_url)
        token = accounts.ensure_first_account(site, EMAIL, DAY_8).token
        accounts.accept_invite(site, token, PASSWORD, DAY_8)
        browser.client.environ_base["HTTP_REFERER"] = f"{browser.base_url}/staff/"
        act(browser, "/staff/sign-in", {"email": EMAIL, "password": PASSWORD})
        yield browser


@pytest.fixture
def staff(sqlite_site: Site, tmp_path: Path) -> Iterator[Browser]:
    start_retreat(sqlite_site, "Spring 2027", "P-01")
    site = edit(sqlite_site, tmp_path, lambda text: text.replace("opens = 8\n", "opens = 9\n"))
    with signed_in(site) as browser:
        yield browser


def test_the_new_version_is_looked_at_and_taken(staff: Browser) -> None:
    page = staff.get("/staff/retreats/1")
    assert "runs under version 1 of its protocol; version 2 is installed." in page.text
    page = staff.get(PATH)
    assert "in 1 course. Nothing was changed yet." in page.text
    assert "Sun 28 Mar to Sat 3 Apr 2027" in page.text
    assert "Mon 29 Mar to Sat 3 Apr 2027" in page.text
    seen = page.attribute("input", "value", name="seen")
    page = act(staff, PATH, {**TYPED, "seen": seen, "reason": ""})
    assert page.status == 400
    assert "Say why, in a few words." in page.text
    page = act(staff, PATH, {**TYPED, "seen": seen})
    assert "Spring 2027 runs under version 2 for 1 person." in page.text
    assert "of its protocol" not in page.text
    assert staff.get(PATH).status == 409


def test_a_stale_preview_is_shown_anew_and_the_reason_kept(staff: Browser) -> None:
    page = act(staff, PATH, {**TYPED, "seen": "old"})
    assert page.status == 400
    assert page.attribute("input", "value", name="reason") == "too early"
    assert "Something changed since the preview" in page.text


def test_both_courses_of_a_person_are_told_apart(sqlite_site: Site, tmp_path: Path) -> None:
    for name in ("Spring 2027", "Summer 2027"):
        start_retreat(sqlite_site, name, "P-01")
    site = edit(sqlite_site, tmp_path, lambda text: text.replace("opens = 8\n", "opens = 9\n"))
    with signed_in(site) as browser:
        page = browser.get("/staff/study/1/amendment")
        assert "in 2 courses." in page.text
        assert "The same for all 2 courses." in page.text
        assert "P-01, first course" in page.text
        assert "P-01, second course" in page.text
