"""From a check-in to its messages and back, however the person was reached."""

from __future__ import annotations

import re

from surveyapp.services.messagetexts import test_message as example
from surveyapp.services.site import Site
from surveyapp.store.links import ensure_link
from tests.world import EARLIER, add_course

from .conftest import Browser, Page


def link_of(site: Site) -> str:
    course = add_course(site, confirmed=True)
    with site.database.write() as session:
        return f"/s/{ensure_link(session, site.link_key, course, 'day-8')}"


def leads(page: Page, words: str) -> str:
    return next(e.get("href") for e in page.all("a") if "".join(e.itertext()) == words)


def test_from_the_check_in_to_its_messages_and_back(browser: Browser, sqlite_site: Site) -> None:
    link = link_of(sqlite_site)
    assert leads(browser.get(link), "Pause or stop messages") == f"{link}/messages"
    assert leads(browser.get(f"{link}/messages"), "Open my check-in") == link


def test_a_choice_is_confirmed(browser: Browser, sqlite_site: Site) -> None:
    link = link_of(sqlite_site)
    for choice, words in (("week", "Messages are paused until"), ("stop", "You get no more")):
        page = browser.post(f"{link}/messages", {"do": choice})
        (said,) = [e for e in page.all("p") if e.get("role") == "status"]
        assert said.text.startswith(words)
    page = browser.post(f"{link}/messages", {"do": "again"})
    assert [e for e in page.all("p") if e.get("role") == "status"] == []


def test_a_mail_knows_the_dark_and_gives_the_way_out_room(sqlite_site: Site) -> None:
    message = example(sqlite_site, ("email", "invitation", "en"), None, "a@example.org", EARLIER)
    part = message.get_body(("html",))
    assert part is not None
    html = part.get_content()
    assert '<meta name="color-scheme" content="light dark">' in html
    assert "@media (prefers-color-scheme: dark)" in html
    way = re.search(r'<p[^>]*><a href="[^"]*/messages"[^>]*style="([^"]*)"', html)
    assert way is not None
    assert "padding:12px 0;font-size:16px" in way[1]
