"""The loader: what is whole loads, and what is broken is named by file, key and fault."""

from __future__ import annotations

import shutil
from datetime import time
from pathlib import Path

import pytest

from surveyapp.resources import resource
from surveyapp.study.library import load_library
from surveyapp.study.protocol import load_protocol
from surveyapp.study.reading import Fault, FaultsFoundError

from .samples import LIBRARY, PROTOCOL

HADS_KEY = "hads/instrument.toml"
MEQ30_KEY = "meq30/instrument.toml"
RATINGS_KEY = "ratings/instrument.toml"
HADS_TEXT = "hads/placeholder.en.csv"
MEQ30_TEXT = "meq30/placeholder.en.csv"
RETREAT = "protocols/second-retreat.toml"


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A copy of the shipped folder, to break."""
    return Path(shutil.copytree(resource("instruments"), tmp_path / "instruments"))


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text, f"{path.name} has no {old!r} to break"
    path.write_text(text.replace(old, new, 1), "utf-8")


def faults(shelf: Path) -> tuple[Fault, ...]:
    with pytest.raises(FaultsFoundError) as caught:
        load_library(shelf)
    return caught.value.faults


BROKEN_KEYS = [
    (HADS_KEY, "minutes = 4", "minutes = 0", "minutes", "must be 1 or more"),
    (HADS_KEY, "minutes = 4", 'minutes = "4"', "minutes", "must be a whole number"),
    (HADS_KEY, "minutes = 4", "minutes = 4\ncolour = 1", "colour", "unknown key"),
    (HADS_KEY, 'id = "hads"', 'id = "hadz"', "id", "but the folder is 'hads'"),
    (HADS_KEY, 'id = "hads"', 'id = "HADS"', "id", "must be lower-case"),
    (HADS_KEY, 'version = "1"', "", "version", "is missing"),
    (HADS_KEY, 'name = "HADS"', 'name = " "', "name", "is empty"),
    (HADS_KEY, 'name = "HADS"', "name = [", "", "cannot be read"),
    (HADS_KEY, "values = [0, 1, 2, 3]", "values = [0]", "items[0].values", "two or more"),
    (HADS_KEY, "values = [0, 1, 2, 3]", "values = [0, 0, 1]", "items[0].values", "different"),
    (HADS_KEY, "values = [0, 1, 2, 3]", "values = [0, true]", "values", "must be a whole number"),
    (HADS_KEY, 'id = "2"\n', 'id = "1"\n', "items", "'1' is used twice"),
    (HADS_KEY, 'id = "2"\n', 'id = "recall"\n', "items[1].id", "wordings use"),
    (HADS_KEY, 'topic = "Dread"', 'topik = "Dread"', "items[2].topik", "unknown key"),
    (HADS_KEY, 'items = ["1",', 'items = ["99",', "scales[0].items", "no item '99'"),
    (HADS_KEY, 'items = ["1",', 'items = ["3",', "scales[0].items", "'3' is used twice"),
    (HADS_KEY, 'parts = ["anxiety"', 'parts = ["x"', "scales[2].parts", "no scale above 'x'"),
    (HADS_KEY, 'parts = ["anxiety", "depression"]', "", "scales[2].items", "either items or parts"),
    (HADS_KEY, 'id = "total"', 'id = "anxiety"', "scales[2].id", "used twice"),
    (HADS_KEY, "minimum = 4 ", "minimum = 8 ", "scales[0].minimum", "from 1 to 7"),
    (HADS_KEY, "minimum = 4 ", "minimum = 0 ", "scales[0].minimum", "from 1 to 7"),
    (HADS_KEY, 'parts = ["a', 'minimum = 1\nparts = ["a', "scales[2].minimum", "all its parts"),
    (HADS_KEY, '"lower"', '"down"', "scales[0].direction", "lower, higher, none"),
    (HADS_KEY, "low = 8", "low = 7", "scales[0].bands[1].low", "overlaps the band before"),
    (HADS_KEY, "low = 8", "low = 9", "scales[0].bands[1].low", "leaves 8 to 8 without a band"),
    (HADS_KEY, "high = 21", "high = 22", "scales[0].bands[2].low", "cannot be reached in 0 to 21"),
    (HADS_KEY, "high = 21", "high = 20", "scales[0].bands", "leave 21 to 21 without a band"),
    (HADS_KEY, "low = 11", "low = 22", "scales[0].bands[2].low", "cannot be reached"),
    (HADS_KEY, 'id = "case"', 'id = "normal"', "scales[0].bands", "'normal' is used twice"),
    (HADS_KEY, "sd = 3.76", "sd = 0", "scales[0].reliability.sd", "above 0"),
    (
        HADS_KEY,
        '"longer" = 0.7',
        '"longer" = 1.7',
        "scales[0].reliability.retest.longer",
        "0 and 1",
    ),
    (HADS_KEY, "points = [1.5, 1.7]", "points = []", "scales[0].meaningful.points", "above 0"),
    (HADS_KEY, "points = [1.5, 1.7]", 'points = ["a"]', "scales[0].meaningful.points", "a number"),
    (HADS_KEY, "for_groups = true", "", "scales[0].meaningful.for_groups", "is missing"),
    (MEQ30_KEY, "mark = 60", "mark = 101", "scales[0].mark", "cannot be reached in 0 to 100"),
    (MEQ30_KEY, '"percent"', '"ratio"', "scales[0].report", "sum, percent"),
    (MEQ30_KEY, "values = [0,", "values = [", "scales[0].report", "items that start at 0"),
    (MEQ30_KEY, "percent = 60", "percent = 160", "criteria[0].percent", "from 1 to 100"),
    (MEQ30_KEY, '\nscales = ["mystical"', '\nscales = ["total"', "criteria[0].scales", "'total'"),
    (RATINGS_KEY, "percent = 30", "percent = -30", "scales[0].meaningful.points", "above 0"),
]

BROKEN_WORDINGS = [
    (HADS_TEXT, "item,position,value,text", "item,value,text", "line 1", "the header must be"),
    (HADS_TEXT, "1,0,3,A great deal", "1,0,4,A great deal", "1", "values [0, 1, 2, 4], not"),
    (HADS_TEXT, "1,0,3,A great deal\n", "", "1", "values [0, 1, 2], not [0, 1, 2, 3]"),
    (HADS_TEXT, "1,1,2,", "1,0,2,", "line 8", "position 0 of item '1' stands twice"),
    (HADS_TEXT, "1,1,2,", "1,x,2,", "line 8", "must both be whole numbers"),
    (HADS_TEXT, "1,1,2,", "1,1,,", "line 8", "must both be whole numbers"),
    (HADS_TEXT, "1,1,2,Quite a lot", "1,1,2,", "line 8", "the option has no text"),
    (HADS_TEXT, "1,1,2,Quite a lot", "1,1,2,Quite, a lot", "line 8", "comma in quotes"),
    (HADS_TEXT, "1,1,2,Quite a lot", "1,1,2", "line 8", "comma in quotes"),
    (HADS_TEXT, "1,1,2,", "15,1,2,", "line 8", "there is no item '15'"),
    (HADS_TEXT, "1,,,Tension", "1,,,", "1", "has no text"),
    (HADS_TEXT, "1,,,Tension\n", "", "1", "has no text"),
    (HADS_TEXT, "2,,,Enjoyment", "1,,,Enjoyment", "line 11", "a second text for '1'"),
    (HADS_TEXT, "title,,,", "title,0,0,", "line 2", "'title' has no options"),
    (HADS_TEXT, "recall,,,In the past week", "recall,,,", "recall", "has no text"),
    (HADS_TEXT, "In the past week", "On {session}", "recall", "asks about no session"),
    (HADS_TEXT, 'notice,,,"Pl', 'stem2,,,"Pl', "notice", "must say that it is one"),
    (MEQ30_TEXT, "on {session}", "that day", "recall", "must name the session"),
    (MEQ30_TEXT, "*,0,0,Not at all", "*,,,Not at all", "line 6", "needs a position"),
]

BROKEN_PROTOCOLS = [
    ('version = "1"', 'version = "1"\nnotes = "x"', "notes", "unknown key"),
    ('id = "second-retreat"', 'id = "third"', "id", "the file is 'second-retreat.toml'"),
    ('id = "dosing"', 'id = "Dosing day"', "anchors[0].id", "lower-case"),
    ('anchor = "dosing"', 'anchor = "second"', "timepoints.baseline.anchor", "no anchor 'second'"),
    ("closes = -1 ", "closes = -15 ", "timepoints[0].closes", "before it opens on -14"),
    ("closes = -1 ", "closes = 1 ", "timepoints[0].closes", "may not span the anchor"),
    ("target = -7", "target = -15", "timepoints[0].target", "lies outside the window -14 to -1"),
    ("prompts = [-10", "prompts = [-20", "timepoints[0].prompts", "day -20 lies outside"),
    ("[-10, -7, -3]", "[-10, -3, -7]", "timepoints[0].prompts", "must rise"),
    ("[-10, -7, -3]", "[-10, -10]", "timepoints[0].prompts", "each day once"),
    ('["hads", "meq30"]', "[]", "timepoints[1].instruments", "asks nothing"),
    ('["hads", "meq30"]', '["hads", "hads"]', "timepoints[1].instruments", "used twice"),
    ('["hads", "meq30"]', '["hads", "phq"]', "timepoints.day-8.instruments", "no instrument"),
    ('id = "week-24" ', 'id = "day-8" ', "timepoints", "'day-8' is used twice"),
    ("confirm = true", 'confirm = "yes"', "timepoints[2].confirm", "true or false"),
    ("confirm = true", 'at = "20:00"', "timepoints[2].at", "before 20:00"),
    ("confirm = true", 'at = "07:59"', "timepoints[2].at", "from 08:00"),
    ("confirm = true", 'at = "ten"', "timepoints[2].at", "must be a time such as 10:00"),
    ("confirm = true", "repeat = {every = 0, times = 2}", "timepoints[2].repeat", "1 or more"),
    ("confirm = true", "repeat = {every = 7}", "timepoints[2].repeat.times", "is missing"),
    ("confirm = true", "repeat = {every = 7, times = 2, x = 1}", "timepoints[2].repeat.x", "unkn"),
    ('to = "day-8"', 'to = "day-9"', "changes[0].to", "there is no timepoint 'day-9'"),
    ('to = "day-8"', 'to = "baseline"', "changes[0].to", "must come after 'baseline'"),
    ('to = "week-24"', 'to = "day-8"', "changes", "'hads from baseline to day-8' is used twice"),
    ('retest = "longer"', 'retest = "long"', "changes[1].retest", "not a retest of its scales"),
    ('instrument = "hads"', 'instrument = "meq30"', "changes[0].from", "does not ask 'meq30'"),
]


@pytest.mark.parametrize(("file", "old", "new", "key", "text"), BROKEN_KEYS + BROKEN_WORDINGS)
def test_broken_instrument(shelf, file, old, new, key, text):
    replace(shelf / file, old, new)
    found = faults(shelf)
    assert any(f.file == file and f.key == key and text in f.text for f in found), found


@pytest.mark.parametrize(("old", "new", "key", "text"), BROKEN_PROTOCOLS)
def test_broken_protocol(shelf, old, new, key, text):
    path = shelf / RETREAT
    path.write_text(path.read_text().replace('id = "week-24"', 'id = "week-24" '))
    replace(path, old, new)
    found = faults(shelf)
    assert any(f.file == RETREAT and f.key == key and text in f.text for f in found), found


def test_every_fault_of_every_file_is_named(shelf):
    replace(shelf / HADS_KEY, "minutes = 4", "minutes = 0")
    replace(shelf / HADS_KEY, "low = 8", "low = 7")
    replace(shelf / MEQ30_TEXT, "title,,,", "heading,,,")
    found = faults(shelf)
    assert {f.file for f in found} == {HADS_KEY, MEQ30_TEXT}
    assert len([f for f in found if f.file == HADS_KEY]) == 2


def test_a_fault_reads_as_file_key_and_reason(shelf):
    replace(shelf / HADS_KEY, "minutes = 4", "minutes = 0")
    assert str(faults(shelf)[0]) == "hads/instrument.toml: minutes: must be 1 or more"


def test_a_folder_without_a_key(shelf):
    (shelf / "phq").mkdir()
    assert [(f.file, "cannot be read" in f.text) for f in faults(shelf)] == [
        ("phq/instrument.toml", True)
    ]


def test_an_instrument_without_texts(shelf):
    for path in (shelf / "hads").glob("*.csv"):
        path.unlink()
    assert "placeholder.LANG.csv" in faults(shelf)[0].text


@pytest.mark.parametrize("name", ["texts.en.csv", "wording.csv", "placeholder.en.old.csv"])
def test_a_wording_with_a_wrong_name(shelf, name):
    (shelf / HADS_TEXT).rename(shelf / "hads" / name)
    assert "must be named" in faults(shelf)[0].text


def test_a_wording_that_is_not_utf8(shelf):
    (shelf / HADS_TEXT).write_bytes("item,position,value,text\n1,,,Café".encode("latin-1"))
    assert "is not UTF-8 CSV" in faults(shelf)[0].text


def test_an_empty_folder(tmp_path):
    assert "holds no folder with instrument.toml" in faults(tmp_path)[0].text
    assert "holds no folder with instrument.toml" in faults(tmp_path / "none")[0].text


def test_a_sites_own_wording_stands_before_the_placeholder(shelf):
    own = (shelf / HADS_TEXT).read_text().replace("Demo mood form (HADS layout)", "Our form")
    (shelf / "hads/wording.en.csv").write_text(own)
    wording = load_library(shelf).instruments["hads"].wording("en")
    assert (wording.title, wording.placeholder) == ("Our form", False)


def test_another_language_may_print_options_in_another_order(shelf):
    text = (shelf / HADS_TEXT).read_text()
    text = text.replace("1,0,3,A great deal", "1,9,3,A great deal")
    (shelf / "hads/placeholder.nl.csv").write_text(text)
    hads = load_library(shelf).instruments["hads"]
    assert [o.value for o in hads.wording("nl").options["1"]] == [2, 1, 0, 3]
    assert [o.value for o in hads.wording("en").options["1"]] == [3, 2, 1, 0]
    assert hads.wording("fr") is hads.wording("en")


def test_the_shipped_protocol_is_the_designs():
    assert [
        (t.id, t.opens, t.target, t.closes, t.prompts, t.instruments, t.confirm)
        for t in PROTOCOL.timepoints
    ] == [
        ("baseline", -14, -7, -1, (-10, -7, -3), ("hads",), False),
        ("day-8", 8, 8, 14, (8, 10, 13), ("hads", "meq30"), False),
        ("week-24", 161, 168, 182, (168, 172, 178), ("hads",), True),
    ]
    assert {t.at for t in PROTOCOL.timepoints} == {time(10)}
    assert [(c.instrument, c.start, c.end, c.retest) for c in PROTOCOL.changes] == [
        ("hads", "baseline", "day-8", "2-6 weeks"),
        ("hads", "baseline", "week-24", "longer"),
        ("hads", "day-8", "week-24", "longer"),
    ]


WEEKLY = """
id = "weekly"
version = "1"
[[anchors]]
id = "first"
label = "First session"
[[anchors]]
id = "second"
label = "Second session"
[[timepoints]]
id = "week"
label = "Week"
anchor = "second"
opens = 6
target = 7
closes = 9
instruments = ["ratings"]
prompts = [7, 9]
at = "18:30"
repeat = {every = 7, times = 12}
"""


def test_repeats_become_timepoints_of_their_own(tmp_path):
    path = tmp_path / "weekly.toml"
    path.write_text(WEEKLY)
    protocol = load_protocol(path, LIBRARY.instruments)
    assert [t.id for t in protocol.timepoints] == [f"week-{n:02d}" for n in range(1, 13)]
    last = protocol.timepoint("week-12")
    assert (last.label, last.anchor, last.at) == ("Week 12", "second", time(18, 30))
    assert (last.opens, last.target, last.closes, last.prompts) == (83, 84, 86, (84, 86))
    assert protocol.main_anchor.id == "first"
    assert protocol.label == "weekly"


def test_a_repeat_may_not_span_the_anchor(tmp_path):
    path = tmp_path / "weekly.toml"
    shifted = WEEKLY.replace("opens = 6", "opens = -2").replace("target = 7", "target = -2")
    shifted = shifted.replace("closes = 9", "closes = -1").replace("[7, 9]", "[-2]")
    path.write_text(shifted.replace("every = 7", "every = 1"))
    with pytest.raises(FaultsFoundError, match="week-02 may not span the anchor"):
        load_protocol(path, LIBRARY.instruments)
