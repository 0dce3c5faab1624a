"""What staff do in a demo without script, and what a person then finds and answers by phone."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from tests.journeys.demo import Doors
from tests.journeys.plain import PlainBrowser, text_of

ZONE = "Europe/Amsterdam"
LOOK, SEND = "Look through my answers", "Send my answers"


def sign_in(laptop: PlainBrowser, doors: Doors) -> None:
    laptop.open(doors.staff)
    laptop.press("Sign in", email=doors.email, password=doors.password)
    assert laptop.heading == "Today"


def add_retreat(laptop: PlainBrowser, name: str, protocol: str, **dates: str) -> None:
    """`dates`: `dosing_date` and the later days' fields, with __ for the point and _ for -."""
    laptop.open("/staff/retreats/new")
    named = {key.replace("__", ".").replace("dosing_", "dosing-"): dates[key] for key in dates}
    named = {key.replace("dosing-date", "dosing_date"): day for key, day in named.items()}
    zone = {"time_zone": ZONE}
    form = laptop.form("Add the retreat")
    for field, text in {"name": name, "protocol": protocol, **zone, **named}.items():
        form.fill(field, text)
    laptop.press("Add the retreat", form)
    assert laptop.heading == name


def add_person(laptop: PlainBrowser, code: str, address: str, consent: date) -> None:
    """On a retreat's page: one more person, who consented to messages."""
    laptop.follow("Add people")
    laptop.press("Add this person", code=code, email=address)
    laptop.open(f"/staff/people/{code}/1/consent")
    laptop.press("Record consent", given_on=consent.isoformat(), scope="answers and messages")


def letters(laptop: PlainBrowser, address: str) -> list[str]:
    """The links of the person's messages, newest first."""
    laptop.open("/staff/")
    laptop.follow("Inbox")
    rows = [row for row in laptop.rows() if address in text_of(row)]
    links = [a for row in rows for a in row.iterfind(".//a") if text_of(a).startswith("Open as")]
    return [str(a.get("href")) for a in links]


def pass_days(laptop: PlainBrowser, days: int) -> None:
    laptop.open("/staff/")
    for _ in range(days):
        laptop.press("+1 day")


def next_letter(laptop: PlainBrowser, address: str, had: int, most: int) -> tuple[str, int]:
    """Let days pass until the person has more messages: the newest's link, and how many days."""
    for days in range(most + 1):
        if len(found := letters(laptop, address)) > had:
            return found[0], days
        pass_days(laptop, 1)
    raise AssertionError(f"no message to {address} within {most} days")


def today() -> date:
    """The date where the retreats of these journeys are."""
    return datetime.now(ZoneInfo(ZONE)).date()


def answer(link: str, *parts: tuple[int, int]) -> PlainBrowser:
    """Open a link and answer every part: its number of questions, and which option of each."""
    phone = PlainBrowser()
    phone.open(link)
    starts = [b for b in ("I have read this. Start", "Start") if b in phone.buttons]
    phone.press(starts[0])
    for questions, option in parts:
        form = phone.form(LOOK)
        items = [name for name in form.offered if name.startswith("a-")]
        assert len(items) == questions
        for item in items:
            form.choose(item, option)
        phone.press(LOOK, form)
        phone.press(SEND)
    assert phone.heading == "Thank you"
    return phone


def session_pdf(laptop: PlainBrowser, code: str) -> bytes:
    laptop.open(f"/staff/people?q={code}")
    laptop.follow("Session PDF")
    return laptop.body
