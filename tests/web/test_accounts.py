"""The accounts page: inviting, changing, deactivating, and what an admin may not do."""

from __future__ import annotations

import dataclasses
import re
from datetime import timedelta

import pytest

from surveyapp.services import accounts, second_factor
from surveyapp.services.site import Site
from tests.world import MailServer, add_course

from .conftest import Browser, Page
from .doors import EMAIL, PASSWORD, SAFARI, Doors, act, is_in, sign_in

BOB = "bob@example.org"
PAGE = "/staff/accounts"


@pytest.fixture
def doors(sqlite_site: Site) -> Doors:
    settings = sqlite_site.settings.model_copy(update={"smtp_url": "smtp://127.0.0.1:1"})
    return Doors(dataclasses.replace(sqlite_site, settings=settings))


@pytest.fixture
def admin(doors: Doors) -> Browser:
    return doors.enter()


def link_in(page: Page) -> str:
    found = re.search(r"/staff/welcome/\S+", page.text)
    assert found
    return found[0]


def invite(admin: Browser, email: str = BOB, **fields: object) -> Page:
    return act(admin, f"{PAGE}/new", **{"email": email, "roles": ["analyst"], **ALL, **fields})


ALL = {"all_retreats": "y"}


def accept(doors: Doors, link: str, password: str = PASSWORD) -> Browser:
    browser = doors.browser("198.51.100.1", SAFARI)
    act(browser, link, password=password, again=password)
    return browser


def change(admin: Browser, account_id: int, **fields: object) -> Page:
    """Look at the preview and go on."""
    path = f"{PAGE}/{account_id}"
    return admin.post(path, {**seen(admin, account_id, **fields), **fields})


def seen(admin: Browser, account_id: int, **fields: object) -> dict[str, str]:
    """The hidden fields of the preview."""
    return hidden(preview(admin, account_id, **fields))


def preview(admin: Browser, account_id: int, **fields: object) -> Page:
    path = f"{PAGE}/{account_id}"
    return admin.post(path, {**hidden(admin.get(path)), **fields})


def hidden(page: Page) -> dict[str, str]:
    names = ("csrf_token", "stood", "seen")
    return {name: page.attribute("input", "value", name=name) or "" for name in names}


def test_an_invitation_is_shown_once_and_opens_an_account(doors: Doors, admin: Browser) -> None:
    page = invite(admin)
    assert "Not mailed: no connection to the mail server" in page.text
    assert "Hand the link over yourself." in page.text
    link = link_in(page)
    listed = admin.get(PAGE).text
    assert f"{BOB} invited, the link ends" in listed
    assert link not in listed
    bob = accept(doors, link)
    assert is_in(bob)
    assert bob.get(link).status == 410
    assert bob.get(PAGE).status == 403
    assert "analyst" in admin.get(PAGE).text


def test_an_invitation_is_mailed_when_the_server_takes_it(sqlite_site: Site) -> None:
    with MailServer() as server:
        settings = sqlite_site.settings.model_copy(update={"smtp_url": server.url})
        doors = Doors(dataclasses.replace(sqlite_site, settings=settings))
        page = invite(doors.enter())
        assert f"Mailed to {BOB}: handed to the mail server." in page.text
        (message,) = server.sink.messages
        assert link_in(page) in message.get_body(("plain",)).get_content()
        assert message["To"] == BOB


def test_an_invitation_ends_and_can_be_sent_again(doors: Doors, admin: Browser) -> None:
    old = link_in(invite(admin))
    new = link_in(act(admin, f"{PAGE}/2/invite"))
    assert new != old
    guest = doors.browser("198.51.100.1")
    assert guest.get(old).status == 410
    assert guest.get(new).heading == "Choose a password"
    doors.wall.now += accounts.INVITE_LIFE
    assert guest.get(new).status == 410
    sign_in(admin)
    assert "the invitation has ended" in admin.get(PAGE).text


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"email": ""}, "Write the address of your colleague."),
        ({"email": "bob@"}, "This is not an e-mail address"),
        ({"email": EMAIL.upper()}, "There is an account with this address already."),
        ({"roles": []}, "Choose one role or more."),
        ({"roles": ["king"]}, "is not a valid choice"),
        ({"all_retreats": ""}, "Choose a retreat, or every retreat."),
        ({"all_retreats": "", "retreats": ["77"]}, "is not a valid choice"),
    ],
)
def test_a_wrong_invitation_is_told_and_nothing_is_made(
    admin: Browser, fields: dict[str, object], sentence: str
) -> None:
    page = invite(admin, **{"email": BOB, **fields})
    assert page.status == 400
    assert sentence.lower() in page.text.lower()
    assert BOB not in admin.get(PAGE).text


def test_rights_change_after_a_preview_and_at_once(doors: Doors, admin: Browser) -> None:
    add_course(doors.site)
    bob = accept(doors, link_in(invite(admin)))
    fields = {"roles": ["coordinator", "admin"], "retreats": ["1"]}
    path = f"{PAGE}/2"
    page = preview(admin, 2, **fields)
    for sentence in (
        f"{BOB} becomes coordinator.",
        f"{BOB} is no longer analyst.",
        "Opens: contact details.",
        "Closes: group reports and exports.",
        "From now on only these retreats: Spring 2027.",
        "Nothing was changed yet.",
    ):
        assert sentence in page.text
    assert bob.get(PAGE).status == 403
    page = admin.post(path, {**hidden(page), **fields})
    assert f"Changed: {BOB}." in page.text
    change(admin, 2, roles=["admin"], **ALL)
    assert bob.get(PAGE).heading == "Accounts"


