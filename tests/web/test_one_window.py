"""An opened questionnaire comes in one TCP window: 14,600 bytes, headers and all, compressed.

Served by the real server, for HADS and MEQ30, with the placeholders and with filler of the length
of the longest real items.
"""

from __future__ import annotations

import csv
import random
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bench.phone import knock, text_of
from surveyapp.config import Keys, Settings
from surveyapp.services.site import assemble
from surveyapp.store import schema
from surveyapp.store.database import Database
from surveyapp.store.links import ensure_link
from surveyapp.study.library import load_library
from tests.faults.test_server import serving
from tests.world import add_course, free_port

WINDOW = 14_600
ITEM_LENGTH = 150
WORDS = """
again almost always away before being better between body calm carry change clear close colour
day deep different early easily enough even evening ever feel few find gone good half hands
hard heart help hold home hour keep kind known large last later leave less light like little
long lost many mind moment more morning most much near never next nothing often once other
people quiet quite rest right room same seem short simple sleep slowly small some sound still
such taken things thought
""".split()  # noqa: SIM905 - a list of words reads best as words


def filler(seed: str) -> str:
    """150 characters that compress as sentences do."""
    chance = random.Random(seed)
    text = ""
    while len(text) < ITEM_LENGTH:
        text += chance.choice(WORDS) + " "
    return text[: ITEM_LENGTH - 1] + "."


def with_filler(instruments: Path, folder: Path) -> Path:
    """A copy of the instruments whose every item has a long text."""
    shutil.copytree(instruments, folder)
    for path in [*folder.glob("hads/*.en.csv"), *folder.glob("meq30/*.en.csv")]:
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        items = [r for r in rows if r[0].isdecimal() and not r[1]]
        for row in items:
            row[3] = filler(f"{path.parent.name} {row[0]}")
        assert len({row[3] for row in items}) == len(items) > 10
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([header, *rows])
    return folder


@pytest.mark.parametrize("texts", ["placeholder", "filler"])
def test_an_opened_questionnaire_fits_one_window(
    texts: str, settings: Settings, keys: Keys, sqlite_url: str, tmp_path: Path
):
    folder = settings.instruments
    if texts == "filler":
        folder = with_filler(folder, tmp_path / "instruments")
    database = Database(sqlite_url)
    schema.migrate(database)
    site = assemble(settings, keys, database, load_library(folder))
    dosing = datetime.now(UTC).date() - timedelta(days=9)
    course = add_course(site, zone="UTC", dosing=dosing, confirmed=True)
    with database.write() as session:
        token = ensure_link(session, site.link_key, course, "day-8")
    port = free_port()
    with serving(site, port, SURVEYAPP_INSTRUMENTS_DIR=str(folder)):
        phone = knock(("127.0.0.1", port), token, "hads")
        sizes = {name: phone.open(name) for name in ("hads", "meq30")}
        shown = text_of(phone.page("meq30"))
    database.close()
    assert ("Tenderness" in shown) is (texts == "placeholder")
    assert loads_nothing_else(shown)
    assert max(sizes.values()) <= WINDOW, sizes


def loads_nothing_else(shown: str) -> bool:
    return not any(
        part in shown for part in ("<script src", 'rel="stylesheet"', "@font-face", "<img")
    )
