"""Which strategy leads in a setting, and by how much, over paired seeds."""

from dataclasses import dataclass

import pandas as pd

from fal.layout import SETTING


def areas(table: pd.DataFrame) -> pd.DataFrame:
    """The area under each run's curve: its mean accuracy over the cycles that follow a query.

    Where there is no cycle after the first, the accuracy of cycle 0. Columns: the setting,
    strategy, seed, accuracy (percent).
    """
    queried = table[table["cycle"] >= 1] if (table["cycle"] >= 1).any() else table
    runs = queried.groupby([*SETTING, "strategy", "seed"], as_index=False)
    return runs.agg(accuracy=("accuracy", "mean"))


def ranking(table: pd.DataFrame) -> pd.DataFrame:
    """Strategies of each setting by the area under their curve, the best first.

    Columns: the setting, strategy, area_mean, area_std (over seeds; empty for one), rank (1 is
    best, equals share the better one).
    """
    ranks = (
        areas(table)
        .groupby([*SETTING, "strategy"], as_index=False)
        .agg(area_mean=("accuracy", "mean"), area_std=("accuracy", "std"))
    )
    by_setting = ranks.groupby(list(SETTING))["area_mean"]
    ranks["rank"] = by_setting.rank(ascending=False, method="min").astype(int)
    return ranks.sort_values([*SETTING, "rank", "strategy"], ignore_index=True)


@dataclass(frozen=True)
class Lead:
    """How the best strategy of a setting stands against another.

    difference: of their areas, in percentage points, mean over the seeds that both have.
    seeds: how many these are. ahead: in how many of them the leader's area is the larger.
    """

    leader: str
    other: str
    difference: float
    seeds: int
    ahead: int


def lead(table: pd.DataFrame, other: str | None = None) -> Lead | None:
    """How the leader of one setting stands against ``other``, or else against the second.

    Returns None if there is no other strategy, or no seed that both have.
    """
    order = list(ranking(table)["strategy"])
    if len(order) < 2 or other == order[0]:
        return None
    other = other or order[1]
    pairs = areas(table).pivot(index="seed", columns="strategy", values="accuracy")
    differences = (pairs[order[0]] - pairs[other]).dropna()
    if differences.empty:
        return None
    return Lead(
        leader=order[0],
        other=other,
        difference=float(differences.mean()),
        seeds=len(differences),
        ahead=int((differences > 0).sum()),
    )
