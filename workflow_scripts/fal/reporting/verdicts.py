"""Which strategy is better, by how much, and whether the seeds can tell: tables of verdicts.

Runs are paired by seed: two strategies of a setting with the same seed start from the same
partition, labeled images and models. A run counts if it has every cycle that any run of its
setting has; one that does not is missing, and a seed is a pair where both runs count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fal.layout import SETTING
from fal.reporting import statistics

BASELINE = "random"
"""The strategy that all others have to be better than to be worth anything."""

REFERENCES = (BASELINE, "ifal")
"""The strategies that all others are compared with."""

MEASURES = ("area", "final", "last5")
"""What a run is judged by, in percent: the area under its learning curve (see
``fal.reporting.statistics.area_under_curve``), its accuracy after the last round of the last cycle,
and the mean over the last five rounds of that cycle."""

_GROUP = list(SETTING)


def run_measures(table: pd.DataFrame) -> pd.DataFrame:
    """One row per run that counts: the setting, strategy, seed, area, final, last5.

    table: rows as of ``fal.reporting.tables.accuracy_table``. last5 is NaN where it was not
    measured.
    """
    rows = []
    for factors, run in _counting(table).groupby([*_GROUP, "strategy", "seed"]):
        last = run.iloc[-1]
        rows.append(
            {
                **dict(zip([*_GROUP, "strategy", "seed"], factors, strict=True)),
                "area": statistics.area_under_curve(run["labeled"], run["accuracy"]),
                "final": last["accuracy"],
                "last5": last["accuracy_last5"],
            }
        )
    return pd.DataFrame(rows, columns=[*_GROUP, "strategy", "seed", *MEASURES])


def _counting(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the runs that have every cycle of their setting, in the order of cycles."""
    expected = table.groupby(_GROUP)["cycle"].transform("nunique")
    found = table.groupby([*_GROUP, "strategy", "seed"])["cycle"].transform("nunique")
    return table[found == expected].sort_values("cycle", kind="stable")


def verdict_table(table: pd.DataFrame, references: Sequence[str] = REFERENCES) -> pd.DataFrame:
    """Each strategy of each setting against each reference, by each measure.

    Columns: the setting, measure, reference, strategy; mean and reference_mean (percent, over the
    pairs); difference (their difference in percentage points), low, high (its interval of 95%, see
    ``statistics.mean_interval``), hodges_lehmann; win_ratio; p (exact one-sided Wilcoxon, that the
    strategy is the better) and p_worse (that it is the worse), with Holm's correction p_holm and
    p_worse_holm over the strategies that are compared with the reference by the measure in the
    setting; seeds (pairs), missing (seeds of the setting that are no pair), smallest_p and
    smallest_p_holm (what so many seeds can give, and that corrected); verdict (in words).

    Where there is no pair the numbers are NaN. References that a setting does not have, and
    measures that it was not judged by, are left out. Ranks and wins are those of differences
    rounded to 0.001 points, since the accuracies of a table are rounded themselves, which breaks
    ties.
    """
    measures = run_measures(table)
    parts = []
    for setting, rows in table.groupby(_GROUP):
        measured = measures[_is_of(measures, setting)]
        for measure in MEASURES:
            runs = _runs(rows, measured, measure)
            for reference in references:
                if reference in runs and len(runs.columns) > 1 and runs.notna().any(axis=None):
                    compared = _comparisons(runs, reference)
                    parts.append(compared.assign(**_names(setting), measure=measure))
    columns = [*_GROUP, "measure", *_COMPARISON]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


_COMPARISON = (
    "reference",
    "strategy",
    "mean",
    "reference_mean",
    "difference",
    "low",
    "high",
    "hodges_lehmann",
    "win_ratio",
    "p",
    "p_holm",
    "p_worse",
    "p_worse_holm",
    "seeds",
    "missing",
    "smallest_p",
    "smallest_p_holm",
    "verdict",
)


def _names(setting: Iterable[Any]) -> dict[str, Any]:
    return dict(zip(_GROUP, setting, strict=True))


def _is_of(table: pd.DataFrame, setting: Iterable[Any]) -> np.ndarray:
    return np.logical_and.reduce([table[name] == value for name, value in _names(setting).items()])


def _runs(rows: pd.DataFrame, measured: pd.DataFrame, measure: str) -> pd.DataFrame:
    """One measure of a setting: seeds by strategies, NaN where a run is missing."""
    values = measured.pivot(index="seed", columns="strategy", values=measure)
    return values.reindex(
        index=sorted(rows["seed"].unique()), columns=sorted(rows["strategy"].unique())
    )


