"""Every address there is, with what no page sends: never a 500, and nothing written when refused.

The application's own routes are walked, so a new one is tried as soon as it has an address. What
is sent is drawn from a seed, which a failure names: `FUZZ_SEED=… pytest tests/web/test_fuzz.py`
repeats it.
"""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import quote, urlencode

import pytest
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from surveyapp.services import accounts, answering, bounces, pins
from surveyapp.services.site import Site
from surveyapp.services.visits import write_capability
from surveyapp.store.links import ensure_link
from surveyapp.web.app import create_app
from tests.conftest import NOON
from tests.watching import watched
from tests.world import add_course

from .conftest import DAY_8, Browser, Clock
from .test_staff import EMAIL, PASSWORD, act

SEED = int(os.environ.get("FUZZ_SEED", "20270328"))
BODIES = {"sqlite": 2, "postgresql": 1}
BASE = "https://checkin.example.org"
FORM = "application/x-www-form-urlencoded"
LEFT_OUT = {
    "static": "files of the program",
    "staff.sign_out": "it would end the sign-in that the others need",
    "staff.hand_over": "it would end the sign-in that the others need",
    "staff.session_pdfs": "it starts a process of its own; see test_batch.py",
    "staff.person_report": "it draws for a second; see test_reporting.py",
    "staff.retreat_report": "it draws for a second; see test_reporting.py",
}
COUNTED = {
    "staff.own_password": {"sign_in_try"},
    "staff.factor_off": {"sign_in_try"},
    "staff.second_factor": {"sign_in_try"},
    "staff.recovery_codes": {"sign_in_try"},
    "staff.sign_in": {"event", "event_payload"},
    "staff.welcome": {"event", "event_payload"},
    "handover.admit": {"event", "event_payload", "pin"},
    "participant.begin": {"event", "event_payload", "pin"},
}
"""A refused try is counted and recorded here."""
ODD: tuple[str, ...] = (
    "",
    " ",
    "\x00",
    "a\x00b",
    "\U0001f600" * 40,
    "\u202e\u0000\u200b",
    "-1",
    "0",
    "1e309",
    "NaN",
    "9" * 40,
    "٣",
    "0001-01-01",
    "9999-12-31",
    "2027-02-30",
    "2027-03-28T10:00",
    "24:00",
    "23:59",
    "'; DROP TABLE answer; --",
    '"><script>alert(1)</script>',
    "{{ 7 * 7 }}%s%n${x}",
    "../../../../etc/passwd",
    "=HYPERLINK(1)",
    "a\r\nSet-Cookie: b=c",
    "x" * 5_000,
    "Europe/Amsterdam",
    "../Europe/Amsterdam",
    "a@example.org",
    "y",
)
RAW: tuple[tuple[bytes, str], ...] = (
    (b"", FORM),
    (b"a=%ED%A0%80&%ff=%fe&=&&;", FORM),
    (b"\xff\xfe\x00", FORM),
    (b"[" * 30_000, "application/json"),
    (b'{"a": ' * 9_000, "application/json"),
    (b'{"w": "x", "sent_at": 1e999, "answers": []}', "application/json"),
    (b'{"w": null, "sent_at": true, "answers": {}}', "application/json"),
    (b'{"w": "\\ud800", "sent_at": 1, "answers": []}', "application/json"),
    (b"null", "application/json; charset=utf-7"),
    (b"x" * 70_000, "text/plain"),
    (b"x", "multipart/form-data"),
    (b"--b\r\nnothing\r\n--b--", "multipart/form-data; boundary=b"),
    (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="../\x00a.csv"\r\n\r\n'
        b"\x00\xff,=1\r\n--b--\r\n",
        "multipart/form-data; boundary=b",
    ),
    (
        b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n",
        "multipart/form-data; boundary=b",
    ),
)
SEGMENTS = ("x", "%00", "%F0%9F%98%80", "..%2f..", "a%0d%0ab", "-1", "9" * 30, "%ff", "'--")
FIELD = re.compile(r'<(?:input|select|textarea)\b[^>]*?\bname="([^"]+)"[^>]*>')
VALUE = re.compile(r'\bvalue="([^"]*)"')
OPTION = re.compile(r'<option\b[^>]*\bvalue="([^"]*)"')


@dataclass
class World:
    """A signed-in browser and what fills the addresses."""

    site: Site
    client: FlaskClient
    token: str
    values: dict[str, str]
    rules: list[Rule]
    draw: random.Random = field(default_factory=lambda: random.Random(SEED))

    def send(self, method: str, path: str, **how: Any) -> tuple[int, set[str]]:
        """The status, and the tables that were written."""
        with watched(self.site) as done:
            answer = self.client.open(path, method=method, base_url=BASE, **how)
            status = answer.status_code
            answer.close()
        return status, set[str]().union(*done)


@pytest.fixture
def world(site: Site) -> Iterator[World]:
    """A retreat with two people, one on the way through a check-in, a PIN, and staff signed in."""
    add_course(site, confirmed=True)
    add_course(site, "P-02", address=None, confirmed=True)
    with site.database.write() as session:
        token = ensure_link(session, site.link_key, 1, "day-8")
    opened = answering.begin(site, token, DAY_8)
    pins.give_pin(site, "P-02", asked=True, actor="staff:1", now=NOON)
    invite = accounts.ensure_first_account(site, EMAIL, DAY_8).token
    accounts.accept_invite(site, invite, PASSWORD, DAY_8)
    app = create_app(site, Clock())
    values = {"retreat_id": "1", "code": "P-01", "number": "1", "study_id": "1", "alert_id": "1"}
    values |= {"timepoint": "day-8", "instrument": "hads", "channel": "email", "token": token}
    values |= {"kind": "invitation", "language": "en", "session": "preparation-1"}
    values |= {"visit": opened.visit, "secret": bounces.secret(site)}
    values |= {"w": write_capability(opened.read_secret)}
    with app.test_client() as client:
        client.environ_base["HTTP_REFERER"] = f"{BASE}/staff/"
        browser = Browser(client, Clock(), BASE)
        page = act(browser, "/staff/sign-in", {"email": EMAIL, "password": PASSWORD})
        csrf = page.attribute("input", "value", name="csrf_token")
        rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint not in LEFT_OUT]
        yield World(site, client, csrf, values, sorted(rules, key=lambda r: r.rule))


