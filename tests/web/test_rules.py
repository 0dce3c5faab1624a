"""Every route has a rule, and every kind of account is tried against every route and object."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest
from werkzeug.routing import Rule as Route

from surveyapp.services.scope import NOTHING_THERE, OBJECTS, WITHIN
from surveyapp.web import demo, parts
from surveyapp.web.app import create_app
from surveyapp.web.rules import RULES
from tests.browser.conftest import DAY_8
from tests.staffwalk import Values
from tests.strangers import (
    ADDRESS,
    ELSEWHERE,
    PERSONAS,
    STRANGER,
    every_address,
    fingerprint,
    token_in,
)
from tests.web.stage import Stage
from tests.web.who import (
    ANSWERS,
    BEFORE_SIGNING_IN,
    CONCERNS_ALL,
    FILES,
    NAMES_SOMEBODY,
    POSTED,
    WHO,
)

ADD = "add a line to {} in {}"


def may(name: str, page: str) -> bool:
    if page in BEFORE_SIGNING_IN or name == "everything":
        return True
    if name == "member":
        return page not in CONCERNS_ALL
    return name in WHO[page].split()


def test_every_route_has_a_rule_and_every_rule_a_route(stage: Stage) -> None:
    site, clock = stage.site, lambda: DAY_8
    extra = [demo.make_blueprint(NoStage()), parts.make_blueprint(site, clock)]
    known = {rule.endpoint for rule in create_app(site, clock, extra).url_map.iter_rules()}
    file = "surveyapp/web/rules.py"
    assert known - RULES.keys() == set(), ADD.format("RULES", file)
    assert RULES.keys() - known == set(), f"no such route: take the line out of RULES in {file}"


def test_every_staff_page_stands_in_this_files_own_table(stage: Stage) -> None:
    pages = {rule.endpoint.removeprefix("staff.") for rule in stage.routes()} - BEFORE_SIGNING_IN
    assert pages - WHO.keys() == set(), ADD.format("WHO", "tests/web/who.py")
    assert WHO.keys() - pages == set(), "no such page: take the line out of WHO"


def test_every_argument_of_an_address_is_known_to_the_scope(stage: Stage) -> None:
    arguments = {name for rule in stage.routes() for name in rule.arguments}
    where = "OBJECTS (and `_sees`) or WITHIN", "surveyapp/services/scope.py"
    assert arguments - OBJECTS - WITHIN == set(), ADD.format(*where)


@pytest.mark.parametrize("name", ["nobody", *PERSONAS])
def test_every_account_gets_exactly_the_pages_that_are_its_own(
    stage: Stage, own: dict[str, Values], name: str
) -> None:
    """Own objects; acts that are refused carry a true token, those that are let in none, so that
    nothing may be written at all."""
    token = stage.token(name)
    before = fingerprint(stage.site.database)
    wrong = [
        f"{method} {path}: {got}, not {wanted}"
        for rule, method in product(stage.routes(), ("GET", "POST"))
        if not (rule.endpoint == "staff.sign_out" and method == "POST")
        for path in [stage.path(rule, own[rule.endpoint])]
        for wanted in [expected(name, rule, method)]
        if wanted
        for form in [None if wanted == 400 or method == "GET" else {"csrf_token": token}]
        for got in [stage.ask(name, method, path, form).status_code]
        if got != wanted
    ]
    assert not wrong, "\n".join(wrong)
    assert fingerprint(stage.site.database) == before


def expected(name: str, rule: Route, method: str) -> int:
    """The status; 0 for what is not asked."""
    page = rule.endpoint.removeprefix("staff.")
    if method not in (rule.methods or ()):
        return 405
    if page == "code":
        return 303  # nobody is half signed in here
    if page in BEFORE_SIGNING_IN:
        known = page == "sign_in" and name != "nobody"
        return 303 if known else 400 if method == "POST" else 200
    if name == "nobody":
        return 303
    if not may(name, page):
        return 403
    if method == "POST":
        return POSTED.get(page, 400) if name in ("everything", "member") else 0
    if page in FILES:
        return 0
    return ANSWERS.get((page, name)) or ANSWERS.get((page, ""), 200)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_lies_elsewhere_is_as_if_it_were_not_there(
    stage: Stage, own: dict[str, Values], method: str
) -> None:
    """A member tries what is there in another retreat, and what is nowhere, with a true token: the
    same answer, byte for byte."""
    form = {"csrf_token": stage.token("member")}
    data = form if method == "POST" else None
    nowhere: Values = {name: 999 for name in stage.foreign} | {"code": "Nn-99"}
    before = fingerprint(stage.site.database)
    tried = 0
    for rule in stage.routes():
        whole = rule.endpoint.removeprefix("staff.") in CONCERNS_ALL
        if not rule.arguments & OBJECTS or whole or method not in (rule.methods or ()):
            continue
        known = own[rule.endpoint]
        there, not_there = (
            stage.ask("member", method, stage.path(rule, {**known, **other}), data)
            for other in (stage.foreign, nowhere)
        )
        assert (there.status_code, not_there.status_code) == (404, 404), rule.rule
        assert NOTHING_THERE in there.get_data(as_text=True)
        assert blank(there.get_data(as_text=True)) == blank(not_there.get_data(as_text=True))
        tried += 1
    assert tried >= 50 if method == "GET" else 45
    assert fingerprint(stage.site.database) == before


def blank(page: str) -> str:
    """A page without its token, which is new each time."""
    return page.replace(token_in(page), "")


def test_a_part_of_somebody_else_is_not_found_through_ones_own(
    stage: Stage, own: dict[str, Values]
) -> None:
    """The note, event, reading or stop of a stranger below the address of one's own person."""
    for page in ("withdraw_note", "change_event", "withdraw_reading", "undo_stop"):
        endpoint = f"staff.{page}"
        rule = next(r for r in stage.routes() if r.endpoint == endpoint)
        (part,) = rule.arguments - OBJECTS
        path = stage.path(rule, {**own[endpoint], part: stage.foreign[part]})
        for name in ("member", "everything"):
            assert stage.ask(name, "GET", path).status_code == 404, path