def _comparisons(runs: pd.DataFrame, reference: str) -> pd.DataFrame:
    """All strategies of a setting (columns of ``runs``) against one of them."""
    base = runs[reference].to_numpy()
    compared = pd.DataFrame(
        [
            {"reference": reference, "strategy": name, **_comparison(values.to_numpy(), base)}
            for name, values in runs.drop(columns=reference).items()
        ],
        columns=_COMPARISON,
    )
    compared["p_holm"] = statistics.holm(compared["p"])
    compared["p_worse_holm"] = statistics.holm(compared["p_worse"])
    compared["smallest_p_holm"] = statistics.holm(compared["smallest_p"])
    seeds = compared["seeds"].to_list()
    compared["verdict"] = [
        _verdict(dict(zip(_COMPARISON, row, strict=True)), seeds[:place] + seeds[place + 1 :])
        for place, row in enumerate(compared.itertuples(index=False))
    ]
    return compared


def _comparison(strategy: np.ndarray, reference: np.ndarray) -> dict[str, float]:
    """The numbers of one comparison; strategy, reference: [seeds], NaN where a run is missing."""
    paired = ~np.isnan(strategy) & ~np.isnan(reference)
    seeds = int(paired.sum())
    counts: dict[str, float] = {"seeds": seeds, "missing": len(paired) - seeds}
    if not seeds:
        return counts
    differences = (strategy - reference)[paired]
    interval = statistics.mean_interval(differences)
    ranked = np.round(differences, 3)
    return counts | {
        "mean": strategy[paired].mean(),
        "reference_mean": reference[paired].mean(),
        "difference": differences.mean(),
        "low": interval.low,
        "high": interval.high,
        "hodges_lehmann": statistics.hodges_lehmann(differences),
        "win_ratio": statistics.win_ratio(ranked),
        "p": statistics.wilcoxon_p(ranked),
        "p_worse": statistics.wilcoxon_p(-ranked),
        "smallest_p": statistics.smallest_p(seeds),
    }


def _verdict(row: Mapping[str, Any], others: Sequence[int]) -> str:
    """One comparison in words: '2.3 points above random [1.1, 3.0]; better (p 0.016, 6 seeds)'.

    others: the seeds of the other comparisons, 0 for one that has none.
    """
    if not row["seeds"]:
        return f"no seed has both {row['strategy']} and {row['reference']}"
    family = [seeds for seeds in others if seeds]
    decision = statistics.indecision(row["seeds"], family) or _decision(row, bool(family))
    parts = [_difference(row), decision]
    if row["missing"]:
        parts.append(f"{_count(row['missing'])} without a pair")
    return "; ".join(parts)


def _difference(row: Mapping[str, Any]) -> str:
    """How far above or below; the interval is that of the points named."""
    size, low, high = row["difference"], row["low"], row["high"]
    if size < 0:
        size, low, high = -size, -high, -low
    where = f"above {row['reference']}" if row["difference"] >= 0 else f"below {row['reference']}"
    interval = "" if np.isnan(low) else f" [{low + 0:.1f}, {high + 0:.1f}]"
    return f"{size:.1f} points {where}{interval}"


def _decision(row: Mapping[str, Any], corrected: bool) -> str:
    better = row["p_holm"] <= row["p_worse_holm"]
    p = row["p_holm"] if better else row["p_worse_holm"]
    found = "not told apart" if p > statistics.LEVEL else "better" if better else "worse"
    name = "corrected p" if corrected else "p"
    return f"{found} ({name} {p:.2g}, {_count(row['seeds'])})"


def _count(seeds: int) -> str:
    return "1 seed" if seeds == 1 else f"{seeds} seeds"


def setting_sentence(table: pd.DataFrame) -> str:
    """The verdict of one setting in a sentence: who leads by area, and whether that is certain.

    The leader has the largest mean area over its runs that count. It is compared with random, or
    where it is random itself or there is none, with the second; Holm's correction is over
    all strategies that could have been in its place.

    table: rows of one setting.
    """
    runs = _runs(table, run_measures(table), "area")
    means = runs.mean().dropna().sort_values(ascending=False, kind="stable")
    if means.empty:
        return "no run is complete"
    leader = means.index[0]
    area = f"{means.iloc[0]:.1f} % (area)"
    if len(means) == 1:
        return f"{leader} has {area}; there is nothing to compare it with"
    reference = BASELINE if BASELINE in means.index[1:] else means.index[1]
    verdicts = _comparisons(runs, reference).set_index("strategy")["verdict"]
    return f"{leader} leads with {area}, {verdicts[leader]}"


