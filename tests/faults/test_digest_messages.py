"""The daily digest at a mail server that hangs."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from surveyapp import worker
from surveyapp.delivery import email
from surveyapp.delivery.email import SmtpMailer
from surveyapp.services import accounts, digest
from surveyapp.services.digest import Wish, digest_view
from surveyapp.services.site import Site
from surveyapp.worker import Ticker
from tests.waiting import wait_for
from tests.world import AMSTERDAM

from .test_mail_servers import INVITATION, Hand, Hanging, people, serving

TO = "team@example.org"


@pytest.mark.parametrize("after", [False, True], ids=["at the name", "after the text"])
def test_a_digest_at_which_the_server_hangs_delays_no_prompt(
    sqlite_site: Site, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    monkeypatch.setattr(email, "DEADLINE_SECONDS", 60.0)
    monkeypatch.setattr(email, "TIMEOUT_SECONDS", 60.0)
    monkeypatch.setattr(worker, "DIGEST_PATIENCE_SECONDS", 0.2)
    before = INVITATION - timedelta(hours=1)
    accounts.ensure_first_account(sqlite_site, "ada@example.org", before)
    at = (INVITATION - timedelta(minutes=1)).astimezone(ZoneInfo(AMSTERDAM)).time()
    wish = Wish(True, at, AMSTERDAM, TO, when_quiet=True)
    digest.save(sqlite_site, 1, wish, actor="staff:1", now=before)
    sink = Hanging(TO, after=after)
    with serving(sink) as url:
        ticker = Ticker(sqlite_site, SmtpMailer(url), Hand(INVITATION))
        assert ticker.tick() == 0  # the digest hangs from here on
        people(sqlite_site, 3)
        assert ticker.tick() == 3
        sink.let_go.set()
        wait_for(lambda: len(sink.messages) == 4)
        wait_for(lambda: digest_view(sqlite_site, 1, INVITATION).sent[0].status == "sent")
        assert ticker.tick() == 0  # which also lets the connection go
    assert [message["To"] for message in sink.messages].count(TO) == 1
