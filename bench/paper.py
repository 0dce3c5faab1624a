"""The report's cost, and the cost of a plain document with its text and tables."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from surveyapp.services import batch, reporting
from surveyapp.services.site import Site

CODE = "D-01"
RETREAT = "Winter 2026"
CHARTS = re.compile(r"<svg\b.*?</svg>|<style\b.*?</style>", re.DOTALL)
PLAIN = """<style>@page { size: A4; margin: 15mm } body { font: 8.5pt sans-serif }
table { width: 100%; table-layout: fixed }</style></head>"""
LOOKS = re.compile(r'\s(?:class|style)="[^"]*"')


def plain_document(site: Site) -> str:
    """The report's text and tables without its charts, in the plainest style on the same paper."""
    html = reporting.participant_report(site, CODE, datetime.now(UTC)).html
    return LOOKS.sub("", CHARTS.sub("", html)).replace("</head>", PLAIN, 1)


def draw_report(site: Site) -> bytes:
    """What a click on the PDF button does: from the store to the bytes."""
    return reporting.pdf(site, reporting.participant_report(site, CODE, datetime.now(UTC)))


def both_ms(site: Site, rounds: int) -> tuple[list[float], list[float]]:
    """Milliseconds of report and plain document, turn by turn in the same warm renderer."""
    html = plain_document(site)
    draw_report(site)
    site.renderer.render(html)
    report: list[float] = []
    plain: list[float] = []
    for _ in range(rounds):
        report.append(_ms(lambda: draw_report(site)))
        plain.append(_ms(lambda: site.renderer.render(html)))
    return report, plain


def batch_ratio(site: Site, rounds: int) -> float:
    """A retreat's session PDFs one after another in one warm renderer, as against the batch on both
    cores, warm too, turn by turn; both with the trail. The quickest of each counts: what else the
    machine does can only slow them."""
    codes = batch.codes_of(site, RETREAT)
    wish = batch.Wish(codes, "", "bench", datetime.now(UTC))
    path = site.settings.data_dir / batch.ZIP
    alone: list[float] = []
    together: list[float] = []
    with batch.renderers(1) as one, batch.renderers() as both:
        _fill(site, wish, path, one)
        _fill(site, wish, path, both)
        for _ in range(rounds):
            alone.append(_ms(lambda: _fill(site, wish, path, one)))
            together.append(_ms(lambda: _fill(site, wish, path, both)))
    return min(alone) / min(together)


def _fill(site: Site, wish: batch.Wish, path: Path, pool: batch.Renderers) -> None:
    batch.make_zip(site, wish, path, pool, lambda _told: None)


def _ms(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - began)