def test_no_address_breaks_and_what_is_refused_writes_nothing(world: World) -> None:
    tried, wrong = 0, list[str]()
    for rule in world.rules:
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            for path, how in tries(world, rule, method):
                status, wrote = world.send(method, path, **how)
                tried += 1
                where = f"FUZZ_SEED={SEED}: {method} {path} {how}"[:1500]
                if status >= 500:
                    wrong.append(f"{status} at {where}")
                if method == "GET" or status >= 400:
                    allowed = COUNTED.get(rule.endpoint, set()) | beside(rule, method)
                    if not wrote <= allowed:
                        wrong.append(f"{status}, wrote {wrote} at {where}")
    assert wrong == []
    assert tried > 500


def beside(rule: Rule, method: str) -> set[str]:
    """A file that is fetched is an export, and on record."""
    fetched = method == "GET" and rule.rule.endswith((".csv", ".zip"))
    return {"event", "event_payload"} if fetched else set()


def tries(world: World, rule: Rule, method: str) -> Iterator[tuple[str, dict[str, Any]]]:
    path = address(world, rule)
    odd = address(world, rule, world.draw.choice(SEGMENTS))
    query = {name: world.draw.choice(ODD) for name in ("q", "page", "since", "kind", "next", "day")}
    if method == "GET":
        yield path, {}
        yield f"{path}?{urlencode(query)}", {}
        if odd != path:
            yield odd, {}
        return
    fields = fields_of(world, path)
    for _ in range(BODIES["sqlite" if world.site.database.is_sqlite else "postgresql"]):
        yield path, {"data": form(world, fields), "content_type": FORM}
    body, kind = world.draw.choice(RAW)
    yield path, {"data": body, "content_type": kind}
    yield odd, {"data": form(world, fields), "content_type": FORM}
    if rule.endpoint in ("participant.answers", "hooks.take_bounces"):
        for body, kind in (*RAW, *deliveries(world)):
            yield path, {"data": body, "content_type": kind}


def address(world: World, rule: Rule, odd: str = "") -> str:
    """The rule's address; with `odd`, one of its parts is that."""
    names = sorted(map(str, cast(set[Any], rule.arguments)))
    swapped = world.draw.choice(names) if odd and names else ""
    path = rule.rule
    for name in names:
        value = odd if name == swapped else quote(world.values.get(name, "1"), safe="")
        path = re.sub(rf"<(?:\w+:)?{name}>", value.replace("\\", ""), path)
    return path


def fields_of(world: World, path: str) -> dict[str, list[str]]:
    """The names that the page's own forms send, with the values they offer."""
    answer = world.client.get(path, base_url=BASE)
    html = answer.get_data(as_text=True) if answer.mimetype == "text/html" else ""
    fields: dict[str, list[str]] = {"w": [world.values["w"]], "do": ["save", "check", "add", "one"]}
    for found in FIELD.finditer(html):
        fields.setdefault(found[1], []).extend(VALUE.findall(found[0]))
        if found[0].startswith("<select"):
            after = html[found.end() : html.find("</select>", found.end())]
            fields[found[1]].extend(OPTION.findall(after))
    return fields


def form(world: World, fields: dict[str, list[str]]) -> bytes:
    """What the page sends with some of it spoilt: odd values, left out, twice, invented."""
    pairs: list[tuple[str, str]] = []
    for name, offered in fields.items():
        if world.draw.random() < 0.1:
            continue
        fits = bool(offered) and world.draw.random() < 0.6
        pairs.append((name, world.draw.choice(offered if fits else ODD)))
        if world.draw.random() < 0.05:
            pairs.append((name, world.draw.choice(ODD)))
    if world.draw.random() < 0.2:
        pairs.append((world.draw.choice(("is_admin", "roles", "a-hads-99", "é\x00")), "1"))
    given = dict(pairs)
    if world.draw.random() < 0.85:
        given.pop("csrf_token", None)
        pairs = [p for p in pairs if p[0] != "csrf_token"] + [("csrf_token", world.token)]
    return urlencode(pairs).encode()


def deliveries(world: World) -> Iterator[tuple[bytes, str]]:
    """A phone's delivery with one thing wrong each time."""
    good: dict[str, Any] = {"w": world.values["w"], "sent_at": 1, "answers": []}
    tap: dict[str, Any] = {"instrument": "hads", "item": "hads-1", "value": 1, "at": 0}
    wrong: tuple[Any, ...] = (
        "",
        "\x00",
        None,
        True,
        -1,
        10**400,
        1.5,
        [],
        {},
        "x" * 200,
        "\U0001f600",
    )
    for value in wrong:
        for name in tap:
            body = {**good, "answers": [{**tap, name: value}]}
            yield json.dumps(body).encode(), "application/json"
        for name in good:
            yield json.dumps({**good, name: value}).encode(), "application/json"
    yield json.dumps({**good, "answers": [tap] * 501}).encode(), "application/json"
