"""Seeded addresses and numbers are nowhere in the bytes of files, logs, pages of faults and papers.

A day with the real parts: people are entered and mistyped, a mail server refuses them by name, the
worker writes its digest, reports are drawn, data go out and come in. Then every byte is searched.
"""

from __future__ import annotations

import base64
import io
import sys
import time
import zipfile
from collections.abc import Generator, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pypdf
import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from surveyapp.cli import main
from surveyapp.delivery.email import SmtpMailer
from surveyapp.logs import start_logging
from surveyapp.services import accounts, batch, bounces, enrolment, keys, people, pins
from surveyapp.services.enrolment import NewRetreat
from surveyapp.services.people import NewPerson
from surveyapp.services.site import Site
from surveyapp.store import contacts
from surveyapp.web.app import create_app
from surveyapp.worker import Ticker
from tests.world import DOSING, MailServer

ZONE = "Europe/Amsterdam"
INVITED = datetime(2027, 3, 10, 10, tzinfo=UTC)
NAMES = ("wobbegong.zebrafinch", "kookaburra.thylacine", "pademelon.echidna")
ADDRESSES = tuple(f"{name}@example.org" for name in NAMES)
TYPO = "currawong.dugong@@example.org"
NUMBERS = ("+31655598761", "+31655598762")
AS_TYPED = "06 555 98 761"
PASSWORD = "a long enough one"
SEEDED = (*NAMES, "currawong.dugong", *(n[1:] for n in NUMBERS), AS_TYPED)
"""What an address and a number cannot be without."""


def spellings(seed: str) -> Iterator[bytes]:
    """A text as it may stand in bytes: as it is, in UTF-16, in base64 at each of three places, in
    hexadecimal and as part of an address. Quoted-printable leaves these letters as they are."""
    plain = seed.encode()
    yield from (plain, seed.encode("utf-16-le"), quote(seed, safe="").encode())
    yield plain.hex().encode()
    for shift in range(3):  # whole groups of three bytes, wherever the text begins
        inner = plain[shift : shift + (len(plain) - shift) // 3 * 3]
        if len(inner) >= 9:
            yield base64.b64encode(inner)
            yield base64.urlsafe_b64encode(inner)


NEEDLES = tuple({spelling for seed in SEEDED for spelling in spellings(seed)})


def found_in(body: bytes) -> set[bytes]:
    lowered = body.lower()
    return {n for n in NEEDLES if n in (lowered if n.islower() or n.isdigit() else body)}


def in_files(folder: Path, since: float = 0) -> dict[str, set[bytes]]:
    """Which seeds stand in which file below a folder that was written `since`; in ZIPs and PDFs
    also unpacked."""
    found: dict[str, set[bytes]] = {}
    for path in folder.rglob("*"):
        try:
            written = path.is_file() and path.stat().st_mtime >= since
            body = path.read_bytes() if written else b""
        except FileNotFoundError:
            continue
        for name, part in unpacked(path.name, body):
            if seeds := found_in(part):
                found[f"{path}: {name}"] = seeds
    return found


def unpacked(name: str, body: bytes) -> Iterable[tuple[str, bytes]]:
    yield name, body
    if body.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(body)) as packed:
            for inner in packed.namelist():
                yield from unpacked(inner, packed.read(inner))
    elif body.startswith(b"%PDF"):
        for page in pypdf.PdfReader(io.BytesIO(body)).pages:
            yield name, page.extract_text().encode()


def test_the_search_finds_what_it_must() -> None:
    """In each spelling, else the rest of this file shows nothing."""
    address = ADDRESSES[0].encode()
    for body in (
        b"xx" + address,
        address.upper(),
        ADDRESSES[0].encode("utf-16-le"),
        base64.b64encode(b"x" + address + b"yy"),
        base64.b64encode(b"xy" + address),
        b"to=wobbegong.zebrafinch%40example.org",
        b"tel:31655598761",
    ):
        assert found_in(body), body
    assert not found_in(b"w***@example.org and +31 *** 61")


