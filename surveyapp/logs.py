"""Logs: structured lines on stderr, without personal data, tokens or addresses of links."""

from __future__ import annotations

import logging
import sys

import structlog


def start_logging(level: int = logging.INFO) -> None:
    """One JSON line per event; library logs of warnings and above pass through the same way."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(name)s: %(message)s")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # Asked for each line: a stderr that was replaced and closed must never fail a request.
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
