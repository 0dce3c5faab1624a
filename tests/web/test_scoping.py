"""An account with some retreats: its lists, what it adds, and whom it shares with others."""

from __future__ import annotations

from datetime import time

import pytest

from surveyapp.services import alert_views, digest_messages, overview, rehearsal, reporting
from surveyapp.services.digest import Wish, counted, digest_view, rights_of, save
from surveyapp.services.health import health
from surveyapp.services.rights import NOTHING, Rights, of_roles
from surveyapp.services.scope import sees
from surveyapp.services.today import today
from surveyapp.store import staff
from surveyapp.store.tables import Study
from surveyapp.store.tables_access import Membership
from tests.browser.conftest import DAY_8
from tests.staffwalk import NEW, OTHER
from tests.strangers import (
    ADDRESS,
    BOTH,
    BY,
    ELSEWHERE,
    OWN,
    STRANGER,
    fingerprint,
)
from tests.web.stage import Stage

PEOPLE = "/staff/retreats/4/people"
SCOPE = frozenset(OWN)


def account_id(stage: Stage, name: str) -> int:
    with stage.site.database.read() as session:
        row = staff.find_by_email(session, f"{name}@staff.example.org")
        assert row is not None
        return row.id


def test_lists_hold_what_is_ones_own(stage: Stage) -> None:
    site = stage.site
    assert {r.id for r in overview.retreats(site, SCOPE)} == SCOPE
    assert ELSEWHERE in {r.name for r in overview.retreats(site)}
    assert [s.protocol for s in overview.studies(site, SCOPE)] == ["second-retreat"]
    assert [s.whole for s in overview.studies(site, frozenset({1}))] == [False]
    assert [s.retreats for s in overview.studies(site, frozenset({1}))] == [1]
    assert overview.people(site, STRANGER, DAY_8, SCOPE) == []
    (both,) = overview.people(site, BOTH, DAY_8, SCOPE)
    assert (both.retreat, both.number) == ("Winter 2026", 2)
    assert overview.people(site, "", DAY_8, frozenset()) == []
    assert {a.code for a in alert_views.listed(site)} > {STRANGER}
    assert STRANGER not in {a.code for a in alert_views.listed(site, SCOPE)}
    mdma = site.library.protocols["mdma"]
    assert rehearsal.site_texts(site, mdma, SCOPE).phone == ""


def test_a_study_is_opened_by_whoever_has_all_its_retreats(stage: Stage) -> None:
    held = of_roles(["coordinator"], sees_scores=False)
    for retreats, seen in ((OWN, True), ((1, 2, 3), False), ((*OWN, 5), True), ((), False)):
        rights = Rights(held, frozenset(retreats))
        assert sees(stage.site, rights, {"study_id": 1}) is seen
    assert sees(stage.site, Rights(held), {"study_id": 999})
    assert not sees(stage.site, Rights(held, frozenset({1})), {"something_new": 1})


def test_a_course_elsewhere_is_shown_beside_ones_own_and_not_changed(stage: Stage) -> None:
    page = stage.page("member", f"/staff/people/{BOTH}")
    assert ELSEWHERE in page
    assert "A course of a retreat that is not yours" in page
    assert f"/staff/people/{BOTH}/2/note" in page
    assert f"/staff/people/{BOTH}/3/" not in page
    assert f"/staff/retreats/{stage.foreign['retreat_id']}" not in page
    before = fingerprint(stage.site.database)
    for act in ("note", "stop", "consent", "dosing-day", "event"):
        assert stage.ask("member", "GET", f"/staff/people/{BOTH}/3/{act}").status_code == 404
        path = f"/staff/people/{BOTH}/3/{act}"
        assert stage.act("member", path, {"text": "x", "on": "2027-03-01"}).status_code == 404
    assert fingerprint(stage.site.database) == before
    assert f"/staff/people/{BOTH}/3/note" in stage.page("everything", f"/staff/people/{BOTH}")


@pytest.mark.parametrize(
    "form",
    [
        {"do": "one", "code": STRANGER},
        {"do": "one", "code": STRANGER.lower()},
        {"do": "check", "rows": f"{STRANGER},new@example.org"},
        {"do": "add", "rows": f"X-1,new@example.org\n{STRANGER}"},
    ],
)
def test_nobody_is_brought_in_from_elsewhere_by_guessing_their_code(
    stage: Stage,
    form: dict[str, str],
) -> None:
    before = fingerprint(stage.site.database)
    answer = stage.act("member", PEOPLE, form)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 400
    assert "is taken. Choose another." in page
    assert "course 2" not in page
    assert fingerprint(stage.site.database) == before


def test_somebody_of_ones_own_may_come_again(stage: Stage) -> None:
    answer = stage.act("member", PEOPLE, {"do": "check", "rows": "D-02, d02@example.org"})
    assert answer.status_code == 200
    assert "D-02" in answer.get_data(as_text=True)


