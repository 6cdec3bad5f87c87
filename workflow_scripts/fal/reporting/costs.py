"""What a run has cost: time and memory of each step, and what the clients sent and received."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from fal.layout import RUN, parse_path
from fal.reporting.formats import Measured
from fal.reporting.tables import by_setting, setting_title

MEGABYTE = 1e6
COLUMNS = [*RUN, "step", "seconds", "peak_memory_mb", "rounds", "megabytes_down", "megabytes_up"]


def cost_row(record: str | Path) -> dict[str, Any]:
    """The cost of one step, from its provenance record.

    Columns: the run; step (the name of its script); seconds and peak_memory_mb of its job (of the
    last attempt, where an earlier one was killed); and for a training its rounds and the megabytes
    (10^6 bytes) that all participants received (down) and sent (up) in all of them.
    """
    found = json.loads(Path(record).read_text())
    row = {
        **parse_path(record),
        "step": found["script"],
        "seconds": found["seconds"],
        "peak_memory_mb": found.get("peak_memory_mb"),
    }
    if sent := found.get("bytes_per_participant"):
        transfers = found["rounds"] * found["participants"] / MEGABYTE
        row |= {f"megabytes_{way}": sent[way] * transfers for way in ("down", "up")}
        row["rounds"] = found["rounds"]
    return row


def cost_table(records: Iterable[str | Path]) -> pd.DataFrame:
    """All rows of ``cost_row``, sorted by run and step; empty where a step has no such number."""
    table = pd.DataFrame([cost_row(record) for record in records], columns=COLUMNS)
    table = table.astype({"rounds": "Int64", "peak_memory_mb": "Int64"})
    return table.sort_values([*RUN, "step"], ignore_index=True)


def cost_summary(table: pd.DataFrame) -> dict[str, Measured]:
    """Per setting (its title) one row per step and strategy, to read.

    Means and standard deviations over seeds and cycles; megabytes are those of one round.
    """
    return {setting_title(setting): _summary(rows) for setting, rows in by_setting(table)}


def _summary(table: pd.DataFrame) -> Measured:
    values = pd.DataFrame(
        {
            "jobs": 1.0,
            "seconds": table["seconds"],
            "peak memory (MB)": table["peak_memory_mb"].astype(float),
            "MB down/round": table["megabytes_down"] / table["rounds"].astype(float),
            "MB up/round": table["megabytes_up"] / table["rounds"].astype(float),
            "MB down/cycle": table["megabytes_down"],
            "MB up/cycle": table["megabytes_up"],
        }
    )
    groups = values.groupby([table["step"], table["strategy"]])
    mean, std = groups.mean(), groups.std()
    mean["jobs"] = groups.size().astype(float)
    std = std.mask(std == 0)
    return Measured(mean, std, {"jobs": 0, "seconds": 1, "peak memory (MB)": 0})