def test_reports_are_drawn_for_whoever_may(stage: Stage, own: dict[str, Values]) -> None:
    for rule in stage.routes():
        if name := FILES.get(rule.endpoint.removeprefix("staff.")):
            answer = stage.ask(name, "GET", stage.path(rule, own[rule.endpoint]))
            assert answer.mimetype in ("application/pdf", "text/csv")


def test_signing_in_as_staff_opens_nothing_of_a_participants(stage: Stage) -> None:
    """Links, cookies, tablets and machines: the same answer for every account as for nobody."""
    arguments: Values = {
        "token": "A" * 22,
        "visit": "B" * 22,
        "instrument": "hads",
        "secret": "C" * 22,
        "filename": "staff.css",
    }
    rules = [r for r in stage.app.url_map.iter_rules() if not r.endpoint.startswith("staff.")]
    build = stage.app.url_map.bind("localhost").build
    before = fingerprint(stage.site.database)
    for rule, method in product(rules, ("GET", "POST")):
        path = build(rule.endpoint, {n: arguments[n] for n in rule.arguments}, method=None)
        told = {name: status(stage, name, method, path) for name in ("nobody", *PERSONAS)}
        assert len(set(told.values())) == 1, (path, told)
        if method == "POST":
            assert told["nobody"] >= 303, path
    assert fingerprint(stage.site.database) == before


def status(stage: Stage, name: str, method: str, path: str) -> int:
    with stage.ask(name, method, path) as answer:
        return answer.status_code


def pages_of(stage: Stage, own: dict[str, Values], name: str) -> Iterator[tuple[str, str]]:
    """Every page that an account may open, as it comes, with its lists; no file."""
    for rule in stage.routes():
        page = rule.endpoint.removeprefix("staff.")
        left_out = page in BEFORE_SIGNING_IN | FILES.keys() or "GET" not in (rule.methods or ())
        if not left_out and may(name, page):
            yield page, stage.seen(name, stage.path(rule, own[rule.endpoint]))
    for path in ("/staff/people?q=z", "/staff/rehearsal?protocol=mdma&dosing-1=2027-05-01"):
        yield path, stage.seen(name, path)


SCORES = ('class="figure"', 'class="scores', "Scores and change", "to 19 at ", "rose from")
"""What stands on a page only where a score does; 19 is the score of the alert."""


@pytest.mark.parametrize("name", ["coordinator", "clinician", "analyst", "admin", "member"])
def test_no_page_holds_what_an_account_may_not_see(
    stage: Stage, own: dict[str, Values], name: str
) -> None:
    roles = PERSONAS[name].roles
    addresses = every_address(stage.site)
    assert ADDRESS in addresses
    hidden: set[str] = set()
    if "coordinator" not in roles:
        hidden |= addresses
    if "clinician" not in roles:
        hidden |= {*SCORES}
    if name in ("analyst", "admin"):
        hidden |= {STRANGER, "M-01", "M-02", "D-02"}
    if name == "member":
        hidden |= {STRANGER, ELSEWHERE, ADDRESS}
    seen = dict(pages_of(stage, own, name))
    if name == "admin":
        seen = {page: text for page, text in seen.items() if page not in NAMES_SOMEBODY}
    found = [(page, words) for page, text in seen.items() for words in hidden if words in text]
    assert found == []
    if "clinician" in roles:
        missing = [words for words in SCORES if words not in "".join(seen.values())]
        assert missing == []


@pytest.mark.parametrize(
    ("name", "path", "words"),
    [
        ("coordinator", "/staff/people/M-01/report.pdf", "This page is for the role clinician."),
        ("analyst", "/staff/people", "for the role coordinator or the role clinician."),
        ("clinician", "/staff/system", "This page is for the role admin."),
        ("member", "/staff/sending", "This concerns every retreat"),
        ("nothing", "/staff/", "This account may open nothing yet."),
    ],
)
def test_a_refusal_says_for_whom_it_is_and_who_can_help(
    stage: Stage, name: str, path: str, words: str
) -> None:
    page = stage.page(name, path)
    assert words in page
    assert "Whoever looks after the accounts here can change" in page


def test_nothing_is_offered_that_would_be_refused(stage: Stage, own: dict[str, Values]) -> None:
    """Every link of every page leads somewhere that its reader may go."""
    adapter = stage.app.url_map.bind("checkin.example.org", url_scheme="https")
    for name in ("coordinator", "clinician", "analyst", "admin", "member"):
        for page, text in pages_of(stage, own, name):
            for link in {part.partition('"')[0] for part in text.split('href="')[1:]}:
                if link.startswith("/staff"):
                    endpoint, _ = adapter.match(link.partition("?")[0].partition("#")[0])
                    assert may(name, endpoint.removeprefix("staff.")), (name, page, link)


class NoStage:
    """A demo that is not there: its pages are named, not opened."""

    def bar(self) -> demo.Bar:
        raise NotImplementedError  # named, never opened

    def mails(self) -> list[demo.Mail]:
        return []

    def leap(self, target: str) -> str:
        return target
