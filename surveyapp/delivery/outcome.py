"""What can come of handing a message over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["accepted", "transient", "permanent", "unknown"]


@dataclass(frozen=True)
class Outcome:
    """`accepted`: the server has it. `transient`: try again later. `permanent`: never.
    `unknown`: the connection broke after the text was sent; the same Message-ID may go again.
    `detail` is in words and holds no address. `ours`: the server is away or refuses us, which says
    nothing of the recipient. `gone`: the address itself is refused for good."""

    kind: Kind
    detail: str
    ours: bool = False
    gone: bool = False
