"""`surveyapp score`, as typed."""

from __future__ import annotations

import json

import pytest

from surveyapp.cli import main

HADS_0 = ",".join("0" * 14)
MEQ_KEYS = ["mystical", "positive_mood", "transcendence", "ineffability", "total"]


@pytest.fixture
def typed(capsys):
    """Run one command; its exit code, stdout and stderr."""

    def run(*arguments: str) -> tuple[int, str, str]:
        try:
            code = main(arguments)
        except SystemExit as leaving:  # argparse
            code = leaving.code
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_positions_of_the_top_options(typed):
    code, out, err = typed("score", "hads", "--positions", HADS_0)
    assert (code, err) == (0, "")
    assert json.loads(out) == {
        "instrument": "hads",
        "scales": {
            "anxiety": {
                "value": 15,
                "answered": 7,
                "of": 7,
                "estimated": False,
                "band": "case",
            },
            "depression": {
                "value": 9,
                "answered": 7,
                "of": 7,
                "estimated": False,
                "band": "borderline",
            },
            "total": {"value": 24, "answered": 14, "of": 14, "estimated": False, "band": None},
        },
        "complete_mystical": None,
    }


def test_empty_fields_are_missing_answers(typed):
    code, out, _ = typed("score", "hads", "--values", "3,,1,,2,,2,,,,,,,")
    scales = json.loads(out)["scales"]
    assert code == 0
    assert scales["anxiety"] == {
        "value": 14,
        "answered": 4,
        "of": 7,
        "estimated": True,
        "band": "case",
    }
    assert scales["depression"]["value"] is None
    assert scales["total"]["value"] is None


def test_values_are_not_rounded(typed):
    _, out, _ = typed("score", "meq30", "--values", ",".join(["3"] * 28 + ["2", "3"]))
    found = json.loads(out)
    assert list(found["scales"]) == MEQ_KEYS
    assert found["scales"]["ineffability"]["value"] == pytest.approx(53 + 1 / 3, abs=1e-12)
    assert found["complete_mystical"] is False


def test_complete_mystical_may_be_undecided(typed):
    _, out, _ = typed("score", "meq30", "--values", ",".join(["3"] * 28 + ["", "3"]))
    assert json.loads(out)["complete_mystical"] is None


def test_spaces_around_fields_do_no_harm(typed):
    assert typed("score", "ratings", "--values", " 3, 4 ")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["hads", "--values", "3,,1"], "HADS has 14 items, but 3 were given"),
        (["hads", "--values", ""], "HADS has 14 items, but 1 were given"),
        (["hads", "--values", HADS_0 + ","], "but 15 were given"),
        (["hads", "--values", "4" + HADS_0[1:]], "item 1 of HADS takes 0, 1, 2, 3, not 4"),
        (["hads", "--values", "x" + HADS_0[1:]], "item 1: 'x' is not a whole number"),
        (["hads", "--values", "1.0" + HADS_0[1:]], "item 1: '1.0' is not a whole number"),
        (["hads", "--values", "٣" + HADS_0[1:]], "is not a whole number"),
        (["hads", "--values", "9" * 5000 + HADS_0[1:]], "is not a whole number"),
        (["hads", "--positions", "4" + HADS_0[1:]], "item 1 has the positions 0 to 3, not 4"),
        (
            ["hads", "--positions", HADS_0, "--language", "fr"],
            "no wording in 'fr', only in de, en",
        ),
        (["hads", "--values", HADS_0, "--language", "en"], "--language belongs to --positions"),
        (["hadz", "--values", "1"], "no instrument 'hadz'; there are hads, meq30, ratings"),
        (["hads"], "--values --positions is required"),
        (["hads", "--values", HADS_0, "--positions", HADS_0], "not allowed with"),
        ([], "required"),
    ],
)
def test_wrong_input_is_a_sentence_and_exit_2(typed, arguments, sentence):
    code, out, err = typed("score", *arguments)
    assert (code, out) == (2, "")
    assert sentence in err
    assert "Traceback" not in err
