"""Random trails, each tampered with once: the row is named, and nothing untouched is blamed.

Whoever tampers here owns the file: no triggers, no foreign keys, and the means to make hashes.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from surveyapp.store import trail
from surveyapp.store.database import Database
from surveyapp.store.trail import Heads
from tests.conftest import NOON

CHAINS = (trail.SYSTEM, "a" * 32, "b" * 32)
KINDS = st.sampled_from(["noted", "answers saved", "contact changed", "naïve “kind”"])
ACTORS = st.sampled_from(["staff:1", "participant", "worker"])
WORDS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=12)
EVENTS = st.lists(
    st.tuples(st.sampled_from(CHAINS), KINDS, ACTORS, WORDS, st.integers(0, 10**9)),
    min_size=2,
    max_size=14,
)
HEADER = ("uid", "chain", "seq", "kind", "actor", "at", "commitment", "previous", "hash")
PAYLOAD = ("event_uid", "salt", "payload")


@dataclass
class Case:
    """A trail in a file of its own, with its head as it was kept outside."""

    path: Path
    heads: Heads

    def rows(self) -> list[dict[str, Any]]:
        with sqlite3.connect(self.path) as file:
            file.row_factory = sqlite3.Row
            found = [dict(r) for r in file.execute("SELECT * FROM event ORDER BY chain, seq")]
        file.close()
        return found

    def do(self, *statements: tuple[str, tuple[Any, ...]]) -> None:
        with sqlite3.connect(self.path) as file:
            names = file.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
            for (name,) in names:
                file.execute(f"DROP TRIGGER {name}")
            for statement, values in statements:
                file.execute(statement, values)
        file.close()

    def fault(self, heads: Heads | None = None) -> str | None:
        database = Database(f"sqlite:///{self.path}")
        try:
            with database.read() as session:
                return trail.verify(session, heads).fault
        finally:
            database.close()


def with_case(
    empty: Path, events: list[tuple[str, str, str, str, int]], use: Callable[[Case], None]
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "trail.db"
        shutil.copy(empty, path)
        database = Database(f"sqlite:///{path}")
        with database.write() as session:
            for chain, kind, actor, words, micro in events:
                at = NOON + timedelta(microseconds=micro)
                trail.append(session, chain, kind, actor, at, {"words": words})
        with database.read() as session:
            heads = trail.heads(session)
        database.close()
        use(Case(path, heads))


@settings(max_examples=60)
@given(events=EVENTS, data=st.data())
def test_any_edit_of_any_column_is_found_and_the_row_named(
    migrated_file: Path, events: list[tuple[str, str, str, str, int]], data: st.DataObject
) -> None:
    def use(case: Case) -> None:
        assert case.fault() is None
        assert case.fault(case.heads) is None
        row = data.draw(st.sampled_from(case.rows()))
        column = data.draw(st.sampled_from([*HEADER, *PAYLOAD]))
        if column in HEADER:
            put = changed(row[column], column)
            case.do((f"UPDATE event SET {column} = ? WHERE uid = ?", (put, row["uid"])))
        else:
            put = "0" * 32 if column != "payload" else '{"words":"others"}'
            statement = f"UPDATE event_payload SET {column} = ? WHERE event_uid = ?"
            case.do((statement, (put, row["uid"])))
        assert names(case.fault(), row)

    with_case(migrated_file, events, use)


def changed(value: Any, column: str) -> Any:
    if column == "seq":
        return value + 40
    if column == "at":
        return str(datetime.fromisoformat(value) + timedelta(seconds=1))
    if column == "chain":
        return "c" * 32
    return "0" * len(value) if set(value) != {"0"} else "1" * len(value)


def names(fault: str | None, row: dict[str, Any]) -> bool:
    """The row itself, or, where it is not in its place any more, the one after it or its end."""
    assert fault is not None
    place = f"chain {row['chain']}"
    near = (f"number {row['seq']})", f"number {row['seq'] + 1})", f"number {row['seq']} is missing")
    moved = ("number 1 is missing before it", f"number {row['seq'] + 40})")
    own = row["uid"] in fault or (place in fault and any(n in fault for n in near))
    return own or any(m in fault for m in moved)


@settings(max_examples=40)
@given(events=EVENTS, data=st.data())
def test_deletions_insertions_and_swaps_are_found(
    migrated_file: Path, events: list[tuple[str, str, str, str, int]], data: st.DataObject
) -> None:
    def use(case: Case) -> None:
        rows = case.rows()
        inner = [r for r in rows if r["seq"] < case.heads.chains[r["chain"]][0]]
        how = data.draw(
            st.sampled_from(
                ["payload gone", "inserted", *(["cut out", "swapped"] if inner else [])]
            )
        )
        row = data.draw(st.sampled_from(inner if how in ("cut out", "swapped") else rows))
        uid, chain, seq = row["uid"], row["chain"], row["seq"]
        if how == "payload gone":
            case.do(("DELETE FROM event_payload WHERE event_uid = ?", (uid,)))
        elif how == "cut out":
            case.do(
                ("DELETE FROM event_payload WHERE event_uid = ?", (uid,)),
                ("DELETE FROM event WHERE uid = ?", (uid,)),
            )
        elif how == "swapped":
            change = "UPDATE event SET seq = ? WHERE chain = ? AND seq = ?"
            case.do(
                (change, (99, chain, seq)),
                (change, (seq, chain, seq + 1)),
                (change, (seq + 1, chain, 99)),
            )
        else:
            insert_before(case, row)
        assert names(case.fault(), row)

    with_case(migrated_file, events, use)


def insert_before(case: Case, row: dict[str, Any]) -> None:
    """A well-made event in front of another one, which itself stays as it is."""
    chain, seq = row["chain"], row["seq"]
    later = [r for r in case.rows() if r["chain"] == chain and r["seq"] >= seq]
    moves = [("UPDATE event SET seq = seq + 1 WHERE uid = ?", (r["uid"],)) for r in reversed(later)]
    header, payload = made(chain, seq, row["previous"])
    case.do(*moves, *written(header, payload))


def made(chain: str, seq: int, previous: str) -> tuple[dict[str, Any], tuple[str, str, str]]:
    uid, salt, body = f"{seq:032d}", "5" * 32, "{}"
    fields: dict[str, Any] = {"uid": uid, "chain": chain, "seq": seq, "kind": "noted"}
    fields |= {"actor": "staff:1", "commitment": trail.commit(salt, body), "previous": previous}
    hash_ = trail.header_hash(**fields, at=NOON)
    at = NOON.replace(tzinfo=None).isoformat(" ", "microseconds")
    return {**fields, "at": at, "hash": hash_}, (uid, salt, body)


def written(
    header: dict[str, Any], payload: tuple[str, str, str]
) -> list[tuple[str, tuple[Any, ...]]]:
    marks = ", ".join("?" * len(HEADER))
    columns = ", ".join(HEADER)
    return [
        (f"INSERT INTO event ({columns}) VALUES ({marks})", tuple(header[c] for c in HEADER)),
        ("INSERT INTO event_payload (event_uid, salt, payload) VALUES (?, ?, ?)", payload),
    ]


@settings(max_examples=30)
@given(events=EVENTS, data=st.data(), rewrite=st.booleans())
def test_a_cut_end_and_a_rewritten_rest_are_found_against_a_head_kept_outside(
    migrated_file: Path,
    events: list[tuple[str, str, str, str, int]],
    data: st.DataObject,
    rewrite: bool,
) -> None:
    def use(case: Case) -> None:
        row = data.draw(st.sampled_from(case.rows()))
        chain, seq, last = row["chain"], row["seq"], case.heads.chains[row["chain"]][0]
        below = "chain = ? AND seq >= ?"
        case.do(
            (
                "DELETE FROM event_payload WHERE event_uid IN"
                f" (SELECT uid FROM event WHERE {below})",
                (chain, seq),
            ),
            (f"DELETE FROM event WHERE {below}", (chain, seq)),
        )
        previous = row["previous"]
        for number in range(seq, last + 1 if rewrite else seq):
            header, payload = made(chain, number, previous)
            case.do(*written(header, payload))
            previous = header["hash"]
        assert case.fault() is None
        fault = case.fault(case.heads) or ""
        assert chain in fault
        assert f"number {last}" in fault or "is gone" in fault

    with_case(migrated_file, events, use)


@settings(max_examples=15)
@given(events=EVENTS, more=EVENTS)
def test_a_trail_that_goes_on_still_holds_every_earlier_head(
    migrated_file: Path,
    events: list[tuple[str, str, str, str, int]],
    more: list[tuple[str, str, str, str, int]],
) -> None:
    def use(case: Case) -> None:
        database = Database(f"sqlite:///{case.path}")
        with database.write() as session:
            for chain, kind, actor, words, micro in more:
                at = NOON - timedelta(microseconds=micro)  # a clock that ran backwards
                trail.append(session, chain, kind, actor, at, {"words": words})
        database.close()
        assert case.fault(case.heads) is None

    with_case(migrated_file, events, use)
