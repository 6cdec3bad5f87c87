"""Strategies compared over all settings of a run together.

A strategy's accuracy in a setting is that of its runs that count (see
``fal.reporting.ranking.complete_runs``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fal.layout import SETTING
from fal.reporting import statistics
from fal.reporting.options import REFERENCES
from fal.reporting.ranking import comparable_runs, run_measures

_GROUP = list(SETTING)


@dataclass(frozen=True)
class CriticalDifference:
    """What a critical-difference diagram shows: strategies compared over settings.

    ranks: average rank of each strategy, best first (1 is the best). settings: how many.
    statistic, p: of Friedman's test. difference: Nemenyi's, which ranks must differ by more than.
    groups: strategies that are not told apart, the bars. left_out: strategies that some setting
    has no complete run of.
    """

    ranks: pd.Series
    settings: int
    statistic: float
    p: float
    difference: float
    groups: tuple[tuple[str, ...], ...]
    left_out: tuple[str, ...]


def critical_difference(table: pd.DataFrame, measure: str = "area") -> CriticalDifference | None:
    """Friedman's test and Nemenyi's critical difference of all strategies over all settings.

    A strategy's score in a setting is its mean over the seeds that are ``comparable`` there, of the
    strategies that all settings have. The chi-square approximation is meant for more than ten
    settings and five strategies (Demšar, 2006). Returns None for fewer than two settings, or
    strategies that all of them have.
    """
    settings = len(table[_GROUP].drop_duplicates())
    measures = run_measures(table).dropna(subset=[measure])
    found_in = measures.drop_duplicates([*_GROUP, "strategy"])["strategy"].value_counts()
    everywhere = measures[measures["strategy"].isin(found_in.index[found_in == settings])]
    scores = comparable_runs(everywhere, measure).pivot_table(
        index=_GROUP, columns="strategy", values=measure, aggfunc="mean"
    )
    if settings < 2 or len(scores.columns) < 2:
        return None
    test = statistics.friedman(scores.round(3))
    ranks = pd.Series(test.ranks, index=list(scores.columns)).sort_values(kind="stable")
    difference = statistics.critical_difference(len(ranks), settings)
    groups = statistics.undecided_groups(ranks, difference)
    return CriticalDifference(
        ranks=ranks,
        settings=settings,
        statistic=test.statistic,
        p=test.p,
        difference=difference,
        groups=tuple(tuple(ranks.index[group]) for group in groups),
        left_out=tuple(sorted(set(table["strategy"]) - set(ranks.index))),
    )


def ranks_sentence(found: CriticalDifference | None) -> str:
    """What the average ranks decide, in words."""
    if found is None:
        return "There are no two settings that have two strategies in common to be ranked."
    strategies, most = len(found.ranks), len(found.ranks) - 1
    over = f"{strategies} strategies over {found.settings} settings"
    left_out = f"; without {', '.join(found.left_out)}" if found.left_out else ""
    apart = f"Average ranks of {over}{left_out}: those that are more than {found.difference:.2f} "
    if found.difference >= most:
        return (
            f"{apart}apart would differ (Nemenyi, 5 %), and none can be more than {most} apart: so "
            "few settings can decide nothing."
        )
    return (
        f"{apart}apart differ (Nemenyi, 5 %), given that not all strategies do equally well: "
        f"Friedman's p is {found.p:.2g}."
    )


def penalty_table(table: pd.DataFrame) -> pd.DataFrame:
    """The pairwise penalty matrix: how often the row's strategy beats the column's.

    See ``statistics.penalty_matrix``. The labeled counts of a setting are its cycles after the
    first, which all strategies share; runs count as far as they got.

    Returns strategies by strategies, sorted by name.
    """
    strategies = sorted(table["strategy"].unique())
    queried = table[table["cycle"] > 0]
    accuracies = [_accuracies(rows, strategies) for _, rows in queried.groupby(_GROUP)]
    penalties = (
        statistics.penalty_matrix(accuracies) if accuracies else np.zeros((len(strategies),) * 2)
    )
    return pd.DataFrame(penalties, index=strategies, columns=strategies)


def _accuracies(rows: pd.DataFrame, strategies: Sequence[str]) -> np.ndarray:
    """The accuracies of one setting: [cycles, strategies, seeds], NaN where there is none."""
    wide = rows.pivot(index=["cycle", "strategy"], columns="seed", values="accuracy")
    cycles = sorted(rows["cycle"].unique())
    every = pd.MultiIndex.from_product([cycles, strategies], names=wide.index.names)
    return wide.reindex(every).to_numpy().reshape(len(cycles), len(strategies), -1)


def aggregate_table(
    table: pd.DataFrame, references: Sequence[str] = REFERENCES, measure: str = "area"
) -> pd.DataFrame:
    """How far each strategy is above each reference over all settings together.

    Columns: reference, strategy; iqm (interquartile mean of the differences of the pairs of all
    settings, percentage points), low, high (its interval of 95%, by a bootstrap stratified by
    setting); settings, pairs (how many there are). Strategies without a pair are left out.
    """
    measures = run_measures(table).dropna(subset=[measure])
    runs = measures.pivot(index=[*_GROUP, "seed"], columns="strategy", values=measure)
    columns = ["reference", "strategy", "iqm", "low", "high", "settings", "pairs"]
    rows = [
        {"reference": reference, "strategy": strategy, **_aggregate(differences)}
        for reference in references
        if reference in runs
        for strategy in runs.columns.drop(reference)
        if len(differences := (runs[strategy] - runs[reference]).dropna())
    ]
    return pd.DataFrame(rows, columns=columns)


def _aggregate(differences: pd.Series) -> dict[str, float]:
    strata = [own.to_numpy() for _, own in differences.groupby(level=_GROUP)]
    interval = statistics.interquartile_mean_interval(strata)
    return {
        "iqm": statistics.interquartile_mean(differences),
        "low": interval.low,
        "high": interval.high,
        "settings": len(strata),
        "pairs": len(differences),
    }
