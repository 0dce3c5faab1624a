"""`python -m bench`: every figure once, yardsticks and subjects turn by turn.

The machine drifts while it is measured, so a yardstick taken minutes before its subject says
little: each round runs the empty endpoint, the saves and the raw commits one after another.
"""

from __future__ import annotations

import itertools
import json
import logging
import statistics
import sys
import tempfile
import time
from pathlib import Path

from bench.audit import audit_figures
from bench.backup import backup_figures
from bench.browser import phone_figures
from bench.client import Run, load, request
from bench.paper import batch_ratio, both_ms
from bench.phone import Phone, knock
from bench.place import Place, clear, make_place, serving, serving_bare
from bench.prompts import prompting_figures
from bench.staff import staff_figures
from bench.statements import sql_per_save
from bench.yardsticks import commits_per_second
from surveyapp.logs import start_logging

CONNECTIONS = 16
ROUNDS = 5
BARE_SECONDS, SAVE_SECONDS, COMMIT_SECONDS, WARM_SECONDS = 3.0, 6.0, 1.0, 1.0
OPENINGS = 60
REPORTS = 7
BATCHES = 2
TARGETS = {
    "questionnaire_bytes_hads": "at most 14,600",
    "questionnaire_bytes_meq30": "at most 14,600",
    "fcp_ms": "at most 600",
    "page_turn_p95_ms": "at most 50",
    "saves_p99_ms": "at most 250",
    "sql_per_save": "at most 6",
    "saves_ratio": "0.12",
    "report_ratio": "at most 1.5",
    "batch_ratio": "at least 1.7",
    "tick_idle_ratio": "at most 1.5",
    "prompts_per_s": "at least 100",
    "today_p95_ms": "at most 100",
    "today_sql": "at most 10",
    "retreat_p95_ms": "at most 100",
    "retreat_sql": "at most 10",
    "participant_p95_ms": "at most 100",
    "participant_sql": "at most 10",
    "audit_events_per_s": "at least 16,667",
}


def main() -> int:
    """Print a table on the way and one line of JSON at the end; 1 when a save failed."""
    start_logging(logging.WARNING)
    began = time.perf_counter()
    place = make_place(Path(tempfile.mkdtemp(prefix="surveyapp-bench-")), CONNECTIONS + 2)
    try:
        figures, errors = _measure(place)
    finally:
        clear(place)
    figures["bench_s"] = time.perf_counter() - began
    _show(figures)
    for error in errors[:5]:
        print(f"failed: {error}", file=sys.stderr)
    print(json.dumps(figures))
    return 1 if errors else 0


def _measure(place: Place) -> tuple[dict[str, float], list[str]]:
    figures: dict[str, float] = {}
    with serving(place), serving_bare(place.folder) as bare:
        *tokens, last = place.tokens
        _say("the phone's first paint and page turns")
        figures |= phone_figures(place.site.settings.link(f"s/{last}"))
        phones = [knock(place.address, token, "hads") for token in tokens]
        figures |= _opening(phones[-1])
        _say("saves and yardsticks")
        found, errors = _saving(place, bare, phones[:-1])
        figures |= found
    _say("statements")
    instruments = place.site.library.instruments
    figures["sql_per_save"] = sql_per_save(place.site, phones[-1], instruments["meq30"])
    _say("prompts")
    figures |= prompting_figures(place.folder)
    _say("staff pages among 10,000 people")
    figures |= staff_figures(place.folder)
    _say("the trail of 200,000 events")
    figures |= audit_figures(place.folder)
    _say("backup and restore")
    figures |= backup_figures(place.folder, place.folder / "staff")
    _say("reports")
    report, plain = both_ms(place.site, REPORTS)
    figures["report_ms"], figures["bare_pdf_ms"] = map(statistics.median, (report, plain))
    ratios = [r / p for r, p in zip(report, plain, strict=True)]
    figures["report_ratio"] = statistics.median(ratios)
    figures["batch_ratio"] = batch_ratio(place.site, BATCHES)
    return figures, errors


def _opening(phone: Phone) -> dict[str, float]:
    _say("opening a questionnaire")
    sizes = {f"questionnaire_bytes_{name}": phone.open(name) for name in ("hads", "meq30")}
    times: list[float] = []
    for _ in range(OPENINGS):
        began = time.perf_counter()
        phone.open("meq30")
        times.append(1000 * (time.perf_counter() - began))
    return {**sizes, "open_ms": statistics.median(times)}


def _saving(
    place: Place, bare: tuple[str, int], phones: list[Phone]
) -> tuple[dict[str, float], list[str]]:
    asked = {name: place.site.library.instruments[name] for name in ("hads", "meq30")}
    saves = [phone.saves(asked) for phone in phones]
    empty = request("POST", f"{bare[0]}:{bare[1]}", "/empty", b'{"answers": []}')
    nothing = [itertools.repeat(empty) for _ in phones]
    load(bare, nothing, WARM_SECONDS)
    load(place.address, saves, WARM_SECONDS)
    bares, saved, commits = Run(), Run(), list[float]()
    for number in range(ROUNDS):
        one = load(bare, nothing, BARE_SECONDS)
        two = load(place.address, saves, SAVE_SECONDS)
        commits.append(commits_per_second(place.folder, COMMIT_SECONDS))
        bares, saved = bares + one, saved + two
        _say(f"  round {number + 1}: {two.per_second:.0f} saves/s, bare {one.per_second:.0f}/s")
    figures = {
        "saves_per_s": saved.per_second,
        "saves_p99_ms": saved.percentile_ms(99),
        "bare_per_s": bares.per_second,
        "commit_per_s": statistics.median(commits),
        "saves_ratio": saved.per_second / bares.per_second,
    }
    return figures, saved.errors + bares.errors


def _say(what: str) -> None:
    print(what, flush=True)


def _show(figures: dict[str, float]) -> None:
    print(f"\n{'figure':<28}{'value':>12}  target")
    for name, value in figures.items():
        print(f"{name:<28}{value:>12.3f}  {TARGETS.get(name, '')}".rstrip())
    print()


if __name__ == "__main__":
    sys.exit(main())
