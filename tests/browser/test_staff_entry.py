"""What staff type in fast, in a real browser: a sheet by figures, readings one after another."""

from __future__ import annotations

from datetime import time, timedelta

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from surveyapp.services import dosing
from surveyapp.services.dosing import NewDose
from tests.browser.conftest import DAY_8, DOSING, Phone, Server
from tests.browser.test_staff import LAPTOP, TABLET, staff


def test_a_sheet_is_typed_in_by_figures_alone(server: Server, phone: Phone) -> None:
    server.link()
    page = staff(server, phone(LAPTOP))
    page.goto(f"{server.url}/staff/people/P-01/1/sheet/day-8/hads")
    assert Axe().run(page).response["violations"] == []
    page.get_by_label("Filled in on").fill("2027-03-28")
    page.get_by_label("At", exact=True).fill("08:00")
    page.locator("#item-1 input").first.focus()
    for _ in range(14):
        page.keyboard.press("2")
    expect(page.locator(".sheet input:checked")).to_have_count(14)
    expect(page.locator(".sheet input[value='']:checked")).to_have_count(0)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="What it comes to")).to_be_visible()
    expect(page.locator(".facts")).to_contain_text("None")
    page.get_by_role("button", name="Enter the sheet").click()
    expect(page.get_by_role("status")).to_have_text("HADS of P-01, Day 8, is entered.")


def test_readings_follow_one_another_without_a_pointer(server: Server, phone: Phone) -> None:
    server.link()
    by = {"actor": "staff:1", "now": DAY_8 - timedelta(hours=1)}
    dose = NewDose("first", "given", 25, DOSING, time(10))
    dosing.record_dose(server.site, "P-01", 1, dose, **by)
    page = staff(server, phone(TABLET))
    page.goto(f"{server.url}/staff/people/P-01/1/pressure?on=2027-03-20")
    for upper, at in (("142", "10:30"), ("158", "11:00")):
        expect(page.get_by_label("Upper")).to_be_focused()
        for typed in (upper, "Tab", "88", "Tab", "72", "Tab", at, "Enter"):
            press = page.keyboard.press if typed in ("Tab", "Enter") else page.keyboard.type
            press(typed)
        expect(page.get_by_role("status")).to_have_text(f"Saved: {upper} over 88.")
    expect(page.get_by_role("row")).to_have_count(3)
    expect(page.get_by_role("row").nth(1)).to_contain_text("60 min")
