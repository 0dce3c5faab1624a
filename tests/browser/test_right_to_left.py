"""Writing from right to left, proven with a test locale: the whole page is mirrored."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from surveyapp import catalogues
from tests import pictures
from tests.browser.conftest import Phone, Server
from tests.browser.hands import (
    go_on,
    start,
    tap,
)
from tests.browser.test_everyone import faults

LOCALE = Path(__file__).parents[1] / "data" / "right-to-left"


@pytest.fixture
def arabic() -> Generator[None]:
    catalogues.look_into(LOCALE)
    yield
    catalogues.look_no_more_into(LOCALE)


def left(page: Page, selector: str) -> float:
    box = page.locator(selector).first.bounding_box()
    assert box
    return box["x"]


def width(page: Page, selector: str) -> float:
    box = page.locator(selector).first.bounding_box()
    assert box
    return box["width"]


@pytest.mark.usefixtures("arabic")
@pytest.mark.parametrize("size", [(360, 740), (320, 640)])
def test_the_page_is_mirrored(server: Server, phone: Phone, size: tuple[int, int]):
    page = phone(size, service_workers="block")
    link = server.link()
    pictures.speak(server.site, "P-01", "ar")
    page.goto(link)
    html = page.locator("html")
    expect(html).to_have_attribute("dir", "rtl")
    expect(html).to_have_attribute("lang", "ar")
    expect(page.get_by_role("heading", level=1)).to_have_text("استبيان")
    assert left(page, "#help summary") < 48
    assert faults(page) == []
    start(page, link)
    tap(page, 1)

    page.locator("#next").click()
    assert left(page, "#next") < left(page, "#back"), "Next stands where reading ends: left"
    options = "fieldset:visible .os label"
    middle = left(page, options) + width(page, options) / 2
    assert left(page, f"{options} input") > middle, "the mark stands where reading begins: right"
    assert faults(page) == []


def test_the_same_page_in_english_is_not(server: Server, phone: Phone):
    page = start(phone(), server.link())
    expect(page.locator("html")).to_have_attribute("dir", "ltr")
    tap(page, 1)
    go_on(page)
    assert left(page, "#next") > left(page, "#back")
