"""A phone without a browser: it opens a link, takes a questionnaire with all it needs, saves."""

from __future__ import annotations

import gzip
import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from bench.client import Address, Answer, fetch, request
from surveyapp.study.instrument import Instrument

NEEDED = re.compile(r'<(?:link[^>]+?href|script[^>]+?src|img[^>]+?src)="([^"]+)"')
WRITE = re.compile(r'name="w" value="([^"]+)"')
NOTICE = re.compile(r'name="notice" value="(\d+)"')
ACCEPT = ("Accept-Encoding", "gzip, deflate, br")


@dataclass(frozen=True)
class Phone:
    """One visit: its id, its cookie and the capability to write."""

    address: Address
    visit: str
    cookie: str
    write: str

    def page(self, instrument: str) -> Answer:
        return self._get(f"/q/{self.visit}/{instrument}")

    def open(self, instrument: str) -> int:
        """Bytes over the wire of a questionnaire's page and everything that it loads."""
        page = self.page(instrument)
        found = NEEDED.findall(text_of(page))
        here = f"/q/{self.visit}/{instrument}"
        paths = dict.fromkeys(urljoin(here, path) for path in found if not path.startswith("data:"))
        return page.size + sum(self._get(path).size for path in paths)

    def _get(self, path: str) -> Answer:
        headers = [("Cookie", self.cookie), ACCEPT]
        answer = fetch(self.address, request("GET", _host(self.address), path, headers=headers))
        if answer.status != 200:
            raise RuntimeError(f"{path.split('/')[1]} answered {answer.status}")
        return answer

    def saves(self, instruments: Mapping[str, Instrument]) -> Iterator[bytes]:
        """Requests that each save one answer, item after item, never the same twice running."""
        round_ = 0
        while True:
            for instrument in instruments.values():
                for item in instrument.items:
                    value = item.values[round_ % len(item.values)]
                    yield self.save(instrument.id, item.id, value)
            round_ += 1

    def save(self, instrument: str, item: str, value: int) -> bytes:
        at = int(time.time() * 1000)
        answer = {"instrument": instrument, "item": item, "value": value, "at": at}
        body = json.dumps({"w": self.write, "sent_at": at, "answers": [answer]}).encode()
        headers = [("Content-Type", "application/json"), ("Cookie", self.cookie)]
        path = f"/q/{self.visit}/answers"
        return request("POST", _host(self.address), path, body, headers)


def knock(address: Address, token: str, instrument: str) -> Phone:
    """Press Start on a link's page, having read the data notice."""
    page = fetch(address, request("GET", _host(address), f"/s/{token}"))
    read = NOTICE.search(text_of(page))
    body = f"notice={read[1]}".encode() if read else b""
    form = [("Content-Type", "application/x-www-form-urlencoded")]
    started = fetch(address, request("POST", _host(address), f"/s/{token}", body, form))
    if started.status != 303:
        raise RuntimeError(f"Start answered {started.status}")
    visit = urlsplit(started.headers["location"]).path.split("/")[2]
    cookie = started.headers["set-cookie"].split(";")[0]
    found = WRITE.search(text_of(Phone(address, visit, cookie, "").page(instrument)))
    if found is None:
        raise RuntimeError("the questionnaire holds no capability to write")
    return Phone(address, visit, cookie, found[1])


def text_of(answer: Answer) -> str:
    packed = answer.headers.get("content-encoding") == "gzip"
    return (gzip.decompress(answer.body) if packed else answer.body).decode()


def _host(address: Address) -> str:
    return f"{address[0]}:{address[1]}"
