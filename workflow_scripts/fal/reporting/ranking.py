"""What a run is judged by, and how the strategies of a setting rank by it."""

import numpy as np
import pandas as pd

from fal.layout import RUN, SETTING
from fal.reporting import statistics

METRICS = ("balanced_accuracy", "macro_f1", "worst_client")
"""Columns of ``fal.reporting.metrics.metrics_table`` that a run is judged by in the end."""

MEASURES = ("area", "final", "last5", *METRICS)
"""What a run is judged by, in percent: the area under its learning curve (see
``fal.reporting.statistics.area_under_curve``), its accuracy after the last round of the last cycle,
the mean over the last five rounds of that cycle, and metrics of its last predictions."""

_GROUP = list(SETTING)
_RUN = [*_GROUP, "strategy", "seed"]


def with_metrics(table: pd.DataFrame, metrics: pd.DataFrame) -> pd.DataFrame:
    """The rows of accuracy.csv with the columns ``METRICS`` of metrics.csv, NaN where it has none.

    Raises pandas.errors.MergeError if metrics.csv has a run and cycle twice.
    """
    return table.merge(metrics[[*RUN, *METRICS]], how="left", on=list(RUN), validate="m:1")


def complete_runs(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the runs that count, in the order of cycles.

    A run counts if it has every cycle that any run of its setting has.

    table: rows as of ``fal.reporting.tables.accuracy_table``.
    """
    expected = table.groupby(_GROUP)["cycle"].transform("nunique")
    found = table.groupby(_RUN)["cycle"].transform("nunique")
    return table[found == expected].sort_values("cycle", kind="stable")


def run_measures(table: pd.DataFrame) -> pd.DataFrame:
    """One row per run that counts: the setting, strategy, seed and ``MEASURES``.

    What was not measured is NaN: last5, and the metrics that ``table`` has no column of.
    """
    complete = complete_runs(table)
    runs = complete.groupby(_RUN)
    # Arrays in the order of runs and cycles: a frame for each run would take most of the time.
    order = np.argsort(runs.ngroup().to_numpy(), kind="stable")
    curves = complete[["labeled", "accuracy"]].to_numpy()[order]
    sizes = runs.size().to_numpy()
    ends = np.cumsum(sizes)
    last = complete.iloc[order[ends - 1]].reset_index(drop=True)
    areas = [
        statistics.area_under_curve(*curves[start:end].T)
        for start, end in zip(ends - sizes, ends, strict=True)
    ]
    measured = last.assign(area=areas, final=last["accuracy"], last5=last["accuracy_last5"])
    return measured.reindex(columns=[*_RUN, *MEASURES])


def comparable(runs: pd.DataFrame) -> pd.DataFrame:
    """The seeds that strategies rank by, of a table of seeds by strategies (NaN: no run).

    They are those of which all strategies that have a run have one: seeds differ by more than
    strategies do. Where there is no such seed all are taken.
    """
    common = runs.dropna(axis="columns", how="all").dropna()
    return common if len(common) else runs


def rows_of_common_seeds(table: pd.DataFrame) -> pd.DataFrame:
    """The rows whose seeds are ``comparable`` in their setting by having any row at all."""
    kept = []
    for _, rows in table.groupby(_GROUP):
        runs = rows.drop_duplicates(["seed", "strategy"]).assign(run=1.0)
        seeds = comparable(runs.pivot(index="seed", columns="strategy", values="run")).index
        kept.append(rows[rows["seed"].isin(seeds)])
    return pd.concat(kept) if kept else table


def comparable_runs(measures: pd.DataFrame, measure: str = "area") -> pd.DataFrame:
    """The rows of ``run_measures`` whose seeds are ``comparable`` by a measure in their setting."""
    kept = [
        place
        for _, rows in measures.groupby(_GROUP)
        for runs in [rows.pivot(index="seed", columns="strategy", values=measure)]
        for place in rows.index[rows["seed"].isin(comparable(runs).index)]
    ]
    return measures.loc[kept]


def comparable_rows(table: pd.DataFrame) -> pd.DataFrame:
    """The rows that means of strategies are taken over: those of the seeds they rank by.

    Of a strategy that has no run that counts all rows are left.
    """
    of_strategy = [*_GROUP, "strategy"]
    counted = run_measures(table)
    taken = pd.MultiIndex.from_frame(comparable_runs(counted)[_RUN])
    ranked = pd.MultiIndex.from_frame(counted[of_strategy])
    runs, strategies = (pd.MultiIndex.from_frame(table[names]) for names in (_RUN, of_strategy))
    return table[runs.isin(taken) | ~strategies.isin(ranked)]


def ranking(table: pd.DataFrame) -> pd.DataFrame:
    """Strategies of each setting by the area under their curves, the best first.

    Columns: the setting, strategy, area_mean, area_std (over the runs that count of the seeds that
    are ``comparable``; empty for one), rank (1 is best, equals share the better one; strategies
    without a run that counts come last).
    """
    of_strategy = [*_GROUP, "strategy"]
    by_strategy = comparable_runs(run_measures(table)).groupby(of_strategy)["area"]
    areas = by_strategy.agg(area_mean="mean", area_std="std").reset_index()
    ranks = table[of_strategy].drop_duplicates().merge(areas, how="left", validate="1:1")
    by_setting = ranks.groupby(_GROUP)["area_mean"]
    ranks["rank"] = by_setting.rank(ascending=False, method="min", na_option="bottom").astype(int)
    return ranks.sort_values([*_GROUP, "rank", "strategy"], ignore_index=True)
