"""What attackers try first: forged requests, foreign hosts, headers, formulas, logs, guessed paths.

Sign-in has tests of its own; random bodies are in test_fuzz.py.
"""

from __future__ import annotations

import ast
import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import structlog
from werkzeug.test import TestResponse

import surveyapp
from surveyapp.services import accounts, answering, pins, reporting
from surveyapp.services.errors import NotFoundError
from surveyapp.services.site import Site
from surveyapp.services.visits import write_capability
from surveyapp.store.links import ensure_link
from surveyapp.web.app import create_app
from tests.conftest import NOON
from tests.watching import watched
from tests.world import add_course

from .conftest import DAY_8, Browser, Clock
from .test_fuzz import SEGMENTS
from .test_staff import EMAIL, PASSWORD, act
from .test_staff import filled as filled
from .test_staff import staff as staff

PACKAGE = Path(surveyapp.__file__).parent
OWN_WAY = {
    "staff.sign_in": "nobody is signed in yet: it has its own test",
    "staff.welcome": "nobody is signed in yet: it has its own test",
}
VALUES = {"retreat_id": 1, "code": "S-01", "number": 1, "study_id": 1, "timepoint": "baseline"}


def posts(browser: Browser) -> dict[str, str]:
    """The address of every staff act, by endpoint."""
    app = browser.client.application
    found: dict[str, str] = {}
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("staff.") and "POST" in (rule.methods or ()):
            path = re.sub(r"<(?:\w+:)?(\w+)>", lambda m: str(VALUES.get(m[1], 1)), rule.rule)
            found[rule.endpoint] = path
    return found


@pytest.mark.parametrize("token", ["", "another browser's"])
def test_every_staff_post_needs_its_own_token(
    filled: Browser, sqlite_site: Site, token: str
) -> None:
    if token.startswith("another"):
        with create_app(sqlite_site, Clock()).test_client() as other:
            page = other.get("/staff/sign-in", base_url=filled.base_url).get_data(as_text=True)
            found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
            assert found
            token = found[1]
    listed = posts(filled)
    assert len(listed) > 40
    for endpoint, path in listed.items():
        if endpoint in OWN_WAY:
            continue
        with watched(sqlite_site) as done:
            answer = filled.client.post(path, data={"csrf_token": token}, base_url=filled.base_url)
        assert answer.status_code in (302, 303, 400, 404, 409, 410), endpoint
        assert set[str]().union(*done) == set(), endpoint
        answer.close()
    assert filled.get("/staff/").heading == "Today"


def test_staff_pages_take_forms_alone(filled: Browser) -> None:
    page = filled.get("/staff/study/1")
    token = page.attribute("input", "value", name="csrf_token")
    body = {"csrf_token": token, "phone": "1"}
    assert filled.deliver("/staff/study/1", body).status_code == 400
    plain = filled.client.post(
        "/staff/study/1",
        data=f"csrf_token={token}",
        content_type="text/plain",
        base_url=filled.base_url,
    )
    assert plain.status_code == 400


def test_no_other_site_may_read(filled: Browser) -> None:
    for path in ("/staff/", "/healthz", "/s/unknown"):
        for method in ("GET", "OPTIONS"):
            answer = filled.client.open(
                path,
                method=method,
                headers={"Origin": "https://evil.example"},
                base_url=filled.base_url,
            )
            assert [name for name, _ in answer.headers if name.startswith("Access-")] == []
            assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_no_redirect_leaves_this_host(filled: Browser) -> None:
    evil = "https://evil.example/"
    for endpoint, path in posts(filled).items():
        for wanted in (f"{path}?next={evil}&back={evil}", f"{path}//evil.example"):
            answer = filled.client.get(wanted, base_url=filled.base_url)
            assert local(answer), endpoint
            answer.close()
    for path in ("//evil.example/staff/", "/staff", "/staff/people/S-01/"):
        assert local(filled.client.get(path, base_url=filled.base_url))


def local(answer: TestResponse) -> bool:
    target = answer.headers.get("Location", "/").removeprefix("https://checkin.example.org")
    return target.startswith("/") and not target.startswith("//")


def test_texts_name_their_charset(filled: Browser) -> None:
    paths = ("/staff/", "/s/unknown", "/staff/retreats/1/events.csv", "/nothing")
    for path in paths:
        answer = filled.client.get(path, base_url=filled.base_url)
        assert "charset=utf-8" in answer.headers["Content-Type"], path


def test_headers_of_proxies_count_only_where_there_is_one(sqlite_site: Site) -> None:
    forged = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"}
    with create_app(sqlite_site, Clock()).test_client() as client:
        answer = client.get("/staff/", headers=forged, base_url=sqlite_site.settings.public_url)
        assert answer.status_code == 303
        assert "evil" not in answer.headers["Location"]
    behind = sqlite_site.settings.model_copy(update={"trusted_proxies": 1})
    with create_app(replace(sqlite_site, settings=behind), Clock()).test_client() as client:
        # The proxy's word is taken, and a host that is not ours is refused all the same.
        answer = client.get("/healthz", headers=forged, base_url="http://127.0.0.1")
        assert answer.status_code == 400


def test_no_path_comes_from_an_address(browser: Browser) -> None:
    for segment in (*SEGMENTS, "..%2f..%2f..%2fetc%2fpasswd", "%2e%2e"):
        for path in (f"/static/{segment}", f"/static/../{segment}", f"/static/{segment}/app.py"):
            answer = browser.client.get(path, base_url=browser.base_url)
            assert answer.status_code == 404
            assert b"root:" not in answer.get_data()
    assert browser.client.get("/static/", base_url=browser.base_url).status_code == 404


