"""What a person with a slow phone sees, in Chromium: the first paint, and the turn of a page.

The processor is slowed four times; for the first paint the network is Chromium's Slow 4G
(1.6 Mbit/s down, 750 kbit/s up, 150 ms), over loopback HTTP: no TLS and no TCP slow start.
"""

from __future__ import annotations

import shutil
import statistics
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

SLOWER = 4
SLOW_4G = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1_600_000 / 8,
    "uploadThroughput": 750_000 / 8,
}
PAINTS, ROUNDS = 9, 4
# From the click's own time stamp until the frame that shows the next question was drawn.
WATCH = """
window.turns = [];
document.getElementById('next').addEventListener('click', event => {
    requestAnimationFrame(() => {
        const channel = new MessageChannel();
        channel.port1.onmessage = () => window.turns.push(performance.now() - event.timeStamp);
        channel.port2.postMessage(0);
    });
}, true);
"""
PAINTED = """() => new Promise(found => new PerformanceObserver(list => {
    const entry = list.getEntries().find(e => e.name === 'first-contentful-paint');
    if (entry) { found(entry.startTime); }
}).observe({ type: 'paint', buffered: true }))"""


@contextmanager
def _chromium() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        raise RuntimeError("Chromium is needed for the figures of the phone")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


def phone_figures(link: str) -> dict[str, float]:
    """`fcp_ms` (median, cold cache) and `page_turn_p95_ms` of the check-in that a link opens."""
    with _chromium() as browser:
        context = browser.new_context(
            viewport={"width": 360, "height": 740}, service_workers="block"
        )
        page = context.new_page()
        page.goto(link)
        page.locator("form button.main").click()
        page.wait_for_url("**/q/**")
        address = page.url.partition("#")[0]
        page.close()
        paints = [_first_paint(context.new_page(), address) for _ in range(PAINTS)]
        turns = sorted(_turns(context.new_page(), address.replace("hads", "meq30")))
    p95 = turns[int(len(turns) * 0.95)]
    return {"fcp_ms": statistics.median(paints), "page_turn_p95_ms": p95}


def _slow(page: Page, network: bool) -> None:
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    if network:
        session.send("Network.enable")
        session.send("Network.clearBrowserCache")
        session.send("Network.setCacheDisabled", {"cacheDisabled": True})
        session.send("Network.emulateNetworkConditions", SLOW_4G)


def _first_paint(page: Page, address: str) -> float:
    _slow(page, network=True)
    page.goto(address)
    painted = float(page.evaluate(PAINTED))
    page.close()
    return painted


def _turns(page: Page, address: str) -> list[float]:
    page.goto(address + "#1")
    _slow(page, network=False)
    page.evaluate(WATCH)
    for _ in range(ROUNDS):
        while page.locator("fieldset:visible").count():
            page.locator("fieldset:visible .os label").first.click()
            page.locator("#next").click()
        page.evaluate("location.hash = '1'")
        page.locator("#q1").wait_for()
    return [float(ms) for ms in page.evaluate("window.turns")]
