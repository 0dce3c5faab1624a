"""A synthetic cohort of thirteen invented people, in the files that `surveyapp import` reads.

Every number is drawn from a hash of its own name, so the same cohort comes out each time and on
every machine. People keep their burden, their lean towards anxiety or low mood, and the depth of
their sessions from one timepoint to the next. Group sums are then met exactly, by moving as few
answers as possible: the second course has the published sums (HADS total 15.08 at baseline and
9.00 at day 8, a complete mystical experience in 5 and then 10 of 13, 35 mg with a booster for 7);
the first course, week 24, its dose and all events are invented. As in any study a few things
are missing: one sheet was never sent, one question was skipped, one sheet came late.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from statistics import NormalDist

from surveyapp.study.instrument import Instrument, Scale

PEOPLE = 13
ZONE = "America/Los_Angeles"
LANGUAGE = "en"
BOOSTER_MG = 10
BOOSTERS = 7


@dataclass(frozen=True)
class Round:
    """One course of everybody: HADS totals summed over the group, and how many were complete."""

    number: int
    retreat: str
    dosing: date
    mg: int
    sums: Mapping[str, int]
    complete: int
    meq_percent: float
    boosters: int


ROUNDS = (
    Round(
        1, "Spring 2025", date(2025, 3, 15), 25,
        {"baseline": 243, "day-8": 178, "week-24": 191}, 5, 55.0, 0,
    ),
    Round(
        2, "Winter 2026", date(2026, 2, 14), 35,
        {"baseline": 196, "day-8": 117, "week-24": 142}, 10, 70.0, BOOSTERS,
    ),
)  # fmt: skip
EARLIER = Round(
    1, "Autumn 2025", date(2025, 10, 11), 25,
    {"baseline": 21, "day-8": 13, "week-24": 16}, 1, 66.0, 0,
)  # fmt: skip
DAYS = {"baseline": (-11, -2), "day-8": (8, 12), "week-24": (164, 174)}
AFTER_DOSE = {"baseline": 0.0, "day-8": 1.0, "week-24": 0.6}
ENDS = datetime(2026, 9, 1, tzinfo=UTC)
"""After the last answer."""

# Person, course, timepoint: never sent; sent so many days after the dose. And an item skipped.
NEVER_SENT = frozenset({("D-09", 1, "week-24")})
SENT_ON_DAY = {("D-12", 1, "day-8"): 17}
SKIPPED = frozenset({("D-05", 1, "week-24", "hads", "8")})

Row = Sequence[str | int | None]
PARTICIPANTS = (
    "participant", "language", "time_zone", "retreat", "course", "dosing_date", "dose_mg",
    "booster_mg", "booster_minutes",
)  # fmt: skip
RESPONSES = ("participant", "course", "timepoint", "instrument", "completed_at", "item", "value")
EVENTS = (
    "participant", "course", "term", "started_at", "ended_at", "grade", "serious", "relatedness",
)  # fmt: skip

# Person, course, term, hours after local midnight of the dosing day, hours it lasted, grade.
EVENTS_SEEN = (
    (3, 1, "Nausea", 11, 3, 1),
    (7, 1, "Blood pressure increased", 12, 4, 1),
    (11, 1, "Headache", 31, 6, 1),
    (2, 2, "Blood pressure increased", 11, 5, 2),
    (4, 2, "Nausea", 12, 4, 1),
    (4, 2, "Headache", 30, 8, 1),
    (9, 2, "Headache", 32, 5, 2),
    (12, 2, "Blood pressure increased", 12, 3, 1),
)


def make_cohort(instruments: Mapping[str, Instrument]) -> dict[str, str]:
    """The three files of an import, by name, as CSV text; `instruments` has hads and meq30."""
    codes = [f"D-{n:02d}" for n in range(1, PEOPLE + 1)]
    return _files(codes, ROUNDS, ZONE, _events(codes), instruments)


def make_earlier(code: str, zone: str, instruments: Mapping[str, Instrument]) -> dict[str, str]:
    """The files of one more person, who has a first course behind them; no sums are promised."""
    return _files([code], [EARLIER], zone, [], instruments)


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write the three files into an existing folder."""
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")


