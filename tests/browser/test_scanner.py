"""Mail scanners with a whole browser open every address of a message, again and again."""

from __future__ import annotations

from playwright.sync_api import Browser
from sqlalchemy import func, select

from surveyapp.services import stopping
from surveyapp.store.tables import Assessment
from surveyapp.store.tables_access import Event, Visit

from .conftest import Server

OPENED = 3


def rows(server: Server) -> list[int]:
    """How many visits, assessments and events there are."""
    with server.site.database.read() as session:
        tables = (Visit, Assessment, Event)
        return [session.scalar(select(func.count()).select_from(t)) or 0 for t in tables]


def test_a_scanner_with_script_uses_up_starts_and_stops_nothing(
    chromium: Browser, server: Server
) -> None:
    link = server.link()
    before = rows(server)
    for _ in range(OPENED):
        context = chromium.new_context()
        page = context.new_page()
        for address in (link, f"{link}/messages", f"{link}/unsubscribe"):
            page.goto(address, wait_until="networkidle")
        context.close()
    assert rows(server) == before
    view = stopping.at_message(server.site, link.rpartition("/")[2])
    assert (view.stopped, view.paused_until) == (False, None)
    page = chromium.new_page()
    page.goto(link)
    page.locator("form button.main").click()
    page.locator("fieldset:visible").wait_for()
    page.close()
