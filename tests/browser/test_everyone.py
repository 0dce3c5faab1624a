"""Usable by everybody: no barrier that axe knows, contrast, targets, zoom, keyboard, colours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from surveyapp.study.instrument import Instrument
from tests import pictures
from tests.browser.conftest import PHONE, Phone, Server
from tests.browser.hands import (
    answer_all,
    go_on,
    number,
    start,
    tap,
)

LANGUAGES = ("en", "nl", "de", "es")
FILLER = "Filler words stand in for a long question, so that the layout holds. " * 3
CONTRAST = """() => {
    const seen = [];
    const light = c => {
        const [r, g, b] = c.map(x => x / 255).map(
            x => x <= 0.03928 ? x / 12.92 : Math.pow((x + 0.055) / 1.055, 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const parts = text => text.match(/[\\d.]+/g).map(Number);
    const behind = e => {
        for (; e; e = e.parentElement) {
            const c = parts(getComputedStyle(e).backgroundColor);
            if (c.length === 3 || c[3] > 0) { return c.slice(0, 3); }
        }
        return [255, 255, 255];
    };
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const e = walker.currentNode.parentElement;
        if (!walker.currentNode.data.trim() || !e.getClientRects().length) { continue; }
        const style = getComputedStyle(e);
        if (style.visibility === 'hidden' || ['SCRIPT', 'STYLE'].includes(e.tagName)) { continue; }
        const [a, b] = [light(parts(style.color)), light(behind(e))].sort((x, y) => y - x);
        seen.push([(a + 0.05) / (b + 0.05), e.className + ' ' + walker.currentNode.data.trim()]);
    }
    return seen;
}"""
TARGETS = """() => [...document.querySelectorAll(
    'button, .button, summary, label:not(.field label), .field input, .list a')]
    .filter(e => e.getClientRects().length && getComputedStyle(e).visibility !== 'hidden')
    .map(e => { const b = e.getBoundingClientRect();
        return [Math.round(b.width), Math.round(b.height), e.textContent.trim()]; })"""
Look = Callable[[str], None]


def violations(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{v['id']}: {[node['html'] for node in v['nodes']]}" for v in found]


def faults(page: Page) -> list[str]:
    """What axe finds, text below 7:1, targets below 48 px, and anything wider than the screen."""
    faint = [f"{ratio:.2f} {text}" for ratio, text in page.evaluate(CONTRAST) if ratio < 7]
    small = [t for t in page.evaluate(TARGETS) if t[0] < 48 or t[1] < 48]
    width = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return [*violations(page), *faint, *map(str, small), *(["too wide"] if width > 0 else [])]


def every_state(page: Page, server: Server, link: str) -> Iterator[tuple[str, list[str]]]:
    """All pages and states, each with what is wrong there."""
    found: dict[str, list[str]] = {}

    def look(name: str) -> None:
        found[name] = faults(page)

    pictures.states(page, server, link, look)
    page.goto(server.link("week-24", code="P-99"))
    look("not yet")
    yield from found.items()


@pytest.mark.parametrize(
    ("language", "scheme"), [("en", "light"), ("nl", "dark"), ("de", "light"), ("es", "dark")]
)
def test_no_page_has_a_barrier(server: Server, phone: Phone, language: str, scheme: str):
    page = phone(color_scheme=scheme, locale=language, service_workers="block")
    link = server.link()
    pictures.speak(server.site, "P-01", language)
    found = dict(every_state(page, server, link))
    assert {name: wrong for name, wrong in found.items() if wrong} == {}
    assert len(found) == 20


def fits(page: Page, selector: str) -> bool:
    """Whether all of an element can be seen and touched without scrolling."""
    return page.locator(selector).evaluate_all(
        """all => all.length > 0 && all.every(e => {
            const box = e.getBoundingClientRect();
            const at = document.elementFromPoint(box.left + box.width / 2, box.bottom - 2);
            return box.top >= 0 && box.bottom <= innerHeight && box.left >= 0
                && box.right <= innerWidth && (e.contains(at) || at.contains(e));
        })"""
    )


def longest(instrument: Instrument, language: str) -> int:
    """The number of the item with the longest text."""
    texts = instrument.wording(language).texts
    return max(range(len(instrument.items)), key=lambda n: len(texts[instrument.items[n].id])) + 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_six_options_and_next_fit_the_smallest_phone(server: Server, phone: Phone, language: str):
    page = phone((360, 640))
    link = server.link()
    pictures.speak(server.site, "P-01", language)
    start(page, link)
    for name, height in (("hads", 56), ("meq30", 48)):
        instrument = server.site.library.instruments[name]
        for item in (1, longest(instrument, language)):
            page.goto(page.url.replace("hads", name).partition("#")[0] + f"#{item}")
            page.reload()
            assert fits(page, "fieldset:visible .os label")
            assert fits(page, "#next")
        boxes = [b.bounding_box() for b in page.locator("fieldset:visible .os label").all()]
        heights = {round(box["height"]) for box in boxes if box}
        assert len(heights) == 1
        assert heights.pop() >= height
        assert {box["width"] for box in boxes if box} == {324}


def test_a_long_question_scrolls_and_its_text_does_not_shrink(server: Server, phone: Phone):
    page = start(phone((360, 640)), server.link())
    page.goto(page.url.replace("hads", "meq30").partition("#")[0] + "#2")
    page.evaluate(
        "text => { const q = document.querySelector('#q2 .q');"
        " q.textContent = text; q.className = 'q long'; }",
        FILLER[:150],
    )
    size = page.locator("#q2 .q").evaluate("e => parseFloat(getComputedStyle(e).fontSize)")
    assert size >= 20
    assert fits(page, "#next")
    tap(page, 5)
    expect(page.locator("#q2 input").nth(5)).to_be_checked()


@pytest.mark.parametrize("size", [(320, 568), (320, 256), (740, 360), (1280, 800)])
@pytest.mark.parametrize("zoom", [100, 200])
def test_nothing_runs_out_of_the_screen(
    server: Server, phone: Phone, size: tuple[int, int], zoom: int
):
    """320 by 256 is what is left of 1280 by 1024 at 400 %."""
    page = phone(size)
    enlarge = f"document.documentElement.style.fontSize = '{zoom}%'"
    page.goto(server.link())
    page.evaluate(enlarge)
    widths = [page.evaluate("document.documentElement.scrollWidth")]
    start(page, page.url)
    page.evaluate(enlarge)
    widths.append(page.evaluate("document.documentElement.scrollWidth"))
    tap(page, 3)
    go_on(page)
    assert number(page) == "2 of 14"
    page.evaluate("location.hash = 'review'")
    expect(page.locator("#review")).to_be_visible()
    widths.append(page.evaluate("document.documentElement.scrollWidth"))
    assert max(widths) <= size[0]


def test_the_keyboard_alone_goes_through_a_whole_part(server: Server, phone: Phone):
    page = start(phone(), server.link())
    for n in range(1, 15):
        assert number(page) == f"{n} of 14"
        for _ in range(3):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.type === 'radio'"):
                break
        page.keyboard.press("Space")
        page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Your answers", exact=True)).to_be_focused()
    while page.evaluate("document.activeElement.id !== 'send'"):
        page.keyboard.press("Tab")
        assert seen(page), "the bar covers what has the focus"
    page.keyboard.press("Enter")
    page.wait_for_url("**/meq30**")


def seen(page: Page) -> bool:
    """Whether what has the focus is not wholly covered by something else."""
    return page.evaluate(
        """() => {
            const e = document.activeElement;
            const box = e.getBoundingClientRect();
            const at = document.elementFromPoint(box.left + box.width / 2, box.top + 4);
            return e === document.body || !at || e.contains(at) || at.contains(e);
        }"""
    )


def style(page: Page, selector: str, name: str) -> Any:
    return page.locator(selector).first.evaluate(f"e => getComputedStyle(e).{name}")


def test_the_choice_is_told_in_forced_colours(server: Server, phone: Phone):
    page = start(phone(forced_colors="active"), server.link())
    tap(page, 1)
    chosen, other = "fieldset.now input:checked + span", "fieldset.now input:not(:checked) + span"
    assert style(page, chosen, "borderTopWidth") == "3px"
    assert style(page, other, "borderTopWidth") == "1px"
    assert style(page, chosen, "borderTopColor") != style(page, other, "borderTopColor")
    mark = "fieldset.now input:checked"
    assert style(page, mark, "borderTopWidth") != style(
        page, "fieldset.now .os input:not(:checked)", "borderTopWidth"
    )


def test_nothing_moves(server: Server, phone: Phone):
    page = start(phone(PHONE, reduced_motion="reduce"), server.link())
    answer_all(page, [0] * 14)
    moving = page.evaluate(
        """() => [...document.querySelectorAll('*')].filter(e => {
            const s = getComputedStyle(e);
            return parseFloat(s.transitionDuration) > 0 || s.animationName !== 'none';
        }).length"""
    )
    assert moving == 0
