"""How many SQL statements a save takes, counted at the database's driver."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import event

from bench.phone import Phone
from surveyapp.services.site import Site
from surveyapp.study.instrument import Instrument
from surveyapp.web.app import create_app

NOT_COUNTED = ("BEGIN", "COMMIT", "ROLLBACK", "PRAGMA")


def sql_per_save(site: Site, phone: Phone, instrument: Instrument) -> float:
    """The mean over one answer to each item, through the whole application in this process."""
    client = create_app(site, lambda: datetime.now(UTC)).test_client()
    count = 0

    def seen(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        nonlocal count
        count += not statement.lstrip().upper().startswith(NOT_COUNTED)

    requests = [phone.save(instrument.id, item.id, item.values[0]) for item in instrument.items]
    event.listen(site.database.engine, "before_cursor_execute", seen)
    try:
        for raw in requests:
            body = json.loads(raw.partition(b"\r\n\r\n")[2])
            answer = client.post(f"/q/{phone.visit}/answers", json=body)
            if answer.status_code != 200:
                raise RuntimeError(f"a save answered {answer.status_code}")
    finally:
        event.remove(site.database.engine, "before_cursor_execute", seen)
    return count / len(requests)
