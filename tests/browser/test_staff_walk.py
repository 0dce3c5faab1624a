"""Every staff page by itself: no barrier that axe knows, light and dark, and the keyboard's way."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from surveyapp.services.site import Site
from tests import staffwalk
from tests.browser.conftest import Phone, Server

LAPTOP, TABLET = (1280, 800), (768, 1024)
VIOLATIONS = {"resultTypes": ["violations"]}
IN_DARK = "async () => (await axe.run(document, {runOnly: ['color-contrast']})).violations"
TOO_WIDE = "document.documentElement.scrollWidth - innerWidth"
CONTROLS = """() => {
    const all = [...document.querySelectorAll(
        'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]')];
    const names = new Set();
    for (const e of all) {
        if (e.tabIndex < 0 || e.disabled || !e.checkVisibility({visibilityProperty: true})) {
            continue;
        }
        e.dataset.nth = e.type === 'radio' ? 'radio ' + e.name : String(names.size);
        names.add(e.dataset.nth);
    }
    return [...names];
}"""
FOCUSED = """() => {
    const e = document.activeElement;
    const style = getComputedStyle(e);
    const ring = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
    return [e.dataset.nth || '', ring, e.outerHTML.slice(0, 120)];
}"""
TO_THE_TOP = """() => {
    document.body.tabIndex = -1;
    document.body.focus();
    document.body.removeAttribute('tabindex');
}"""
BY_KEYBOARD = ("today", "retreat", "person", "people", "contact", "sheet", "parts")
MOST_TABS = 400


@pytest.fixture
def furnished(sqlite_site: Site) -> Generator[Server]:
    staffwalk.furnish(sqlite_site)
    server = staffwalk.serve(sqlite_site)
    yield server
    server.down()


def barriers(page: Page) -> list[str]:
    """Dark shows the same page in other colours, so only they are judged once more."""
    page.set_viewport_size({"width": LAPTOP[0], "height": LAPTOP[1]})
    page.emulate_media(color_scheme="light")
    found = Axe().run(page, options=VIOLATIONS).response["violations"]
    page.emulate_media(color_scheme="dark")
    found += page.evaluate(IN_DARK)
    wrong = [f"{v['id']}: {[node['html'] for node in v['nodes']]}" for v in found]
    for width, height in (LAPTOP, TABLET):
        page.set_viewport_size({"width": width, "height": height})
        wrong += [f"too wide at {width}"] if page.evaluate(TOO_WIDE) > 0 else []
    return wrong


def slash(page: Page) -> list[str]:
    if not page.locator("#find").count():
        return []
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("/")
    reached = page.evaluate("document.activeElement.id") == "find"
    return [] if reached else ["/ does not reach the search"]


def tabs(page: Page) -> list[str]:
    """What Tab does not reach, and what it reaches without a ring."""
    wanted = set(page.evaluate(CONTROLS))
    page.evaluate(TO_THE_TOP)
    wrong: list[str] = []
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        nth, ring, html = page.evaluate(FOCUSED)
        if nth and not ring:
            wrong.append(f"no ring: {html}")
        wanted.discard(nth)
        if not wanted:
            break
    return [*wrong, *(f"not reached: {nth}" for nth in sorted(wanted))]


def test_every_staff_page_is_for_everybody(furnished: Server, phone: Phone) -> None:
    page = phone(LAPTOP)
    found: dict[str, list[str]] = {}

    def look(name: str) -> None:
        found[name] = [*barriers(page), *slash(page)]

    assert list(staffwalk.walk(page, furnished, look)) == []
    assert {name: wrong for name, wrong in found.items() if wrong} == {}
    assert len(found) > 50


def test_tab_reaches_every_control_with_a_ring(furnished: Server, phone: Phone) -> None:
    page = phone(LAPTOP)
    addresses = staffwalk.addresses(furnished)
    page.goto(furnished.url + addresses["staff.welcome"])
    staffwalk.enter(page)
    found: dict[str, list[str]] = {}
    for name in BY_KEYBOARD:
        address = addresses.get(f"staff.{name}") or addresses["parts.parts"]
        page.goto(furnished.url + address)
        found[name] = tabs(page)
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_more_opens_and_closes_by_keyboard(furnished: Server, phone: Phone) -> None:
    page = phone(LAPTOP)
    addresses = staffwalk.addresses(furnished)
    page.goto(furnished.url + addresses["staff.welcome"])
    staffwalk.enter(page)
    page.goto(furnished.url + addresses["staff.retreat"])
    page.locator("details.more summary").focus()
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Print slips").wait_for()
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Print slips").wait_for(state="hidden")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
