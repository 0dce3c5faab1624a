"""Sent answers put right: old ones stay to be seen, scores follow, reports stay as they were."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from surveyapp.services import alert_views, corrections, personal, sheets
from surveyapp.services.corrections import CorrectedMeanwhileError, Correcting
from surveyapp.services.errors import InputError, NotFoundError
from surveyapp.services.site import Site
from surveyapp.store import trail
from surveyapp.store.tables import Answer, ScoreRow
from surveyapp.store.windows import mend_windows
from tests.world import add_course

from .test_sheets import BASELINE, BY, full

LATER = datetime(2027, 3, 19, 9, tzinfo=UTC)
AGAIN: dict[str, Any] = {"actor": "staff:2", "now": LATER}


@pytest.fixture
def sent(site: Site) -> Site:
    """A baseline of 1 at every item: anxiety 7, depression 7."""
    add_course(site, confirmed=True)
    sheets.enter_sheet(site, *BASELINE, full(site), **BY)
    return site


def changed(site: Site, why: str = "typed wrongly", edition: int = 0, **values: Any) -> Correcting:
    """Every item as the form holds it, some changed."""
    own = {name.removeprefix("i"): value for name, value in values.items()}
    return Correcting({**full(site).values, **own}, why, edition)


def scores(site: Site) -> dict[str, float | None]:
    with site.database.read() as session:
        return {row.scale: row.value for row in session.scalars(select(ScoreRow))}


def test_a_correction_changes_answer_and_scores_and_keeps_what_stood_there(sent: Site) -> None:
    new = changed(sent, i1=3, i2="declined")
    told = corrections.preview(sent, *BASELINE, new)
    assert dict(told.scores)["Anxiety"] == "7 → 9"
    assert [note.partition(": ")[2] for note in told.notes] == ["1 → 3", "1 → declined"]
    assert corrections.correct(sent, *BASELINE, new, **AGAIN) == 2
    assert scores(sent)["anxiety"] == 9
    page = corrections.sent_sheet(sent, *BASELINE)
    assert (page.given["1"], page.given["2"]) == ("3", "declined")
    assert [(p.who, p.reason) for p in page.past] == [("staff:2", "typed wrongly")] * 2
    assert ("Anxiety", "7, until Fri 19 Mar 2027, 10:00") in page.former
    view = personal.person_view(sent, "P-01", LATER)
    assert view.courses[0].sheets[0].corrected == date(2027, 3, 19)
    with sent.database.write() as session:
        assert trail.verify(session).fault is None
        assert mend_windows(session, sent.library) == 0
        values = {a.item: (a.value, a.skip) for a in session.scalars(select(Answer))}
    assert (values["1"], values["2"], values["3"]) == ((3, None), (None, "declined"), (1, None))


def test_corrected_back_both_corrections_stay(sent: Site) -> None:
    corrections.correct(sent, *BASELINE, changed(sent, i1=3), **AGAIN)
    edition = corrections.sent_sheet(sent, *BASELINE).edition
    corrections.correct(sent, *BASELINE, changed(sent, "it was right", edition), **AGAIN)
    assert scores(sent)["anxiety"] == 7
    page = corrections.sent_sheet(sent, *BASELINE)
    assert [p.what.partition(": ")[2] for p in page.past] == ["3 → 1", "1 → 3"]


def test_a_form_from_before_another_correction_puts_nothing_back(sent: Site) -> None:
    old_form = changed(sent, i2=0)
    corrections.correct(sent, *BASELINE, changed(sent, i1=3), **AGAIN)
    for act in (corrections.preview, corrections.correct):
        by = AGAIN if act is corrections.correct else {}
        with pytest.raises(CorrectedMeanwhileError) as caught:
            act(sent, *BASELINE, old_form, **by)
        assert "1 → 3" in caught.value.problems[""]
    told = caught.value
    assert (told.values["1"], told.values["2"], told.values["3"]) == ("3", "0", "1")
    again = Correcting(sheets.typed(told.values), "typed wrongly", told.edition)
    assert corrections.correct(sent, *BASELINE, again, **AGAIN) == 1
    page = corrections.sent_sheet(sent, *BASELINE)
    assert (page.given["1"], page.given["2"]) == ("3", "0")


def test_two_who_mean_the_same_item_see_one_another(sent: Site) -> None:
    corrections.correct(sent, *BASELINE, changed(sent, i1=3), **AGAIN)
    with pytest.raises(CorrectedMeanwhileError) as caught:
        corrections.correct(sent, *BASELINE, changed(sent, i1=2), **AGAIN)
    assert caught.value.values["1"] == "2"
    assert corrections.sent_sheet(sent, *BASELINE).given["1"] == "3"


@pytest.mark.parametrize(
    ("values", "reason", "field"),
    [
        ({"i1": 3}, " ", "reason"),
        ({"i1": 3}, "x" * 301, "reason"),
        ({"i1": 7}, "typed wrongly", "1"),
        ({"i1": "no"}, "typed wrongly", "1"),
        ({}, "typed wrongly", ""),
    ],
)
def test_what_cannot_be_is_refused(
    sent: Site, values: dict[str, Any], reason: str, field: str
) -> None:
    new = changed(sent, reason, **values)
    with pytest.raises(InputError) as caught:
        corrections.correct(sent, *BASELINE, new, **AGAIN)
    assert field in caught.value.problems
    assert scores(sent)["anxiety"] == 7


def test_what_was_not_sent_cannot_be_corrected(sent: Site) -> None:
    with pytest.raises(NotFoundError):
        corrections.sent_sheet(sent, "P-01", 1, "day-8", "hads")


def test_a_correction_for_the_worse_raises_an_alert(sent: Site) -> None:
    later = datetime(2027, 3, 29, 12, tzinfo=UTC)
    day_8 = ("P-01", 1, "day-8", "hads")
    sheets.enter_sheet(sent, *day_8, full(sent, on=date(2027, 3, 28)), actor="staff:1", now=later)
    assert alert_views.open_of_person(sent, "P-01") == []
    worse = {item: 3 for item in full(sent).values}
    by = {"actor": "staff:1", "now": later + timedelta(hours=1)}
    corrections.correct(sent, *day_8, Correcting(worse, "read upside down", 0), **by)
    assert len(alert_views.open_of_person(sent, "P-01")) == 1