def test_another_wish_than_the_previewed_one_is_previewed_anew(admin: Browser) -> None:
    invite(admin)
    held = seen(admin, 2, roles=["clinician"], **ALL)
    page = admin.post(f"{PAGE}/2", {**held, "roles": ["admin"], **ALL})
    assert "Nothing was changed yet." in page.text
    assert "admin" not in admin.get(PAGE).text.partition(BOB)[2]


def test_whoever_saves_second_is_told_what_the_first_saved(doors: Doors, admin: Browser) -> None:
    invite(admin)
    opened = hidden(admin.get(f"{PAGE}/2"))
    change(admin, 2, roles=["clinician"], sees_scores="y", **ALL)
    page = admin.post(f"{PAGE}/2", {**opened, "roles": ["analyst", "admin"], **ALL})
    assert page.status == 400
    assert "Somebody changed this since you opened it." in page.text
    assert "Roles: clinician, sees scores; Retreats: every retreat" in page.text
    page = admin.post(f"{PAGE}/2", {**hidden(page), "roles": ["analyst", "admin"], **ALL})
    assert "is no longer clinician" in page.text


def test_an_admin_always_stays(doors: Doors, admin: Browser) -> None:
    for fields in ({"roles": ["clinician"], **ALL}, {"roles": ["admin"], "retreats": []}):
        page = preview(admin, 1, **fields)
        assert "You cannot take the admin role or a retreat from yourself." in page.text
    page = act(admin, f"{PAGE}/1/active")
    assert "You cannot deactivate your own account." in page.text
    bob = accept(doors, link_in(invite(admin, roles=["admin"])))
    invite(admin, "eve@example.org", roles=["admin"])
    change(bob, 1, roles=["clinician"], **ALL)
    assert admin.get(PAGE).status == 403
    act(bob, f"{PAGE}/3/active")
    page = act(bob, f"{PAGE}/2/active")
    assert "You cannot deactivate your own account." in page.text


def test_deactivating_ends_sessions_and_links_and_can_be_undone(
    doors: Doors, admin: Browser
) -> None:
    bob = accept(doors, link_in(invite(admin)))
    link = link_in(act(admin, f"{PAGE}/2/invite"))
    assert "is deactivated" in act(admin, f"{PAGE}/2/active").text
    assert not is_in(bob)
    assert bob.get(link).status == 410
    assert sign_in(bob, BOB).text.count("The address or the password is wrong.") == 1
    assert "This account is deactivated." in act(admin, f"{PAGE}/2/invite").text
    assert "may sign in again" in act(admin, f"{PAGE}/2/active").text
    sign_in(bob, BOB)
    assert is_in(bob)


def test_a_colleagues_second_factor_is_taken_away_and_told(doors: Doors, admin: Browser) -> None:
    bob = accept(doors, link_in(invite(admin, roles=["admin"])))
    doors.with_factor()
    doors.mails()
    page = act(bob, f"{PAGE}/1/second-factor")
    assert "is told so by mail" in page.text
    assert doors.mails() == ["second factor removed: "]
    assert sign_in(doors.browser()).heading == "Today"
    assert bob.get(f"{PAGE}/1/second-factor").heading == "Accounts"


def test_an_admin_has_no_short_way_around_the_own_password_and_code(doors: Doors) -> None:
    secret, _codes = doors.with_factor()
    admin = doors.browser()
    sign_in(admin)
    act(admin, "/staff/sign-in/code", code=second_factor.code_at(secret, doors.wall()))
    for way, sentence in (("invite", "change your password under"), ("second-factor", "your own")):
        page = act(admin, f"{PAGE}/1/{way}")
        assert page.status == 400
        assert sentence in page.text
    assert "Second factor On" in admin.get("/staff/account").text


def test_wrong_tries_are_told_with_the_time_to_wait(doors: Doors) -> None:
    guesser = doors.browser("192.0.2.1")
    for _ in range(5):
        assert sign_in(guesser, password="a wrong password").status == 400
    page = sign_in(guesser)
    assert page.status == 429
    assert "Too many wrong tries from here. Wait 30 seconds" in page.text
    assert page.response.headers["Retry-After"] == "30"
    assert page.attribute("input", "value", name="email") == EMAIL
    doors.wall.now += timedelta(seconds=30)
    assert sign_in(guesser).heading == "Today"


def test_a_device_that_was_here_before_is_not_held_up_by_strangers(doors: Doors) -> None:
    owner = doors.enter()
    owner.post(
        "/staff/sign-out",
        {"csrf_token": owner.get("/staff/").attribute("input", "value", name="csrf_token")},
    )
    neighbour = doors.browser("203.0.113.99")
    for _ in range(6):
        sign_in(neighbour, password="a wrong password")
    assert sign_in(neighbour).status == 429
    assert sign_in(owner).heading == "Today"
    found = owner.client.get_cookie("__Host-device", "checkin.example.org")
    assert found is not None
    neighbour.client.set_cookie(
        "__Host-device", found.value + "x", domain="checkin.example.org", secure=True
    )
    assert sign_in(neighbour).status == 429


def test_guessing_links_is_slowed(doors: Doors) -> None:
    guesser = doors.browser("192.0.2.77")
    codes = [guesser.get(f"/staff/welcome/guess{n}").status for n in range(22)]
    assert codes == [410] * 20 + [429] * 2
    assert doors.browser("198.51.100.1").get("/staff/welcome/guess").status == 410
