"""`surveyapp rehearse`, as typed."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta

import pytest

from surveyapp.cli import main
from surveyapp.resources import resource
from tests.world import add_course

USUAL = [
    *["rehearse", "second-retreat", "--anchor", "dosing=2027-03-20"],
    *["--time-zone", "Europe/Amsterdam"],
]


def test_json_lists_every_message(capsys):
    assert main([*USUAL, "--json"]) == 0
    messages = json.loads(capsys.readouterr().out)
    assert [set(m) for m in messages] == [{"timepoint", "number", "local", "utc"}] * 9
    assert [(m["timepoint"], m["number"]) for m in messages] == [
        (timepoint, number) for timepoint in ("baseline", "day-8", "week-24") for number in range(3)
    ]
    assert messages[2]["local"] == "2027-03-17T10:00:00+01:00"
    assert messages[3] == {
        "timepoint": "day-8",
        "number": 0,
        "local": "2027-03-28T10:00:00+02:00",
        "utc": "2027-03-28T08:00:00+00:00",
    }
    for message in messages:
        local, utc = (datetime.fromisoformat(message[key]) for key in ("local", "utc"))
        assert local == utc


def test_table_names_the_local_hour_and_the_weekday(capsys):
    assert main(USUAL) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Second retreat: 9 messages"
    assert lines[5].split() == [
        *["day-8", "0", "invitation", "Sun", "2027-03-28", "10:00+02:00"],
        *["2027-03-28", "08:00"],
    ]
    assert len(lines) == 11


def test_several_anchors(tmp_path, monkeypatch, capsys):
    shelf = shutil.copytree(resource("instruments"), tmp_path / "instruments")
    path = shelf / "protocols/second-retreat.toml"
    second = '[[anchors]]\nid = "second"\nlabel = "Second dose"\n\n[[changes]]'
    moved = path.read_text().replace("[[changes]]", second, 1)
    week = moved.index('id = "week-24"')
    moved = moved[:week] + moved[week:].replace('anchor = "dosing"', 'anchor = "second"')
    path.write_text(moved)
    monkeypatch.setenv("SURVEYAPP_INSTRUMENTS_DIR", str(shelf))

    assert main([*USUAL, "--anchor", "second=2027-05-01", "--json"]) == 0
    messages = json.loads(capsys.readouterr().out)
    assert messages[-1]["local"] == "2027-10-26T10:00:00+02:00"

    assert main([*USUAL, "--json"]) == 0
    said = capsys.readouterr()
    assert len(json.loads(said.out)) == 6
    assert "anchor second has no date" in said.err


@pytest.mark.parametrize(
    ("protocol", "anchors", "zone", "sentence"),
    [
        (
            "third",
            ["dosing=2027-03-20"],
            "UTC",
            "no protocol 'third'; there are chronic-pain, mdma",
        ),
        ("second-retreat", ["doses=2027-03-20"], "UTC", "no anchor 'doses', only dosing"),
        ("second-retreat", ["2027-03-20"], "UTC", "--anchor takes ID=YYYY-MM-DD"),
        ("second-retreat", ["dosing=20.3.2027"], "UTC", "'20.3.2027' is not a date"),
        ("second-retreat", ["dosing=20270320"], "UTC", "'20270320' is not a date"),
        ("second-retreat", ["dosing=2027-02-29"], "UTC", "'2027-02-29' is not a date"),
        ("second-retreat", ["dosing="], "UTC", "'' is not a date"),
        ("second-retreat", ["dosing=9999-12-30"], "UTC", "too far away"),
        ("second-retreat", ["dosing=0001-01-01"], "UTC", "too far away"),
        ("second-retreat", ["dosing=2027-03-20"] * 2, "UTC", "given twice"),
        ("second-retreat", ["dosing=2027-03-20"], "Mars/Base", "no time zone 'Mars/Base'"),
        ("second-retreat", ["dosing=2027-03-20"], "America", "no time zone 'America'"),
        ("second-retreat", ["dosing=2027-03-20"], "/etc/passwd", "no time zone"),
        ("second-retreat", ["dosing=2027-03-20"], "", "no time zone ''"),
    ],
)
def test_wrong_input_is_a_sentence_and_exit_2(capsys, protocol, anchors, zone, sentence):
    options = [word for anchor in anchors for word in ("--anchor", anchor)]
    assert main(["rehearse", protocol, *options, "--time-zone", zone]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("surveyapp: ")
    assert sentence in said.err


def test_texts_and_prices(capsys, monkeypatch):
    monkeypatch.setenv("SURVEYAPP_PUBLIC_URL", "https://checkin.example.org")
    arguments = [*USUAL, "--texts", "--language", "nl"]
    assert main([*arguments, "--sms-price", "0.1"]) == 0
    told = capsys.readouterr().out
    assert told.count("Uw vragenlijst staat klaar") == 3
    assert "As SMS: 9 messages, 9 segments, 0.90 at 0.1 each for one participant." in told
    assert main([*arguments, "--json"]) == 0
    (first, *_) = json.loads(capsys.readouterr().out)
    assert first["number"] == 0
    assert first["sms_segments"] == 1
    assert "EXAMPLE" in first["text"]


@pytest.mark.parametrize("typed", ["nan", "inf", "1e400", "dear", "-5", "", "1_0"])
def test_a_price_that_is_none_is_refused(capsys, typed):
    assert main([*USUAL, f"--sms-price={typed}"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert f"--sms-price takes a number such as 0.08, not {typed!r}" in said.err


def test_a_price_may_have_a_comma(capsys, monkeypatch):
    monkeypatch.setenv("SURVEYAPP_PUBLIC_URL", "https://checkin.example.org")
    assert main([*USUAL, "--sms-price", "0,1"]) == 0
    assert "0.90 at 0.1 each for one participant." in capsys.readouterr().out


def test_many_participants(capsys):
    assert main(["rehearse", "mdma", "--participants", "300", "--json"]) == 0
    load = json.loads(capsys.readouterr().out)
    assert (load["participants"], load["outside_hours"], load["doubled"]) == (300, 0, 0)
    assert main(["rehearse", "mdma", "--participants", "0"]) == 2


def test_a_running_retreat(capsys, sqlite_site, monkeypatch):
    monkeypatch.setenv("SURVEYAPP_DATABASE_URL", str(sqlite_site.database.url))
    monkeypatch.setenv("SURVEYAPP_DATA_DIR", str(sqlite_site.settings.data_dir))
    dosing = datetime.now(UTC).date() + timedelta(days=12)
    add_course(sqlite_site, dosing=dosing, consent=False)
    arguments = ["rehearse", "--retreat", "Spring 2027"]
    assert main([*arguments, "--days", "10"]) == 0
    told = capsys.readouterr().out
    assert "Spring 2027: 0 messages in 10 days" in told
    assert "held: no consent to messages on record" in told
    assert main([*arguments, "--json"]) == 0
    assert {row["participant"] for row in json.loads(capsys.readouterr().out)["held"]} == {"P-01"}
    assert main(["rehearse", "--retreat", "Nowhere"]) == 2
    assert "there are: Spring 2027" in capsys.readouterr().err
    assert main(["rehearse"]) == 2
