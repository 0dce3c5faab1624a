"""Which tables each committed transaction of a site wrote, seen at its database's door."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from surveyapp.services.site import Site

WRITES = re.compile(r'\s*(?:INSERT(?: OR \w+)? INTO|UPDATE|DELETE FROM)\s+"?(\w+)"?', re.IGNORECASE)


@contextmanager
def watched(site: Site) -> Generator[list[set[str]]]:
    """Yields a list that grows with each commit; a statement that changed no row is left out."""
    done: list[set[str]] = []
    now: defaultdict[int, set[str]] = defaultdict(set)

    def listen(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if cursor.rowcount != 0 and (found := WRITES.match(statement)):
            now[id(connection)].add(found[1].lower())

    def commit(connection: Any) -> None:
        done.append(now.pop(id(connection), set()))

    def roll_back(connection: Any) -> None:
        now.pop(id(connection), None)

    heard = (("after_cursor_execute", listen), ("commit", commit), ("rollback", roll_back))
    for name, heed in heard:
        event.listen(site.database.engine, name, heed)
    try:
        yield done
    finally:
        for name, heed in heard:
            event.remove(site.database.engine, name, heed)
