"""A load client that leaves the processor to the server: raw sockets in one selector loop.

Every connection sends one prepared request, waits for the whole answer, closes, and goes on with
its next one, which is how the server's sync workers speak (they close after each answer). The
time of a request runs from connecting to the last byte.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

Address = tuple[str, int]


@dataclass
class Run:
    """What a load run saw: seconds per answered request, other statuses, and its own length."""

    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    elapsed: float = 0.0

    def __add__(self, other: Run) -> Run:
        return Run(
            self.seconds + other.seconds,
            self.errors + other.errors,
            self.elapsed + other.elapsed,
        )

    @property
    def per_second(self) -> float:
        return len(self.seconds) / self.elapsed

    def percentile_ms(self, percent: float) -> float:
        """The latency below which `percent` of the answers lie."""
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


@dataclass
class _Connection:
    requests: Iterator[bytes]
    started: float = 0.0
    unsent: memoryview = field(default_factory=lambda: memoryview(b""))
    head: bytes = b""


def load(address: Address, feeds: Sequence[Iterator[bytes]], seconds: float) -> Run:
    """Keep one connection per feed busy for `seconds`; a feed yields whole HTTP requests."""
    run, selector = Run(), selectors.DefaultSelector()
    began = time.perf_counter()
    end = began + seconds
    for feed in feeds:
        _begin(selector, address, _Connection(feed))
    while selector.get_map():
        for key, events in selector.select(timeout=10):
            _step(selector, key, events, run, address, end)
    selector.close()
    run.elapsed = time.perf_counter() - began
    return run


def _begin(selector: selectors.BaseSelector, address: Address, connection: _Connection) -> None:
    sock = socket.socket()
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.started = time.perf_counter()
    connection.unsent = memoryview(next(connection.requests))
    connection.head = b""
    sock.connect_ex(address)
    selector.register(sock, selectors.EVENT_WRITE, connection)


def _step(
    selector: selectors.BaseSelector,
    key: selectors.SelectorKey,
    events: int,
    run: Run,
    address: Address,
    end: float,
) -> None:
    sock, connection = key.fileobj, key.data
    assert isinstance(sock, socket.socket)
    try:
        if events & selectors.EVENT_WRITE:
            connection.unsent = connection.unsent[sock.send(connection.unsent) :]
            if not connection.unsent:
                selector.modify(sock, selectors.EVENT_READ, connection)
            return
        chunk = sock.recv(65536)
    except OSError as error:
        run.errors.append(str(error))
        chunk = b""
    if chunk:
        connection.head = connection.head or chunk[:64]
        return
    now = time.perf_counter()
    selector.unregister(sock)
    sock.close()
    _count(run, connection, now)
    if now < end:
        _begin(selector, address, connection)


def _count(run: Run, connection: _Connection, now: float) -> None:
    if connection.head.startswith((b"HTTP/1.1 200", b"HTTP/1.0 200")):
        run.seconds.append(now - connection.started)
    else:
        lines = connection.head.decode("latin-1").splitlines()
        run.errors.append(lines[0] if lines else "no answer")


@dataclass(frozen=True)
class Answer:
    """One HTTP answer as it came over the wire: `size` counts head and body, still packed."""

    status: int
    headers: dict[str, str]
    body: bytes
    size: int


def fetch(address: Address, request: bytes) -> Answer:
    """Send one request on a connection of its own and read until the server closes it."""
    with socket.create_connection(address, timeout=30) as sock:
        sock.sendall(request)
        raw = b"".join(iter(lambda: sock.recv(65536), b""))
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    headers: dict[str, str] = {}
    for name, _, value in pairs:
        joined = f"{headers[name.lower()]}\n{value.strip()}" if name.lower() in headers else value
        headers[name.lower()] = joined.strip()
    if headers.get("transfer-encoding") == "chunked":
        body = b"".join(_chunks(body))
    return Answer(int(first.split()[1]), headers, body, len(raw))


def _chunks(body: bytes) -> Iterator[bytes]:
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size, 16)
        if length == 0:
            return
        yield rest[:length]
        body = rest[length + 2 :]


def request(
    method: str, host: str, path: str, body: bytes = b"", headers: Sequence[tuple[str, str]] = ()
) -> bytes:
    """A whole HTTP/1.1 request that asks the server to close afterwards, as bytes."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers]
    if body or method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def wait_until(ready: Callable[[], bool], seconds: float) -> None:
    """Poll until `ready`; raises TimeoutError."""
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise TimeoutError("the server did not answer in time")
        time.sleep(0.05)  # between two looks; `ready` decides
