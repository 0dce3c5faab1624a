"""Several browsers at one application, each with its own cookies, network and name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import update

from surveyapp.services import accounts, second_factor
from surveyapp.services.site import Site
from surveyapp.store import signin
from surveyapp.store.tables import Study
from surveyapp.web.app import create_app

from .conftest import Browser, Clock, Page

EMAIL, PASSWORD = "ada@example.org", "a long enough one"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit Version/18 Safari/604"
NOW = datetime(2027, 3, 28, 9, tzinfo=UTC)


class Doors:
    """One application; `wall` is the time that sign-ins last by."""

    def __init__(self, site: Site, email: str = EMAIL) -> None:
        self.site, self.wall = site, Clock(NOW)
        self.app = create_app(site, self.wall, wall=self.wall)
        token = accounts.ensure_first_account(site, email, NOW).token
        self.account = accounts.accept_invite(site, token, PASSWORD, NOW)

    def browser(self, address: str = "203.0.113.7", agent: str = FIREFOX) -> Browser:
        browser = Browser(self.app.test_client(), self.wall, self.site.settings.public_url)
        browser.client.environ_base.update(
            REMOTE_ADDR=address,
            HTTP_USER_AGENT=agent,
            HTTP_REFERER=f"{browser.base_url}/staff/",
        )
        return browser

    def enter(self, browser: Browser | None = None, **more: str) -> Browser:
        """Signed in with the password."""
        browser = browser or self.browser()
        sign_in(browser, **more)
        return browser

    def with_factor(self) -> tuple[str, tuple[str, ...]]:
        """Turn the account's second factor on: its secret and its recovery codes."""
        offered = second_factor.offer(self.site, self.account)
        code = second_factor.code_at(offered.secret, self.wall())
        codes = second_factor.turn_on(
            self.site, self.account, offered.sealed, code, keep="", now=self.wall()
        )
        self.wall.now += timedelta(seconds=30)
        return offered.secret, codes

    def go_live(self) -> None:
        with self.site.database.write() as session:
            session.execute(update(Study).values(mode="live"))

    def mails(self) -> list[str]:
        """The kinds of the mails that wait."""
        found: list[str] = []
        with self.site.database.write() as session:
            while (mail_id := signin.due_mail(session, self.wall())) is not None:
                mail = signin.mail(session, mail_id)
                assert mail is not None
                found.append(f"{mail.kind}: {mail.place}")
                mail.next_at, mail.status = None, "sent"
                session.flush()
        return found


def token_of(browser: Browser, path: str) -> str:
    return browser.get(path).attribute("input", "value", name="csrf_token")


def act(browser: Browser, path: str, **fields: object) -> Page:
    return browser.post(path, {"csrf_token": token_of(browser, path), **fields})


def sign_in(browser: Browser, email: str = EMAIL, password: str = PASSWORD, **more: str) -> Page:
    return act(browser, "/staff/sign-in", email=email, password=password, **more)


def is_in(browser: Browser) -> bool:
    return browser.get("/staff/account").heading == "Your account"


def cookie(browser: Browser) -> str:
    found = browser.client.get_cookie("__Host-session", "checkin.example.org")
    assert found is not None
    return found.value


def put_cookie(browser: Browser, value: str) -> None:
    browser.client.set_cookie("__Host-session", value, domain="checkin.example.org", secure=True)
