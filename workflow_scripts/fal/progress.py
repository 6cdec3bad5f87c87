"""How far a running job is, in a small file beside its log, for whoever watches from outside."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from fal.storage import replacing

EVERY = 1.0
"""Seconds between two writings, at least."""


class Progress:
    """``done`` of ``total`` units, such as rounds, kept in ``<log>.progress`` until ``close``."""

    def __init__(self, log: str | Path, unit: str, total: int, done: int = 0):
        self.path = Path(f"{log}.progress")
        self.unit, self.total = unit, total
        self.started = time.time()
        self._written = float("-inf")
        self.update(done)

    def update(self, done: int, **numbers: float) -> None:
        """Say that ``done`` units are done; ``numbers``, such as a loss, are shown beside it."""
        now = time.monotonic()
        if now - self._written < EVERY and done < self.total:
            return
        self._written = now
        record = {
            "pid": os.getpid(),
            "started": self.started,
            "unit": self.unit,
            "done": done,
            "total": self.total,
            **numbers,
        }
        with replacing(self.path) as temporary:
            temporary.write_text(json.dumps(record))

    def close(self) -> None:
        """Forget it: the job is over."""
        self.path.unlink(missing_ok=True)
