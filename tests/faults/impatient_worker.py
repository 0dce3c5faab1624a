"""A real worker process with short leases and quick ticks, for tests that kill it."""

from __future__ import annotations

import os
from datetime import timedelta

from surveyapp import worker
from surveyapp.config import load_settings
from surveyapp.services import prompting

prompting.LEASE = timedelta(seconds=float(os.environ["LEASE_SECONDS"]))
worker.TICK_SECONDS = 0.2  # type: ignore[assignment]

if __name__ == "__main__":
    worker.run(load_settings())
