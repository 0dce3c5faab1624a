"""Every staff page there is, taken from the application's own routes, over the demo's people.

A new page is walked as soon as it has an address. One that needs a row which nobody here has makes
the walk fail until `values` names one; what is no page stands in NOT_PAGES with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any

from playwright.sync_api import Page
from werkzeug.routing import Rule

from surveyapp.demo.seed import seed
from surveyapp.services import (
    accounts,
    alert_acts,
    alert_views,
    batch,
    overview,
    personal,
    pressure,
    sheets,
    stopping,
)
from surveyapp.services.batch import Progress
from surveyapp.services.pressure import NewReading
from surveyapp.services.readmodels import CourseView
from surveyapp.services.sheets import NewSheet
from surveyapp.services.site import Site
from surveyapp.services.stopping import NewStop
from surveyapp.web import parts
from surveyapp.web.app import create_app
from tests.backups import a_run
from tests.browser.conftest import DAY_8, Server
from tests.fillers import PERMISSION, install

EMAIL, PASSWORD = "ada@example.org", "a long enough one"
NEW, OTHER, OLD, STUDY = "M-01", "M-02", "D-02", 1
DOSED = date(2026, 2, 14)
NOT_PAGES = {
    "staff.wording_template": "a CSV file",
    "staff.person_report": "a PDF",
    "staff.retreat_report": "a PDF",
    "staff.retreat_events_csv": "a CSV file",
    "staff.session_pdfs_zip": "a ZIP file",
    "staff.export_zip": "a ZIP file",
}
LEAD_ON = {
    "staff.code": "nobody's code is asked for; it says so on the page to sign in",
    "staff.factor_off": "there is no second factor here",
    "staff.recovery_codes": "there is no second factor here",
    "staff.remove_factor": "there is no second factor here",
    "staff.studies": "one study's list is its page",
    "staff.retreat_version": "no newer version of the protocol is installed here, and it says so",
    "staff.study_version": "nor for the study",
}
"""Pages that show another one; `test_staff.py`, `test_versions.py` and `test_second_factor.py` see
them as themselves."""
FIRST = ("staff.sign_in", "staff.code", "staff.welcome")
Look = Callable[[str], None]
Values = dict[str, Any]


def furnish(site: Site) -> None:
    """The demo's seed, and what it lacks: a reading, a pause, an alert, a sheet of paper, a backup,
    and session PDFs on their way."""
    seed(site, DAY_8 - timedelta(hours=1))
    by: Any = {"actor": "demo", "now": DAY_8}
    reading = NewReading(142, 88, 72, DOSED, time(10, 30), "dosing")
    pressure.add_reading(site, OLD, 2, reading, **by)
    pause = NewStop("paused", None, DAY_8.date() + timedelta(days=9), "In hospital")
    stopping.record_stop(site, OLD, 2, pause, **by)
    alert_acts.drill(site, STUDY, **by)
    items = site.library.instruments["hads"].items
    paper = NewSheet({item.id: 1 for item in items}, "paper", DAY_8.date())
    sheets.enter_sheet(site, OTHER, course(site, OTHER).number, "baseline", "hads", paper, **by)
    a_run(site, DAY_8 - timedelta(hours=2))
    install(site, "hads", permission=replace(PERMISSION, maximum="1"), **by)
    batch.tell(site, course(site, NEW).retreat_id, Progress(4, DAY_8.isoformat(), 1, (NEW,)))


def course(site: Site, code: str) -> CourseView:
    """The newest."""
    return personal.person_view(site, code, DAY_8).courses[0]


def values(site: Site) -> tuple[Values, dict[str, Values]]:
    """What fills the addresses: for most pages, and for single ones."""
    new, old = course(site, NEW), course(site, OLD)
    usual: Values = {
        "retreat_id": new.retreat_id,
        "code": NEW,
        "number": new.number,
        "study_id": STUDY,
        "account_id": 1,
        "alert_id": alert_views.listed(site)[0].id,
        "timepoint": "baseline",
        "instrument": "hads",
        "channel": "email",
        "kind": "invitation",
        "wording_id": 1,
        "language": "en",
        "session": "preparation-1",
        "token": accounts.ensure_first_account(site, EMAIL, DAY_8).token,
    }
    past: Values = {"code": OLD, "number": old.number}
    return usual, {
        "staff.person": past,
        "staff.retreat_events": {"retreat_id": old.retreat_id},
        "staff.correct_sheet": past,
        "staff.clear": {"timepoint": "week-24"},
        "staff.second_entry": {"code": OTHER, "number": course(site, OTHER).number},
        "staff.withdraw_note": a_note(site),
        "staff.blood_pressure": past,
        "staff.undo_stop": {**past, "stop_id": old.stops[0].id},
        "staff.change_event": {**past, "event_id": old.log.events[0].id},
        "staff.withdraw_reading": {**past, "reading_id": old.log.readings[0].id},
    }


def a_note(site: Site) -> Values:
    """The demo's, of whoever is listed first."""
    first = overview.people(site, "", DAY_8)[0]
    places = [h.place for h in course(site, first.code).timeline if h.act == "Withdraw"]
    return dict(places[0].args) if places and places[0] else {}


def serve(site: Site) -> Server:
    """The application with the demo's page of parts."""
    server = Server(site)
    server.extra = (parts.make_blueprint(site, server.clock),)
    server.up()
    return server


def addresses(server: Server) -> dict[str, str]:
    """The address of every staff page by its endpoint; FIRST as long as nobody is signed in."""
    usual, own = values(server.site)
    urls = create_app(server.site, server.clock, server.extra).url_map
    build = urls.bind("127.0.0.1").build

    def fill(rule: Rule) -> str:
        chosen = {**usual, **own.get(rule.endpoint, {})}
        return build(rule.endpoint, {name: chosen[name] for name in rule.arguments})

    rules = sorted(urls.iter_rules(), key=lambda r: (r.endpoint not in FIRST, r.rule))
    return {
        rule.endpoint: fill(rule)
        for rule in rules
        if rule.rule.startswith("/staff") and "GET" in (rule.methods or ())
        if rule.endpoint not in NOT_PAGES
    }


def walk(page: Page, server: Server, look: Look) -> Iterator[str]:
    """Look at every page once, signed in where that is needed; yields what could not be opened."""
    for endpoint, path in addresses(server).items():
        answer = page.goto(server.url + path)
        assert answer is not None
        itself = answer.status == 200 and not answer.request.redirected_from
        if itself == (endpoint in LEAD_ON):
            yield f"{endpoint}: {answer.status} at {answer.url}"
        look(endpoint.partition(".")[2])
        if endpoint == "staff.welcome":
            enter(page)


def enter(page: Page) -> None:
    """From the welcome page to Today."""
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD)
    page.get_by_role("button", name="Save and sign in").click()
    page.wait_for_url("**/staff/")
