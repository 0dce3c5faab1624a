"""What a hand does on a phone, and what can be read off it."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import Error, Page, expect

from tests.waiting import wait_for


def start(page: Page, link: str) -> Page:
    page.goto(link)
    page.locator("form button.main").click()
    page.wait_for_url("**/q/**")
    expect(page.locator("fieldset:visible, #review:visible")).to_have_count(1)
    return page


def number(page: Page) -> str:
    return page.locator("legend:visible .n").inner_text().rpartition("· ")[2]


def tap(page: Page, option: int) -> None:
    page.locator("fieldset:visible .os label").nth(option).click()


def go_on(page: Page) -> None:
    page.get_by_role("button", name="Next").click()


def answer_all(page: Page, options: list[int]) -> None:
    for option in options:
        tap(page, option)
        go_on(page)
    expect(page.get_by_role("heading", name="Your answers")).to_be_visible()


def expect_saved(page: Page) -> None:
    expect(page.locator("#saved")).to_have_text("✓ Saved")


def on_phone(page: Page) -> dict[str, dict[str, Any]]:
    """Everything that lies in the phone's storage."""
    found = json.loads(page.evaluate("JSON.stringify(localStorage)"))
    return {key: json.loads(text) for key, text in found.items()}


def waiting(page: Page) -> dict[str, dict[str, Any]]:
    """What the phone still has to deliver."""
    return {key: box for key, box in on_phone(page).items() if not box.get("done")}


def cached(page: Page) -> list[str]:
    """Paths of the pages that the phone keeps of visits."""
    return page.evaluate(
        """async () => {
            const found = [];
            for (const name of await caches.keys()) {
                if (name.endsWith('help')) continue;
                for (const kept of await (await caches.open(name)).keys()) {
                    found.push(new URL(kept.url).pathname);
                }
            }
            return found;
        }"""
    )


def expect_nothing_on_phone(page: Page, about: str = "") -> None:
    """Waits until nothing (about an instrument) lies in the phone's storage, across navigations."""
    page.wait_for_function(
        "about => !Object.keys(localStorage).some(key => key.includes(about))", arg=about
    )


def expect_delivered(page: Page) -> None:
    """Waits until the phone has nothing left to deliver, across navigations."""
    page.wait_for_function(
        "() => Object.values({...localStorage}).every(text => JSON.parse(text).done)"
    )


def expect_nothing_cached(page: Page) -> None:
    """Waits until the phone keeps no page of a visit, across navigations."""

    def nothing() -> bool:
        try:
            return cached(page) == []
        except Error:  # the page moved on while it was asked
            return False

    # Not `wait_for_function`: it takes the promise of an answer for a yes.
    wait_for(nothing)