def test_trace_is_not_answered(browser: Browser) -> None:
    for method in ("TRACE", "TRACK", "PUT", "DELETE", "PATCH"):
        answer = browser.client.open("/staff/", method=method, base_url=browser.base_url)
        assert answer.status_code == 405


@pytest.mark.parametrize("name", ['x"\r\nSet-Cookie: a=b', "../../etc/passwd", "ü 雪", "\\", ""])
def test_a_file_name_cannot_break_out_of_its_header(name: str) -> None:
    assert re.fullmatch(r"[a-z0-9-]+\.pdf", reporting.filename(name))


def test_formulas_do_not_leave_in_the_tables(filled: Browser) -> None:
    for term in ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1"):
        event = {"term": term, "on": "2027-03-27", "at": "10:00", "grade": "1"}
        act(filled, "/staff/people/S-01/1/event", {**event, "relatedness": "unlikely"})
    for path in ("/staff/retreats/1/events.csv",):
        body = filled.client.get(path, base_url=filled.base_url).get_data(as_text=True)
        for row in csv.reader(io.StringIO(body)):
            assert [cell for cell in row if cell.startswith(("=", "+", "@", "\t", "\r"))] == []


def test_nothing_is_run_that_was_typed(filled: Browser) -> None:
    script, template = "<script>alert(1)</script>", "{{ 7 * 7 }}"
    act(filled, "/staff/people/S-01/1/note", {"on": "2027-03-28", "text": script + template})
    page = filled.get("/staff/people/S-01")
    assert script + template in page.text
    assert script not in page.response.get_data(as_text=True)
    assert script not in filled.get(f"/staff/people?q={script}").response.get_data(as_text=True)
    for path in PACKAGE.rglob("*.py"):
        for call in (
            n for n in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(n, ast.Call)
        ):
            named = ast.unparse(call.func)
            assert named not in ("eval", "exec", "compile", "os.system", "pickle.loads"), path
            assert not named.endswith(("from_string", "render_template_string")), path
            assert not any(k.arg == "shell" for k in call.keywords), path
    for path in (PACKAGE / "web" / "static").glob("*.js"):
        script = path.read_text("utf-8")
        assert not re.search(r"\beval\(|new Function|document\.write|insertAdjacentHTML", script)


def test_secrets_come_from_the_systems_source() -> None:
    """`random` is for pauses and the demo's people, never for what nobody may guess."""
    for path in PACKAGE.rglob("*.py"):
        imported = {
            name.name
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.Import)
            for name in node.names
        }
        if "random" in imported or "uuid" in imported:
            assert path.relative_to(PACKAGE).parts[0] in ("demo", "worker.py"), path


def test_tokens_are_looked_up_by_hash_and_compared_in_constant_time() -> None:
    """What a request brings is hashed before the database is asked, or compared in constant time:
    how long an answer takes then says nothing about the secret."""
    for name in ("links.py", "staff.py"):
        assert "token_sha256) == digest(token)" in (PACKAGE / "store" / name).read_text("utf-8")
    for path in (PACKAGE / "services" / "visits.py", PACKAGE / "web" / "hooks.py"):
        assert "compare_digest" in path.read_text("utf-8")


def test_no_secret_stands_in_a_log(sqlite_site: Site, capfd: pytest.CaptureFixture[str]) -> None:
    """Every kind of secret goes through a request, right and wrong; none is in what is logged."""
    add_course(sqlite_site, confirmed=True)
    with sqlite_site.database.write() as session:
        token = ensure_link(session, sqlite_site.link_key, 1, "day-8")
    pins.give_pin(sqlite_site, "P-01", asked=True, actor="staff:1", now=NOON)
    pin = pins.show_pin(sqlite_site, "P-01", actor="staff:1", now=NOON)
    invite = accounts.ensure_first_account(sqlite_site, EMAIL, DAY_8).token
    app = create_app(sqlite_site, Clock())
    with structlog.testing.capture_logs() as lines, app.test_client() as client:
        browser = Browser(client, Clock(), sqlite_site.settings.public_url)
        browser.get(f"/staff/welcome/{invite}")
        accounts.accept_invite(sqlite_site, invite, PASSWORD, DAY_8)
        for password in (PASSWORD, "a wrong password"):
            browser.post("/staff/sign-in", {"email": EMAIL, "password": password})
        browser.get(f"/s/{token}")
        browser.post(f"/s/{token}", {"notice": "0", "pin": pin})
        browser.post("/h", {"code": "P-01", "pin": pin})
        opened = answering.begin(sqlite_site, token, DAY_8, pin=pin)
        write = write_capability(opened.read_secret)
        browser.deliver(f"/q/{opened.visit}/answers", {"w": write, "sent_at": 1, "answers": 1})
        browser.get(f"/s/{token}/nowhere")
    said = json.dumps(lines, default=str) + "".join(capfd.readouterr())
    secrets = (token, invite, PASSWORD, "a wrong password", write, opened.read_secret, pin)
    for secret in (*secrets, EMAIL, "p01@example.org", "P-01"):
        assert secret not in said, secret
    assert len(lines) > 5


def test_somebody_elses_link_opens_nothing(sqlite_site: Site) -> None:
    add_course(sqlite_site, confirmed=True)
    with sqlite_site.database.write() as session:
        token = ensure_link(session, sqlite_site.link_key, 1, "day-8")
    for wrong in (token[:-1], token + "A", token.swapcase(), "A" * 22, "", "\x00", "é" * 22):
        with pytest.raises(NotFoundError):
            answering.begin(sqlite_site, wrong, DAY_8)