def _files(
    codes: Sequence[str],
    rounds: Sequence[Round],
    zone: str,
    events: Sequence[Row],
    instruments: Mapping[str, Instrument],
) -> dict[str, str]:
    return {
        "participants.csv": _csv(PARTICIPANTS, _participants(codes, rounds, zone)),
        "responses.csv": _csv(RESPONSES, _responses(codes, rounds, instruments)),
        "adverse_events.csv": _csv(EVENTS, events),
    }


def apportion(wanted: Sequence[float], total: int, low: int, high: int) -> list[int]:
    """Whole numbers from `low` to `high` that sum to `total` and lie nearest to `wanted`.

    Raises ValueError when `total` is out of reach.
    """
    if not low * len(wanted) <= total <= high * len(wanted):
        raise ValueError(f"{len(wanted)} numbers from {low} to {high} cannot sum to {total}")
    found = [min(high, max(low, round(w))) for w in wanted]
    while (gap := total - sum(found)) != 0:
        step, bound = (1, high) if gap > 0 else (-1, low)
        free = [i for i, value in enumerate(found) if value != bound]
        found[max(free, key=lambda i: step * (wanted[i] - found[i]))] += step
    return found


def _draw(*name: object) -> float:
    """A number in [0, 1) that belongs to this name for good."""
    digest = hashlib.sha256("/".join(map(str, name)).encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def _normal(*name: object) -> float:
    return NormalDist().inv_cdf(min(max(_draw(*name), 1e-6), 1 - 1e-6))


def _whole(low: int, high: int, *name: object) -> int:
    return low + int(_draw(*name) * (high - low + 1))


def _spread(codes: Sequence[str], trait: str) -> dict[str, float]:
    """A trait as evenly spaced normal quantiles, so that thirteen people span its range."""
    ranked = sorted(codes, key=lambda code: _draw(trait, code))
    return {c: NormalDist().inv_cdf((i + 0.5) / len(ranked)) for i, c in enumerate(ranked)}


def _most(codes: Sequence[str], trait: str, count: int) -> frozenset[str]:
    return frozenset(sorted(codes, key=lambda code: _draw(trait, code))[:count])


def _participants(codes: Sequence[str], rounds: Sequence[Round], zone: str) -> list[Row]:
    boosted = _most(codes, "booster", BOOSTERS)
    rows: list[Row] = []
    for r in rounds:
        for code in codes:
            extra = r.boosters > 0 and code in boosted
            minutes = _whole(60, 90, "minutes", code) if extra else None
            mg = BOOSTER_MG if extra else None
            start = (code, LANGUAGE, zone, r.retreat, r.number, r.dosing.isoformat())
            rows.append((*start, r.mg, mg, minutes))
    return rows


def _responses(
    codes: Sequence[str], rounds: Sequence[Round], instruments: Mapping[str, Instrument]
) -> list[Row]:
    hads, meq30 = instruments["hads"], instruments["meq30"]
    rows: list[Row] = []
    for r in rounds:
        mystical = _meq_sums(codes, meq30, r)
        for timepoint in r.sums:
            moods = _hads_sums(codes, hads, r, timepoint)
            for code in codes:
                if (code, r.number, timepoint) in NEVER_SENT:
                    continue
                done = _completed(code, r, timepoint)
                rows += _sheet(code, r, timepoint, hads, done, moods[code])
                if timepoint == "day-8":
                    later = done + timedelta(minutes=_whole(6, 14, "pause", code, r.number))
                    rows += _sheet(code, r, timepoint, meq30, later, mystical[code])
    return rows


def _completed(code: str, r: Round, timepoint: str) -> datetime:
    """The local time of an answer: within the window, by day or early evening."""
    drawn = _whole(*DAYS[timepoint], "day", code, r.number, timepoint)
    day = SENT_ON_DAY.get((code, r.number, timepoint), drawn)
    minute = _whole(8 * 60 + 30, 20 * 60 + 30, "minute", code, r.number, timepoint)
    midnight = datetime.combine(r.dosing, time(0))
    return midnight + timedelta(days=day, minutes=minute)


def _hads_sums(
    codes: Sequence[str], hads: Instrument, r: Round, timepoint: str
) -> dict[str, dict[str, int]]:
    """Per person and scale the sum of its items; over the group they come to the round's sum."""
    burden, lean = _spread(codes, "burden"), _spread(codes, "lean")
    response = _spread(codes, "response")
    scales = _of_items(hads)
    mean = r.sums[timepoint] / (len(codes) * len(scales))
    wanted: list[float] = []
    for code in codes:
        for sign, scale in zip((1, -1), scales, strict=True):
            noise = _normal("mood", code, r.number, timepoint, scale.id)
            relief = 1.4 * AFTER_DOSE[timepoint] * response[code]
            wanted.append(mean + 1.8 * burden[code] + sign * (0.4 + lean[code]) - relief + noise)
    sums = apportion(wanted, r.sums[timepoint], 0, scales[0].high)
    width = len(scales)
    return {
        code: {s.id: sums[i * width + k] for k, s in enumerate(scales)}
        for i, code in enumerate(codes)
    }


def _meq_sums(codes: Sequence[str], meq30: Instrument, r: Round) -> dict[str, dict[str, int]]:
    """Per person and scale the sum of its items; exactly `r.complete` people are complete."""
    depth = _spread(codes, "depth")
    felt = {c: 0.8 * depth[c] + 0.5 * _normal("session", c, r.number) for c in codes}
    complete = set(sorted(codes, key=lambda c: felt[c], reverse=True)[: r.complete])
    scales, bar = _of_items(meq30), meq30.criteria[0].percent
    sums: dict[str, dict[str, int]] = {}
    for code in codes:
        percent = {s.id: r.meq_percent + 13 * felt[code] + _facet(code, r, s) for s in scales}
        if code not in complete and min(percent.values()) >= bar - 4:
            percent[min(percent, key=lambda s: percent[s])] = bar - 8
        sums[code] = {s.id: _points(s, percent[s.id], bar, code in complete) for s in scales}
    return sums


def _facet(code: str, r: Round, scale: Scale) -> float:
    return 5 * _normal("facet", code, scale.id) + 3 * _normal("facet", code, r.number, scale.id)


def _points(scale: Scale, percent: float, bar: int, complete: bool) -> int:
    """A percent of maximum as a sum of points, at or above the bar for a complete experience."""
    points = round(min(max(percent, 6.0), 97.0) * scale.high / 100)
    return max(points, -(-bar * scale.high // 100)) if complete else points


def _sheet(
    code: str, r: Round, timepoint: str, instrument: Instrument, done: datetime,
    sums: Mapping[str, int],
) -> list[Row]:  # fmt: skip
    values: dict[str, int | None] = {}
    for scale in _of_items(instrument):
        values |= _items(code, r, timepoint, instrument, scale, sums[scale.id])
    start = (code, r.number, timepoint, instrument.id)
    values |= {item: None for item in values if (*start, item) in SKIPPED}
    return [(*start, done.isoformat(), i.id, values[i.id]) for i in instrument.items]


def _items(
    code: str, r: Round, timepoint: str, instrument: Instrument, scale: Scale, total: int
) -> dict[str, int]:
    """Answers that sum to `total`: people lean on the same items each time, with some chance."""
    low, high = scale.low // len(scale.items), scale.high // len(scale.items)
    wanted: list[float] = []
    for item in scale.items:
        habit = _normal("habit", code, instrument.id, item)
        chance = _normal("item", code, r.number, timepoint, instrument.id, item)
        wanted.append(total / len(scale.items) + (high - low) * (0.22 * habit + 0.13 * chance))
    return dict(zip(scale.items, apportion(wanted, total, low, high), strict=True))


def _of_items(instrument: Instrument) -> list[Scale]:
    return [scale for scale in instrument.scales if scale.items]


def _events(codes: Sequence[str]) -> list[Row]:
    rows: list[Row] = []
    for person, number, term, after, lasted, grade in EVENTS_SEEN:
        start = datetime.combine(ROUNDS[number - 1].dosing, time(0)) + timedelta(hours=after)
        end = start + timedelta(hours=lasted)
        times = (start.isoformat(), end.isoformat())
        rows.append((codes[person - 1], number, term, *times, grade, "no", "probable"))
    return rows


def _csv(header: Sequence[str], rows: Sequence[Row]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()
