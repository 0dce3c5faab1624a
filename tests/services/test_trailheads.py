"""Heads kept outside, and sent answers against what the trail says of them; on both databases."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from surveyapp.services import answering, corrections, erasing, overview, sheets, trailheads
from surveyapp.services.answering import Tap
from surveyapp.services.corrections import Correcting
from surveyapp.services.erasing import CONTACTS, EVERYTHING, Wish
from surveyapp.services.errors import RefusedError
from surveyapp.services.site import Site
from surveyapp.services.visits import write_capability
from surveyapp.store.links import ensure_link
from tests.browser.conftest import DAY_8
from tests.staffwalk import furnish
from tests.world import add_course

from .test_prompting import INVITATION

NOW = INVITATION + timedelta(hours=1)


def send(site: Site) -> None:
    """HADS before the retreat, every item answered with 1."""
    add_course(site)
    with site.database.write() as session:
        token = ensure_link(session, site.link_key, 1, "baseline")
    opened = answering.begin(site, token, NOW)
    write = write_capability(opened.read_secret)
    taps = [Tap("hads", item.id, 1) for item in site.library.instruments["hads"].items]
    answering.save(site, opened.visit, write, taps, NOW)
    answering.send(site, opened.visit, write, "hads", NOW)


def change(site: Site, statement: str) -> None:
    with site.database.write() as session:
        session.execute(text(statement))


def test_sent_answers_are_as_the_trail_says_and_stay_so_when_corrected(site: Site) -> None:
    send(site)
    found = trailheads.verify(site)
    assert (found.fault, found.sheets, found.unsealed) == (None, 1, 0)
    item = site.library.instruments["hads"].items[0].id
    form = corrections.sent_sheet(site, "P-01", 1, "baseline", "hads")
    typed = sheets.typed({**form.given, item: "2"})
    new = Correcting(typed, "Misread on paper", form.edition)
    corrections.correct(site, "P-01", 1, "baseline", "hads", new, actor="staff:1", now=NOW)
    assert trailheads.verify(site).fault is None


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE answer SET value = 0 WHERE item = (SELECT min(item) FROM answer)", "answers of"),
        ("DELETE FROM answer WHERE item = (SELECT min(item) FROM answer)", "answers of"),
        ("UPDATE score SET value = 3 WHERE scale = 'anxiety'", "scores of"),
        ("UPDATE assessment SET submitted_at = NULL", "is gone"),
    ],
)
def test_answers_changed_behind_the_product_are_found_and_named(
    site: Site, statement: str, words: str
) -> None:
    send(site)
    change(site, statement)
    fault = trailheads.verify(site).fault or ""
    assert words in fault
    assert "(baseline, hads, chain " in fault


def test_a_head_file_goes_out_and_comes_back(sqlite_site: Site, tmp_path: Path) -> None:
    send(sqlite_site)
    heads = trailheads.heads_now(sqlite_site)
    path = tmp_path / "head.json"
    trailheads.write_file(path, trailheads.as_text(heads, NOW))
    assert trailheads.read_file(path) == heads
    assert trailheads.verify(sqlite_site, heads).fault is None
    assert [p.name for p in tmp_path.glob("*head*")] == ["head.json"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read"),
        ("", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "does not hold"),
        ('{"format": "surveyapp trail head 1", "chains": {"a": [1]}}', "does not hold"),
        ('{"format": "surveyapp trail head 1", "chains": {}, "events": 0, "head": "x"}', "changed"),
    ],
)
def test_what_is_no_head_file_is_refused_in_a_sentence(
    tmp_path: Path, content: str | None, words: str
) -> None:
    path = tmp_path / "head.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(RefusedError, match=words):
        trailheads.read_file(path)


def test_a_head_file_that_was_edited_is_refused(sqlite_site: Site, tmp_path: Path) -> None:
    send(sqlite_site)
    text_ = trailheads.as_text(trailheads.heads_now(sqlite_site), NOW)
    path = tmp_path / "head.json"
    last = trailheads.heads_now(sqlite_site).chains
    hash_ = next(iter(last.values()))[1]
    path.write_text(text_.replace(hash_, "0" * 64))
    with pytest.raises(RefusedError, match="was changed"):
        trailheads.read_file(path)


def test_erasing_who_sent_something_leaves_what_others_sent_as_the_trail_says(
    sqlite_site: Site,
) -> None:
    furnish(sqlite_site)
    by: Any = {"actor": "staff:1", "now": DAY_8}
    everybody = [person.code for person in overview.people(sqlite_site, "", DAY_8)]
    for kind, codes in ((EVERYTHING, everybody[:8]), (CONTACTS, everybody[8:10])):
        for code in codes:
            erasing.erase(sqlite_site, code, Wish(kind, "asked for it"), **by)
            assert trailheads.verify(sqlite_site).fault is None, code