@pytest.fixture
def server() -> Generator[MailServer]:
    with MailServer() as server:
        yield server


class Day:
    """What is done on one day, and what was seen."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.site, self.folder, self.began = site, folder, time.time() - 2
        self.by: Any = {"actor": "staff:1", "now": INVITED}
        self.pages: list[tuple[str, int, bytes]] = []

    def people(self) -> None:
        wish = NewRetreat("Spring 2027", "second-retreat", ZONE, DOSING)
        retreat = enrolment.add_retreat(self.site, wish, **self.by)
        group = [NewPerson(f"P-0{n}", a) for n, a in enumerate(ADDRESSES)]
        people.add_people(self.site, retreat, group, **self.by)
        for person in group:
            enrolment.record_consent(
                self.site, person.code, 1, INVITED.date(), "answers and messages", **self.by
            )
        with self.site.database.write() as session:
            for person, number in enumerate(NUMBERS, start=1):
                contacts.put_contact(session, self.site.vault, person, contacts.PHONE, number)
        pins.give_pin(self.site, "P-00", asked=True, **self.by)

    def worker(self, server: MailServer) -> None:
        """A server that takes one message and repeats the address in what it says to the others;
        then none at all."""
        says = dict(zip(ADDRESSES, ("250 OK", "450 busy for {}", "550 no {}"), strict=True))
        server.sink.answer = lambda address: says[address].format(address)
        for minutes in (0, 2):
            at = INVITED + timedelta(minutes=minutes)
            Ticker(self.site, SmtpMailer(server.url), lambda at=at: at).tick()
        ticker = Ticker(self.site, SmtpMailer("smtp://127.0.0.1:1"), lambda: INVITED)
        ticker.tick()
        ticker.attend()
        ticker.sweep()
        bounce = bounces.Bounce(True, "no such user (5.1.1)", "", ADDRESSES[2])
        bounces.take(self.site, [bounce], INVITED)

    def web(self) -> None:
        """Staff sign in, type wrong and right; faults of every kind."""
        first = accounts.ensure_first_account(self.site, "ada@example.org", INVITED)
        accounts.accept_invite(self.site, first.token, PASSWORD, INVITED)
        app = create_app(self.site, lambda: INVITED)
        client = app.test_client()
        base = self.site.settings.public_url
        client.environ_base["HTTP_REFERER"] = f"{base}/staff/"
        secret = bounces.secret(self.site)
        for path, data in (
            ("/staff/sign-in", {"email": ADDRESSES[0], "password": NUMBERS[0]}),
            ("/staff/sign-in", {"email": "ada@example.org", "password": PASSWORD}),
            ("/staff/retreats/1/people", {"do": "one", "code": ADDRESSES[0], "email": TYPO}),
            (
                "/staff/retreats/1/people",
                {"do": "many", "rows": f"{ADDRESSES[0]}, {TYPO}, x, y, z"},
            ),
            ("/staff/people/P-00/contact", {"email": TYPO, "phone": AS_TYPED, "channels": "x"}),
            ("/staff/people/P-00/contact", {"email": ADDRESSES[1], "channels": "email"}),
        ):
            token = self._token(client, base, path)
            client.post(path, data={"csrf_token": token, **data}, base_url=base)
        assert client.get("/staff/people/P-00", base_url=base).status_code == 200
        for path, more in (
            (f"/staff/people/{ADDRESSES[0]}", {}),
            (f"/staff/people?q={ADDRESSES[0]}", {}),
            (f"/s/{ADDRESSES[0]}", {}),
            (f"/{ADDRESSES[0]}", {}),
            (f"/staff/people/P-00/1/consent?x={ADDRESSES[0]}", {"data": {"scope": ADDRESSES[0]}}),
            (f"/hooks/bounces/{secret}", {"json": {"email": ADDRESSES[2], "type": "hard"}}),
            (f"/hooks/bounces/{secret}", {"data": ADDRESSES[2].encode()}),
            (f"/hooks/bounces/{ADDRESSES[0]}", {"json": {"email": ADDRESSES[2]}}),
            ("/hand-over", {"data": {"code": ADDRESSES[0], "pin": NUMBERS[0]}}),
        ):
            call = client.post if more else client.get
            response = call(path, base_url=base, **more)
            self.pages.append((path, response.status_code, response.data))

    def _token(self, client: FlaskClient, base: str, path: str) -> str:
        page = client.get(path, base_url=base).get_data(as_text=True)
        return page.partition('name="csrf_token" value="')[2].partition('"')[0]

    def commands(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What an operator types, also wrong, with everything that leaves the house."""
        settings, out = self.site.settings, self.folder / "out"
        out.mkdir()
        url = self.site.database.url.render_as_string(hide_password=False)
        monkeypatch.setenv("SURVEYAPP_DATABASE_URL", url)
        monkeypatch.setenv("SURVEYAPP_DATA_DIR", str(settings.data_dir))
        monkeypatch.setenv("SURVEYAPP_PUBLIC_URL", settings.public_url)
        batch.tell(self.site, 1, batch.Progress(1, INVITED.isoformat(), finished=True))
        keys.add_key(self.site, **self.by)
        papers = [  # drawn alike over both databases
            ["report", "participant", "P-00", "-o", str(out / "person.pdf")],
            ["report", "retreat", "Spring 2027", "-o", str(out / "retreat.pdf")],
        ]
        for command in (
            *(papers if self.site.database.is_sqlite else []),
            ["export", str(out / "export")],
            ["keys", "rotate"],
            ["keys", "list"],
            ["retention"],
            ["audit", "verify"],
            ["erase", "P-00", "--preview"],
            ["erase", "P-02", "--reason", "left", "--contacts-only"],
            ["erase", "--replay"],
            ["import", str(self._bad_import())],
        ):
            assert main(command) in (0, 2), command

    def _bad_import(self) -> Path:
        """A folder in which addresses stand where codes and times belong."""
        folder = self.folder / "incoming"
        folder.mkdir()
        head = "participant,course,retreat,dosing_date,language,time_zone\n"
        body = f"P-00,1,Spring 2027,2027-03-20,en,{ZONE}\n"
        (folder / "participants.csv").write_text(head + body)
        (folder / "responses.csv").write_text("participant\n")
        return folder


