"""What a moved day would do, computed from the facts themselves."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from surveyapp.delivery.email import SmtpMailer
from surveyapp.services import dosing, moving, prompting
from surveyapp.services.errors import InputError
from surveyapp.services.site import Site
from surveyapp.worker import Ticker
from tests.services.test_prompting import submit
from tests.world import MailServer, add_course

ZONE = ZoneInfo("Europe/Amsterdam")
INVITATION = datetime(2027, 3, 10, 10, tzinfo=ZONE).astimezone(UTC)
LATER = INVITATION + timedelta(hours=1)
EARLY, LATE = date(2027, 3, 15), date(2027, 4, 10)


def preview(site: Site, on: date, now: datetime = LATER) -> moving.Preview:
    return moving.course_preview(site, "P-01", 1, on, "flu", "", now)


def test_a_baseline_that_would_be_too_old_is_named(site: Site) -> None:
    course = add_course(site)
    submit(site, course, "baseline", "hads", INVITATION)
    (shift,) = preview(site, LATE).shifts
    assert shift.warnings == (
        "Before the retreat was sent Wed 10 Mar 2027, before its new window opens "
        "(Sat 27 Mar 2027): too old to be a baseline.",
    )


def test_an_answer_that_would_become_late_is_named(site: Site) -> None:
    course = add_course(site, confirmed=True)
    at = datetime(2027, 4, 1, 10, tzinfo=UTC)
    for instrument in ("hads", "meq30"):
        submit(site, course, "day-8", instrument, at)
    (shift,) = preview(site, date(2027, 3, 17), at).shifts
    assert shift.warnings == (
        "Day 8 was sent Thu 1 Apr 2027, after its new window closes (Wed 31 Mar 2027): "
        "it becomes late.",
    )
    assert preview(site, date(2027, 3, 21), at).shifts[0].warnings == ()


def test_a_baseline_that_becomes_late_is_none(site: Site) -> None:
    course = add_course(site)
    submit(site, course, "baseline", "hads", datetime(2027, 3, 12, 23, 30, tzinfo=UTC))
    now = datetime(2027, 3, 13, 10, tzinfo=UTC)
    (shift,) = preview(site, date(2027, 3, 13), now).shifts
    assert shift.warnings == (
        "Before the retreat was sent Sat 13 Mar 2027, after its new window closes "
        "(Fri 12 Mar 2027): it is no baseline then.",
    )


def test_a_window_that_would_have_closed_unanswered_is_named(site: Site) -> None:
    add_course(site)
    (shift,) = preview(site, date(2027, 3, 10)).shifts
    assert shift.shut == ("Before the retreat",)
    assert preview(site, EARLY).shifts[0].shut == ()


def test_what_was_sent_for_the_day_before_is_said_to_go_again(site: Site) -> None:
    add_course(site)
    with MailServer() as server:
        assert Ticker(site, SmtpMailer(server.url), lambda: INVITATION).tick() == 1
    (shift,) = preview(site, LATE).shifts
    assert [p.sent for p in shift.prompts[:2]] == [INVITATION, None]


def test_nothing_goes_at_once_to_somebody_who_cannot_be_reached(site: Site) -> None:
    add_course(site, address=None)
    (shift,) = preview(site, EARLY).shifts
    assert shift.at_once == 0
    assert (shift.prompts[1].lot, shift.prompts[1].why) == ("held", "no e-mail address on record")


def test_prompts_say_what_becomes_of_them(site: Site) -> None:
    add_course(site)
    (shift,) = preview(site, EARLY).shifts
    lots = [(p.label, p.number, p.lot) for p in shift.prompts]
    assert lots[:3] == [
        ("Before the retreat", 0, "not sent"),
        ("Before the retreat", 1, "at once"),
        ("Before the retreat", 2, "later"),
    ]
    assert shift.prompts[0].why == "a newer message was due"
    assert {p.lot for p in shift.prompts[3:]} == {"held"}
    assert shift.at_once == 1


def test_what_the_preview_says_is_what_happens(site: Site) -> None:
    add_course(site)
    with MailServer() as server:
        told = preview(site, EARLY)
        dosing.set_dosing_day(site, "P-01", 1, EARLY, actor="staff:1", now=LATER)
        assert Ticker(site, SmtpMailer(server.url), lambda: LATER).tick() == 1
    assert told.shifts[0].at_once == 1


def test_moving_back_says_that_the_message_was_sent(site: Site) -> None:
    add_course(site)
    with MailServer() as server:
        assert Ticker(site, SmtpMailer(server.url), lambda: INVITATION).tick() == 1
    dosing.set_dosing_day(site, "P-01", 1, LATE, actor="staff:1", now=LATER)
    (shift,) = preview(site, date(2027, 3, 20)).shifts
    assert (shift.prompts[0].lot, shift.prompts[0].why) == ("not sent", moving.SENT_BEFORE)


def test_messages_in_hand_are_counted(site: Site) -> None:
    course = add_course(site)
    assert prompting.claim(site, course, "worker", INVITATION) is not None
    assert preview(site, LATE, INVITATION).in_hand == 1


def test_the_digest_changes_with_what_would_happen(site: Site) -> None:
    course = add_course(site)
    before = preview(site, LATE).digest
    assert preview(site, LATE, LATER + timedelta(minutes=3)).digest == before
    submit(site, course, "baseline", "hads", INVITATION)
    assert preview(site, LATE).digest != before


@pytest.mark.parametrize("reason", ["", "   ", "x" * 301])
def test_a_reason_is_asked_for(site: Site, reason: str) -> None:
    add_course(site)
    with pytest.raises(InputError) as caught:
        moving.course_preview(site, "P-01", 1, LATE, reason, "", LATER)
    assert set(caught.value.problems) == {"reason"}