def test_a_shared_address_names_nobody_of_elsewhere(stage: Stage) -> None:
    path = f"/staff/people/{NEW}/contact"
    page = stage.page("member", path)
    stood = page.partition('name="stood"')[2].partition('value="')[2].partition('"')[0]
    form = {"stood": stood, "email": ADDRESS, "phone": "", "channels": "email"}
    assert stage.act("member", path, form).status_code == 303
    told = stage.page("member", f"/staff/people/{NEW}")
    assert "others are asked for a PIN" in told
    assert STRANGER not in told


def test_whoever_is_limited_has_the_retreat_that_they_add(stage: Stage) -> None:
    taken = stage.act("member", "/staff/retreats/new", retreat_form(ELSEWHERE))
    assert "There is already a retreat called" in taken.get_data(as_text=True)
    made = stage.act("member", "/staff/retreats/new", retreat_form("Autumn 2027"))
    assert made.status_code == 303
    assert stage.ask("member", "GET", made.location).status_code == 200
    new = int(made.location.rpartition("/")[2])
    with stage.site.database.read() as session:
        assert session.get(Membership, (account_id(stage, "member"), new))


def test_a_live_study_of_others_is_not_offered_and_takes_no_retreat(stage: Stage) -> None:
    with stage.site.database.write() as session:
        first = session.get(Study, 1)
        assert first is not None
        live = Study(**{**first.model_dump(exclude={"id"}), "mode": "live", "title": "Elsewhere"})
        session.add(live)
        session.flush()
        number = str(live.id)
    path = "/staff/retreats/new"
    assert "Live: Elsewhere" in stage.page("everything", path)
    assert "Live: Elsewhere" not in stage.page("member", path)
    before = fingerprint(stage.site.database)
    answer = stage.act("member", path, {**retreat_form("Taken over"), "study": number})
    assert answer.status_code == 400
    assert "Choose one of the studies." in answer.get_data(as_text=True)
    assert fingerprint(stage.site.database) == before
    with stage.site.database.write() as session:
        session.delete(session.get(Study, int(number)))


def retreat_form(name: str) -> dict[str, str]:
    zone = "Europe/Amsterdam"
    return {"name": name, "protocol": "second-retreat", "time_zone": zone, "dosing_date": ""}


def test_a_coordinator_types_a_sheet_in_without_seeing_what_it_comes_to(stage: Stage) -> None:
    path = f"/staff/people/{NEW}/2/sheet/baseline/hads"
    items = stage.site.library.instruments["hads"].items
    typed = {f"item-{item.id}": "1" for item in items}
    form = {**typed, "mode": "paper", "on": DAY_8.date().isoformat()}
    seen = stage.act("coordinator", path, form).get_data(as_text=True)
    assert "What it comes to" in seen
    assert "<dt>Anxiety" not in seen
    assert "<dt>Anxiety" in stage.act("clinician", path, form).get_data(as_text=True)
    other = f"/staff/people/{OTHER}/1/sheet/baseline/hads/second"
    assert other in stage.page("coordinator", f"/staff/people/{OTHER}")
    done = stage.act("coordinator", other, typed)
    assert done.location.endswith(f"/staff/people/{OTHER}")


def test_a_report_counts_people_who_were_in_a_retreat_of_another_study_too(stage: Stage) -> None:
    report = reporting.retreat_report(stage.site, "Winter 2026", DAY_8)
    assert len(report.html) > 1000
    assert report.numbers()["scores"]


def test_the_digest_counts_what_its_account_sees(stage: Stage) -> None:
    site = stage.site
    told = {name: digest_view(site, account_id(stage, name), DAY_8) for name in ACCOUNTS}
    for name, view in told.items():
        needs = today(site, DAY_8, health(site, DAY_8), rights_of(site, account_id(stage, name)))
        for kind, count in counted(needs.needs).items():
            assert f"{kind}: {count}" in view.text or f"{count}" in view.text
    everything = counted(today(site, DAY_8, health(site, DAY_8)).needs)
    limited = rights_of(site, account_id(stage, "member"))
    mine = counted(today(site, DAY_8, health(site, DAY_8), limited).needs)
    assert mine["Alerts, open"] == everything["Alerts, open"] - 1
    assert today(site, DAY_8, health(site, DAY_8), NOTHING).needs == []


ACCOUNTS = ("coordinator", "member", "everything")


def test_a_digest_that_is_wanted_still_goes_to_nobody_who_sees_no_states(stage: Stage) -> None:
    site, who = stage.site, account_id(stage, "admin")
    wish = Wish(True, time(8), "UTC", "admin@staff.example.org", when_quiet=True)
    save(site, who, wish, **{**BY, "now": DAY_8.replace(hour=7)})
    digest_messages._plan_all(site, DAY_8)  # pyright: ignore[reportPrivateUsage]
    assert digest_view(site, who, DAY_8).sent == []
