"""Staff send an open check-in once more: at once, by day, and where that makes sense."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from surveyapp.services import personal, stopping, wishes
from surveyapp.services.errors import NotFoundError, RefusedError
from surveyapp.services.site import Site
from surveyapp.services.stopping import NewStop
from tests.world import MailServer, add_course

from .test_prompting import INVITATION, local, rows, tick
from .test_prompting import server as server

AT = INVITATION + timedelta(hours=2)
BASELINE = ("P-01", 1, "baseline")


def by(at: Any) -> dict[str, Any]:
    return {"actor": "staff:1", "now": at}


def test_it_goes_at_the_next_tick_and_the_planned_ones_stay(site: Site, server: MailServer) -> None:
    add_course(site)
    assert tick(site, server, INVITATION) == 1
    wishes.send_again(site, *BASELINE, **by(AT))
    assert tick(site, server, AT + timedelta(seconds=30)) == 1
    assert tick(site, server, AT + timedelta(hours=1)) == 0
    assert len(server.sink.messages) == 2
    assert [row[2] for row in rows(site)] == ["sent", "sent"]
    assert tick(site, server, local(3, 13)) == 1
    view = personal.person_view(site, "P-01", AT + timedelta(days=4))
    assert "reminder asked for" in " ".join(h.what for h in view.courses[0].timeline)


def test_it_waits_for_the_morning(site: Site, server: MailServer) -> None:
    add_course(site)
    tick(site, server, INVITATION)
    night = local(3, 10, 22)
    wishes.send_again(site, *BASELINE, **by(night))
    assert tick(site, server, night + timedelta(minutes=1)) == 0
    assert tick(site, server, local(3, 11, 8)) == 1


def test_twice_in_a_row_is_once(site: Site, server: MailServer) -> None:
    add_course(site)
    tick(site, server, INVITATION)
    wishes.send_again(site, *BASELINE, **by(AT))
    with pytest.raises(RefusedError, match="asked for at 12:00"):
        wishes.send_again(site, *BASELINE, **by(AT + timedelta(minutes=2)))
    assert tick(site, server, AT + timedelta(minutes=3)) == 1
    wishes.send_again(site, *BASELINE, **by(AT + timedelta(minutes=20)))
    assert tick(site, server, AT + timedelta(minutes=21)) == 1


def test_nothing_is_sent_where_nothing_may_be(site: Site) -> None:
    add_course(site)
    with pytest.raises(RefusedError, match="is not open"):
        wishes.send_again(site, "P-01", 1, "day-8", **by(AT))
    with pytest.raises(NotFoundError):
        wishes.send_again(site, "P-01", 1, "day-9", **by(AT))
    pause = NewStop("paused", until=AT.date() + timedelta(days=3))
    stopping.record_stop(site, "P-01", 1, pause, **by(AT))
    with pytest.raises(RefusedError, match="paused until Sat 13 Mar 2027"):
        wishes.send_again(site, *BASELINE, **by(AT))
    stopping.record_stop(site, "P-01", 1, NewStop("messages stopped"), **by(AT))
    with pytest.raises(RefusedError, match="Nothing can be sent"):
        wishes.send_again(site, *BASELINE, **by(AT))
