"""Page one of the session PDF: the session, the intention, open alerts, why a form is missing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from surveyapp.services import alert_acts, missing, notes, reporting, sheets
from surveyapp.services.alert_acts import NewResponders
from surveyapp.services.errors import NotFoundError
from surveyapp.services.missing import Reason
from surveyapp.services.sheets import NewSheet
from surveyapp.services.site import Site

from .test_exchange_export import add_course
from .test_second import SHEET

AFTER = datetime(2027, 9, 30, 12, tzinfo=UTC)
BY: dict[str, Any] = {"actor": "staff:1", "now": AFTER}


@pytest.fixture
def there(sqlite_site: Site) -> Site:
    """Day 8 in the case range, week 24 not reached, an intention with mark-up in it."""
    add_course(sqlite_site, confirmed=True)
    new = NewSheet(dict.fromkeys(SHEET, 3), "paper", date(2027, 3, 28))
    sheets.enter_sheet(sqlite_site, "P-01", 1, "day-8", "hads", new, **BY)
    reason = Reason("", "not reached", "", 0)
    missing.record_reason(sqlite_site, "P-01", 1, "week-24", reason, **BY)
    notes.set_intention(sqlite_site, "P-01", 1, "To be <b>less</b> afraid.", 0, **BY)
    return sqlite_site


def test_it_says_what_the_session_needs(there: Site) -> None:
    told = NewResponders("On call", "on-call@example.org", 30, "", "")
    alert_acts.set_responders(there, 1, told, **BY)
    alert_acts.drill(there, 1, **BY)
    html = reporting.participant_report(there, "P-01", AFTER, "en", meeting="integration-4").html
    first = html.partition('class="lookup"')[0]
    assert "Integration 4, Sat 15 May 2027" in first
    assert "“To be &lt;b&gt;less&lt;/b&gt; afraid.”" in first
    assert "Week 24: not answered (not reached), closed" in first
    assert first.count("Open alert, Day 8: a score in the highest range.") == 1
    assert "Open alert, :" not in first


def test_it_says_so_in_every_language(there: Site) -> None:
    html = reporting.participant_report(there, "P-01", AFTER, "de", meeting="integration-4").html
    assert "Integration 4" in html
    assert "Absicht, in den eigenen Worten der Person:" in html
    assert "Offene Meldung, Tag 8: ein Wert im höchsten Bereich." in html
    assert "(nicht erreicht)" in html


def test_a_session_that_is_not_there_is_named(there: Site) -> None:
    with pytest.raises(NotFoundError, match="no session 'party'"):
        reporting.participant_report(there, "P-01", AFTER, meeting="party")


def test_without_any_of_it_nothing_is_said(sqlite_site: Site) -> None:
    add_course(sqlite_site, confirmed=True)
    html = reporting.participant_report(sqlite_site, "P-01", AFTER, "en").html
    assert "Intention" not in html
    assert "Open alert" not in html
