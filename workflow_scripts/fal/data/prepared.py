"""What a prepared data set was made of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

from fal.data.kinds.base import DatasetKind
from fal.storage import save_text

_MEMORY = ".same_content"
"""The file beside a data set that says which files have the contents that it was made of."""


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

    Where times have changed, the files are read once to find out; that nothing else has is
    remembered beside the data set. Raises InputError if they cannot be read.
    """
    now = kind.fingerprint()
    record = record_of(prepared)
    try:
        then = record["settings"]["fingerprint"]
    except (KeyError, TypeError):
        return now
    if now == then or not record.get("content"):
        return now
    memory, same = prepared / _MEMORY, f"{now} is {then}\n"
    if memory.is_file() and memory.read_bytes() == same.encode():
        return then
    if _content(kind, now) != record["content"]:
        return now
    with suppress(OSError):
        save_text(memory, same)
    return then


def settled_options(
    options: Mapping[str, Any], kind: DatasetKind, prepared: Path
) -> dict[str, Any]:
    """``options``, or where the data set in ``prepared`` was made by the same, those of then.

    options: kind and all options of ``kind``.
    """
    try:
        then = record_of(prepared)["settings"]["options"]
        same = same_options(options, then, kind)
    except (KeyError, TypeError):
        return dict(options)
    if not same:
        return dict(options)
    return {key: then[key] if key == "path" else options[key] for key in options if key in then}


def same_options(options: Mapping[str, Any], then: Mapping[str, Any], kind: DatasetKind) -> bool:
    """Whether ``options`` are those of a record, ``then``.

    They are where files have moved to another ``path``, of whose contents the fingerprint tells,
    and where an option that was not there then has its default.
    """
    defaults = {option.name: option.default for option in fields(kind)}
    return _comparable(options) == _comparable({**defaults, **then})


def _comparable(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as a record has them, without the path."""
    told: dict[str, Any] = json.loads(json.dumps(dict(options), default=str))
    return {key: value for key, value in told.items() if key != "path"}


@cache
def _content(kind: DatasetKind, fingerprint: str) -> str:
    return kind.content_digest()
