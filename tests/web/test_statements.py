"""What a staff page asks of the database: at most ten statements, however much it shows."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event

from surveyapp.services import alert_acts
from surveyapp.services.alert_acts import NewResponders
from surveyapp.services.exchange import importing
from surveyapp.services.site import Site

from .conftest import DAY_8, Browser
from .test_staff import COHORT
from .test_staff import staff as staff

MOST = 10
PAGES = ("/staff/", "/staff/retreats/2", "/staff/people/R2-05", "/staff/alerts/1")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_asks_at_most_ten_times(staff: Browser, sqlite_site: Site, page: str) -> None:
    by: dict[str, Any] = {"actor": "staff:1", "now": DAY_8}
    importing.import_folder(sqlite_site, COHORT, DAY_8, "staff:1")
    told = NewResponders("On call", "on-call@example.org", 30, "Deputy", "deputy@example.org")
    alert_acts.set_responders(sqlite_site, 1, told, **by)
    alert_acts.drill(sqlite_site, 1, **by)
    assert staff.get(page).status == 200
    asked: list[str] = []

    def listen(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            asked.append(statement)

    event.listen(sqlite_site.database.engine, "before_cursor_execute", listen)
    staff.get(page)
    event.remove(sqlite_site.database.engine, "before_cursor_execute", listen)
    assert len(asked) <= MOST, "\n".join(asked)