def labels_table(table: pd.DataFrame, baseline: str = BASELINE) -> pd.DataFrame:
    """The labeled images that each strategy needs to be as accurate as the baseline in the end.

    Columns: the setting, strategy; target (the baseline's final accuracy, percent, mean over
    the pairs); needed, saved (labeled images of all clients, medians over the pairs; see
    ``statistics.labels_saved``); reached (pairs in which the target was reached); seeds (pairs);
    missing (seeds of the setting that are no pair). A pair that does not reach its target counts
    as needing more than any that does; a median among such is NaN. Settings without the baseline
    are left out.
    """
    rows: list[dict[str, Any]] = []
    for setting, own in table.groupby(_GROUP):
        curves = dict(iter(_counting(own).groupby(["strategy", "seed"])))
        if baseline in set(own["strategy"]):
            for strategy in sorted(own["strategy"].unique()):
                pairs = [
                    (curves[strategy, seed], curves[baseline, seed])
                    for seed in sorted(own["seed"].unique())
                    if (strategy, seed) in curves and (baseline, seed) in curves
                ]
                missing = own["seed"].nunique() - len(pairs)
                rows.append(
                    {**_names(setting), "strategy": strategy, **_needs(pairs), "missing": missing}
                )
    columns = ["strategy", "target", "needed", "saved", "reached", "seeds", "missing"]
    return pd.DataFrame(rows, columns=[*_GROUP, *columns])


def _needs(pairs: Sequence[tuple[pd.DataFrame, pd.DataFrame]]) -> dict[str, Any]:
    targets = [baseline["accuracy"].iloc[-1] for _, baseline in pairs]
    needed = [
        statistics.labels_to_reach(run["labeled"], run["accuracy"], target)
        for (run, _), target in zip(pairs, targets, strict=True)
    ]
    saved = [
        statistics.labels_saved(
            run["labeled"], run["accuracy"], baseline["labeled"], baseline["accuracy"]
        )
        for run, baseline in pairs
    ]
    return {
        "target": np.mean(targets) if pairs else np.nan,
        "needed": _censored_median(needed, np.inf),
        "saved": _censored_median(saved, -np.inf),
        "reached": int(np.isfinite(needed).sum()),
        "seeds": len(pairs),
    }


def _censored_median(values: Sequence[float], beyond: float) -> float:
    """The median with NaN as a number beyond all others; NaN where that is in the middle."""
    if not values:
        return np.nan
    median = float(np.median(np.nan_to_num(values, nan=beyond)))
    return median if np.isfinite(median) else np.nan


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

    A strategy's score in a setting is its mean over the runs that count. The chi-square
    approximation is meant for more than ten settings and five strategies (Demšar, 2006). Returns
    None for fewer than two settings, or strategies that all of them have.
    """
    means = run_measures(table).pivot_table(
        index=_GROUP, columns="strategy", values=measure, aggfunc="mean"
    )
    settings = len(table[_GROUP].drop_duplicates())
    scores = means.loc[:, means.notna().sum() == settings]
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
    table: pd.DataFrame, baseline: str = BASELINE, measure: str = "area"
) -> pd.DataFrame:
    """How far each strategy is above the baseline over all settings together.

    Columns: strategy; iqm (interquartile mean of the differences of pairs of all settings,
    percentage points), low, high (its interval of 95%, by a bootstrap stratified by setting);
    settings, pairs (how many there are). Strategies without a pair are left out.
    """
    measures = run_measures(table).dropna(subset=[measure])
    runs = measures.pivot(index=[*_GROUP, "seed"], columns="strategy", values=measure)
    rows = []
    for strategy in runs.columns.drop(baseline, errors="ignore") if baseline in runs else ():
        differences = (runs[strategy] - runs[baseline]).dropna()
        if len(differences):
            strata = [own.to_numpy() for _, own in differences.groupby(level=_GROUP)]
            interval = statistics.interquartile_mean_interval(strata)
            rows.append(
                {
                    "strategy": strategy,
                    "iqm": statistics.interquartile_mean(differences),
                    "low": interval.low,
                    "high": interval.high,
                    "settings": len(strata),
                    "pairs": len(differences),
                }
            )
    return pd.DataFrame(rows, columns=["strategy", "iqm", "low", "high", "settings", "pairs"])
