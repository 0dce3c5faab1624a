"""Passwords at the lowest cost: Argon2id all the same, so that a hundred tries take no ten
seconds."""

from __future__ import annotations

from typing import Literal

from argon2 import PasswordHasher


class CheapHasher(PasswordHasher):
    """Notes the hashes that passwords were compared with."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.seen: list[str] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
        self.seen.append(str(hash))
        return super().verify(hash, password)
