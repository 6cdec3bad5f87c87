"""How far a running job is and what it is called: for whoever watches from outside.

A job keeps one small file beside its log, ``<log>.progress``, for as long as it runs. It lies on
the shared folder, so that it can be read from another machine too, and is left behind by a kill.
"""

from __future__ import annotations

import json
import os
import platform
import re
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fal.errors import InputError
from fal.layout import SETTING, SHARED
from fal.storage import replacing

EVERY = 1.0
"""Seconds between two writings, at least."""

SILENT = 900.0
"""Seconds after which a job on another machine counts as dead if it wrote nothing."""

_MARKED = re.compile(r"^\d\d:\d\d:\d\d \w+: (Error|Warning|Note): (.*)$")
_TAIL = 16_384


class Progress:
    """``done`` of ``total`` units, such as rounds, kept in ``<log>.progress`` until ``close``.

    total: 0 for a job that only says that it runs.
    """

    def __init__(self, log: str | Path, unit: str = "", total: int = 0, done: int = 0):
        self.path = _path(log)
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
            "host": platform.node(),
            "started": self.started,
            "updated": time.time(),
            "unit": self.unit,
            "done": done,
            "total": self.total,
            "numbers": numbers,
        }
        # On a full disk nobody can watch, and the job goes on.
        with suppress(InputError), replacing(self.path, durable=False) as temporary:
            temporary.write_text(json.dumps(record))

    def close(self) -> None:
        """Forget it: the job is over."""
        self.path.unlink(missing_ok=True)


@dataclass(frozen=True)
class Standing:
    """What a progress file says: ``done`` of ``total`` units, times in seconds since the epoch."""

    pid: int
    host: str
    started: float
    updated: float
    unit: str
    done: int
    total: int
    numbers: dict[str, float] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """Such as: round 14 of 60, loss 0.813."""
        if not self.total:
            return ""
        numbers = [f"{name} {value:.3g}" for name, value in self.numbers.items()]
        return ", ".join([f"{self.unit} {self.done} of {self.total}", *numbers])

    def alive(self) -> bool:
        """Whether the process still runs; on another machine: whether it wrote lately."""
        if self.host != platform.node():
            return time.time() - self.updated < SILENT
        import psutil

        try:
            process = psutil.Process(self.pid)
            # A process that is younger than the file got its number after a killed one.
            same = process.create_time() <= self.started + 1
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False


def standing(log: str | Path) -> Standing | None:
    """How far the job of ``log`` is; None without a readable progress file."""
    try:
        return Standing(**json.loads(_path(log).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def warnings_in(log: str | Path) -> list[str]:
    """The sentences that a job warned with."""
    return _marked_in(log, "Warning")


def notes_in(log: str | Path) -> list[str]:
    """The sentences that a job told besides."""
    return _marked_in(log, "Note")


def _marked_in(log: str | Path, mark: str) -> list[str]:
    try:
        lines = Path(log).read_text(errors="replace").splitlines()
    except OSError:
        return []
    return [m[2] for line in lines if (m := _MARKED.match(line)) and m[1] == mark]


def error_in(log: str | Path) -> str | None:
    """The sentence that a job failed with, or None if the log does not end with one."""
    match = _MARKED.match(last_line(log))
    return match[2] if match and match[1] == "Error" else None


def last_line(log: str | Path) -> str:
    """The last line of a log that is not empty, or nothing."""
    try:
        with Path(log).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def describe(rule: str, factors: Mapping[str, Any], named: Collection[str] = ()) -> str:
    """A job in words, such as: train cycle 1 of random, seed 2.

    factors: the wildcards of the job. named: those of a setting's factors that are to be named,
    because the workflow has several of them.
    """
    words = rule.replace("_", " ")
    left = dict(factors)
    if "cycle" in left:
        strategy = left.pop("strategy", SHARED)
        owner = "all strategies" if strategy == SHARED else strategy
        cycle = f"cycle {left.pop('cycle')} of {owner}"
        words = (
            f"{words.removesuffix(' cycle')} {cycle}" if "cycle" in words else f"{words}, {cycle}"
        )
    if "seed" in left:
        words += f", seed {left.pop('seed')}"
    for name, value in left.items():
        if name not in SETTING:
            words += f", {value}"
        elif name in named:
            words += f", {name} {value}" if name in ("alpha", "clients") else f", {value}"
    return words


def duration(seconds: float) -> str:
    """Seconds as a person says them: 8 s, 2 min 5 s, 3 h 10 min, 4 d 2 h."""
    seconds = int(seconds + 0.5)
    for unit, size, smaller, small in (("d", 86400, "h", 3600), ("h", 3600, "min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit} {seconds % size // small} {smaller}"
    return f"{seconds // 60} min {seconds % 60} s" if seconds >= 60 else f"{seconds} s"


def _path(log: str | Path) -> Path:
    return Path(f"{log}.progress")
