"""What makes queries pay: which of their properties go with the accuracy that is gained by them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from fal.layout import SETTING, setting_title
from fal.reporting import statistics
from fal.reporting.formats import Texts
from fal.reporting.tables import by_setting

PROPERTIES = {
    "effective_classes": "effective classes per client",
    "coverage": "classes covered",
    "classes": "classes of all clients together",
    "imbalance": "imbalance against the pool",
}
"""Columns of queries.csv that may drive accuracy, and in words."""


FEWEST = 5
"""Strategies below which nothing is said: their ranks would agree by chance."""


def drivers(queries: pd.DataFrame, accuracy: pd.DataFrame) -> dict[str, Texts]:
    """Per setting (its title) how each property goes with the gain in accuracy.

    Spearman's rank correlation over the strategies of one seed and cycle, of a property of their
    queries with the accuracy gained by the next cycle; the mean over the cycles, then over the
    seeds. Few strategies, and not drawn at random: a description, no test. Cycles of a seed with
    fewer than ``FEWEST`` strategies are left out.

    queries, accuracy: as ``query_table`` and ``accuracy_table`` give them. Of each seed, strategies
    count that start from the same model as most, so that gains are by queries alone.
    """
    gains = _gains(accuracy)
    joined = queries.merge(gains, on=[*SETTING, "seed", "strategy", "cycle"])
    asked = joined.groupby([*SETTING, "seed", "cycle"])["strategy"].transform("nunique")
    found = {
        setting_title(setting): pd.DataFrame(_rows(rows))
        for setting, rows in by_setting(joined[asked >= FEWEST])
    }
    return {title: Texts(table) for title, table in found.items() if len(table)}


def _gains(accuracy: pd.DataFrame) -> pd.DataFrame:
    """One row per query: the run, its cycle, and gain, percentage points by the next cycle."""
    run = [*SETTING, "seed", "strategy"]
    ordered = accuracy.sort_values("cycle")
    gain = ordered.groupby(run)["accuracy"].shift(-1) - ordered["accuracy"]
    first = ordered.groupby(run)["accuracy"].transform("first")
    start = first.groupby([ordered[name] for name in (*SETTING, "seed")])
    usual = start.transform(lambda accuracies: accuracies.mode()[0])
    return ordered.assign(gain=gain)[gain.notna() & (first == usual)][[*run, "cycle", "gain"]]


def _rows(joined: pd.DataFrame) -> list[dict[str, Any]]:
    rows = []
    for name, words in PROPERTIES.items():
        if name not in joined or joined[name].isna().any():
            continue
        cycles = [
            {"seed": seed, "rank": own[name].rank().corr(own["gain"].rank())}
            for (seed, _), own in joined.groupby(["seed", "cycle"])
        ]
        seeds = pd.DataFrame(cycles).groupby("seed")["rank"].mean().dropna()
        if seeds.empty:
            continue
        low, high = statistics.mean_interval(seeds)
        rows.append(
            {
                "property": words,
                "rank correlation with the gain": f"{seeds.mean():+.2f}",
                "95 % interval": "" if np.isnan(low) else f"[{low:+.2f}, {high:+.2f}]",
                "seeds": len(seeds),
                "strategies": joined["strategy"].nunique(),
            }
        )
    return rows