@pytest.fixture
def day(
    site: Site, tmp_path: Path, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> tuple[Day, str]:
    """The day, and all that was said on stdout and stderr."""
    said = io.StringIO()
    monkeypatch.setattr(sys, "stderr", said)
    monkeypatch.setattr(sys, "stdout", said)
    start_logging()
    day = Day(site, tmp_path)
    day.people()
    day.worker(server)
    day.web()
    day.commands(monkeypatch)
    monkeypatch.undo()
    return day, said.getvalue()


def postgresql_folders(site: Site) -> list[Path]:
    """Where the server keeps this database and its write-ahead log, once they are written out."""
    if site.database.is_sqlite:
        return []
    named = "SELECT oid FROM pg_database WHERE datname = current_database()"
    with site.database.engine.connect() as connection:
        connection.execute(text("CHECKPOINT"))
        folder = Path(str(connection.scalar(text("SHOW data_directory"))))
        return [folder / "base" / str(connection.scalar(text(named))), folder / "pg_wal"]


def test_no_seed_is_anywhere(day: tuple[Day, str], server: MailServer) -> None:
    done, said = day
    assert len(server.sink.messages) >= 1  # the mail itself went to the address
    assert found_in(server.sink.raw[0])
    assert in_files(done.folder) == {}
    for folder in postgresql_folders(done.site):
        assert in_files(folder, done.began) == {}
    assert '"event": "request"' in said
    assert '"event": "message"' in said
    assert found_in(said.encode()) == set()
    for path, status, page in done.pages:
        assert status != 500, path
        if status >= 400:
            assert found_in(page) == set(), path
