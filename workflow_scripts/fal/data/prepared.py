"""What a prepared data set was made of."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from fal.data.kinds.base import DatasetKind


def record_of(prepared: Path) -> dict[str, Any]:
    """The record of the step that prepared the data set in a folder; empty if there is none."""
    try:
        record = json.loads((prepared / "provenance.json").read_text())
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def settled_fingerprint(kind: DatasetKind, prepared: Path) -> str:
    """``kind.fingerprint()``, or where nothing but times has changed since, as when files are
    copied, the one that the data set in ``prepared`` was made at: nothing is then made anew.

    Where times have changed, the files are read to find out. Raises InputError if they cannot be.
    """
    now = kind.fingerprint()
    record = record_of(prepared)
    content = record.get("content")
    try:
        then = record["settings"]["fingerprint"]
    except (KeyError, TypeError):
        return now
    return then if now == then or (content and _content(kind, now) == content) else now


@cache
def _content(kind: DatasetKind, fingerprint: str) -> str:
    return kind.content_digest()
