"""Scores, stored once at submission with the key's version."""

from __future__ import annotations

from sqlalchemy import insert
from sqlalchemy.orm import Session

from ..study.instrument import Instrument
from ..study.scoring import Scored
from .tables import ScoreRow


def store_scores(
    session: Session, assessment_id: int, instrument: Instrument, scored: Scored
) -> None:
    """Write every scale and criterion of one assessment, in the caller's transaction."""
    rows: list[dict[str, object]] = [
        {
            "scale": scale,
            "kind": "scale",
            "value": score.value,
            "answered": score.answered,
            "of_items": score.of,
            "estimated": score.estimated,
            "band": score.band,
        }
        for scale, score in scored.scales.items()
    ]
    for criterion, met in scored.criteria.items():
        value = None if met is None else float(met)
        rows.append(
            {
                "scale": criterion,
                "kind": "criterion",
                "value": value,
                "answered": 0,
                "of_items": 0,
                "estimated": False,
                "band": None,
            }
        )
    common = {"assessment_id": assessment_id, "key_version": instrument.version}
    session.execute(insert(ScoreRow), [{**row, **common} for row in rows])
