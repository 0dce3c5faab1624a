"""Messages about alerts at mail servers as they are."""

from __future__ import annotations

from typing import Any

import pytest

from surveyapp import worker
from surveyapp.delivery import email
from surveyapp.delivery.email import SmtpMailer
from surveyapp.services import alert_acts, alert_views
from surveyapp.services.alert_acts import NewResponders
from surveyapp.services.site import Site
from surveyapp.worker import Ticker
from tests.waiting import wait_for

from .test_mail_servers import INVITATION, Hand, Hanging, people, serving


@pytest.mark.parametrize("after", [False, True], ids=["at the name", "after the text"])
def test_an_alert_at_whom_the_server_hangs_delays_no_prompt(
    sqlite_site: Site, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    monkeypatch.setattr(email, "DEADLINE_SECONDS", 60.0)
    monkeypatch.setattr(email, "TIMEOUT_SECONDS", 60.0)
    monkeypatch.setattr(worker, "ALERT_PATIENCE_SECONDS", 0.2)
    people(sqlite_site, 3)
    by: dict[str, Any] = {"actor": "staff:1", "now": INVITATION}
    told = NewResponders("On call", "on-call@example.org", 30)
    alert_acts.set_responders(sqlite_site, 1, told, **by)
    alert_acts.drill(sqlite_site, 1, **by)
    sink = Hanging("on-call@example.org", after=after)
    with serving(sink) as url:
        ticker = Ticker(sqlite_site, SmtpMailer(url), Hand(INVITATION))
        assert ticker.tick() == 3
        assert ticker.tick() == 0
        sink.let_go.set()
        wait_for(lambda: len(sink.messages) == 4)
        wait_for(lambda: alert_views.listed(sqlite_site)[0].told[0].status == "sent")
        assert ticker.tick() == 0  # which also lets the connection go
    assert [message["To"] for message in sink.messages].count("on-call@example.org") == 1
