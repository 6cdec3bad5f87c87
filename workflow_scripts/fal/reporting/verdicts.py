"""Which strategy is better, by how much, and whether the seeds can tell: tables of verdicts.

Runs are paired by seed: two strategies of a setting with the same seed start from the same
partition, labeled images and models. A seed is a pair where the runs of both count (see
``fal.reporting.ranking.complete_runs``); it is missing where one of them does not, or is not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from fal.layout import SETTING
from fal.reporting import statistics
from fal.reporting.options import REFERENCES
from fal.reporting.ranking import MEASURES, comparable, complete_runs, run_measures

_GROUP = list(SETTING)


def verdict_table(
    table: pd.DataFrame,
    references: Sequence[str] = REFERENCES,
    measures: Sequence[str] = MEASURES,
) -> pd.DataFrame:
    """Each strategy of each setting against each reference, by each of ``measures``.

    Columns: the setting, measure, reference, strategy; mean and reference_mean (percent, over the
    pairs); difference (their difference in percentage points), low, high (its interval of 95%, see
    ``statistics.mean_interval``), hodges_lehmann; win_ratio; p (exact one-sided Wilcoxon, that the
    strategy is the better) and p_worse (that it is the worse), with Holm's correction p_holm and
    p_worse_holm over the strategies that are compared with the reference by the measure in the
    setting; seeds (pairs), missing (seeds that are none), smallest_p and smallest_p_holm (what so
    many seeds can give, and that corrected); verdict (in words).

    Where there is no pair the numbers are NaN. References that a setting does not have, and
    measures that it was not judged by, are left out. Ranks and wins are those of differences
    rounded to 0.001 points, since the accuracies of a table are rounded themselves, which breaks
    ties.
    """
    found = [
        {**_names(setting), "measure": measure, **compared}
        for setting, rows in table.groupby(_GROUP)
        for measure, runs in _measured(rows, measures).items()
        for reference in references
        if reference in runs
        for compared in _comparisons(runs, reference, _seeds(rows))
    ]
    return pd.DataFrame(found, columns=[*_GROUP, "measure", *_COMPARISON])


def cycle_verdicts(table: pd.DataFrame, references: Sequence[str] = REFERENCES) -> pd.DataFrame:
    """``verdict_table`` by the accuracy after each query: of each cycle but a setting's first.

    Columns: those of ``verdict_table``, with cycle in place of measure. A run counts in a cycle if
    it has every cycle up to that one; Holm's correction is over the strategies of the cycle.
    """
    found = [
        row
        for _, rows in table.groupby(_GROUP)
        for cycle in sorted(rows["cycle"].unique())[1:]
        for row in verdict_table(rows[rows["cycle"] <= cycle], references, ["final"])
        .assign(cycle=cycle)
        .to_dict("records")
    ]
    return pd.DataFrame(found, columns=[*_GROUP, "cycle", *_COMPARISON])


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


def _measured(rows: pd.DataFrame, measures: Sequence[str]) -> dict[str, pd.DataFrame]:
    """What the runs of a setting are judged by: seeds by strategies, NaN where one is missing."""
    measured = run_measures(rows)
    seeds, strategies = (sorted(rows[name].unique()) for name in ("seed", "strategy"))
    return {
        measure: measured.pivot(index="seed", columns="strategy", values=measure).reindex(
            index=seeds, columns=strategies
        )
        for measure in measures
        if measured[measure].notna().any()
    }


def _seeds(rows: pd.DataFrame) -> dict[str, set[int]]:
    """The seeds of each strategy of a setting, also of runs that do not count."""
    return {str(name): set(own) for name, own in rows.groupby("strategy")["seed"]}


def _comparisons(
    runs: pd.DataFrame, reference: str, seeds_of: Mapping[str, set[int]]
) -> list[dict[str, Any]]:
    """All strategies of a setting (columns of ``runs``) against one of them, as ``_COMPARISON``."""
    base = runs[reference].to_numpy()
    found = []
    for strategy in map(str, runs.columns.drop(reference)):
        compared = _comparison(runs[strategy].to_numpy(), base)
        tried = len(seeds_of[strategy] | seeds_of[reference])
        names = {"reference": reference, "strategy": strategy}
        found.append({**names, **compared, "missing": tried - compared["seeds"]})
    for p in ("p", "p_worse", "smallest_p"):
        corrected = statistics.holm([compared.get(p, np.nan) for compared in found])
        for compared, value in zip(found, corrected, strict=True):
            compared[f"{p}_holm"] = value
    seeds = [compared["seeds"] for compared in found]
    for place, compared in enumerate(found):
        compared["verdict"] = _verdict(compared, seeds[:place] + seeds[place + 1 :])
    return found


def _comparison(strategy: np.ndarray, reference: np.ndarray) -> dict[str, Any]:
    """The numbers of one comparison; strategy, reference: [seeds], NaN where a run is missing."""
    paired = ~np.isnan(strategy) & ~np.isnan(reference)
    seeds = int(paired.sum())
    if not seeds:
        return {"seeds": 0}
    differences = (strategy - reference)[paired]
    interval = statistics.mean_interval(differences)
    ranked = np.round(differences, 3)
    return {
        "seeds": seeds,
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
        parts.append(f"{statistics.seed_count(row['missing'])} without a pair")
    return "; ".join(parts)


def _difference(row: Mapping[str, Any]) -> str:
    """How far above or below; the interval is that of the points named."""
    size, low, high = row["difference"], row["low"], row["high"]
    if size < 0:
        size, low, high = -size, -high, -low
    where = f"above {row['reference']}" if row["difference"] >= 0 else f"below {row['reference']}"
    interval = "" if np.isnan(low) else f" [{round(low, 1) + 0:.1f}, {round(high, 1) + 0:.1f}]"
    return f"{size:.1f} points {where}{interval}"


def _decision(row: Mapping[str, Any], corrected: bool) -> str:
    better = row["p_holm"] <= row["p_worse_holm"]
    p = row["p_holm"] if better else row["p_worse_holm"]
    found = "not told apart" if p > statistics.LEVEL else "better" if better else "worse"
    name = "corrected p" if corrected else "p"
    return f"{found} ({name} {p:.2g}, {statistics.seed_count(row['seeds'])})"


def sentence_table(table: pd.DataFrame, baseline: str = REFERENCES[0]) -> pd.DataFrame:
    """The verdict of each setting in a sentence. Columns: the setting, verdict."""
    rows = [
        {**_names(setting), "verdict": setting_sentence(own, baseline)}
        for setting, own in table.groupby(_GROUP)
    ]
    return pd.DataFrame(rows, columns=[*_GROUP, "verdict"])


def setting_sentence(table: pd.DataFrame, baseline: str = REFERENCES[0]) -> str:
    """The verdict of one setting in a sentence: who leads by area, and whether that is certain.

    The leader has the largest mean area over the seeds that are ``comparable``. It is compared with
    the baseline, or where it is the baseline itself or there is none, with the second; Holm's
    correction is over all strategies that could have been in its place.

    table: rows of one setting.
    """
    measured = _measured(table, ["area"])
    if not measured:
        return "no run is complete"
    runs = measured["area"]
    ranked = comparable(runs)
    means = ranked.mean().dropna().sort_values(ascending=False, kind="stable")
    leader = means.index[0]
    apart = ranked.dropna(axis="columns", how="all").isna().any(axis=None)
    fewer = len(ranked) < len(runs.dropna(how="all"))
    which = ""
    if apart:
        which = ", over its own seeds, as no seed has a run of every strategy"
    elif fewer:
        which = f", in the {statistics.seed_count(len(ranked))} that all strategies have"
    area = f"{means.iloc[0]:.1f} % (area{which})"
    if len(means) == 1:
        return f"{leader} has {area}; there is nothing to compare it with"
    reference = baseline if baseline in means.index[1:] else means.index[1]
    compared = _comparisons(runs, reference, _seeds(table))
    found = next(row for row in compared if row["strategy"] == leader)
    others = f"over {found['seeds']} pairs " if found["seeds"] not in (0, len(ranked)) else ""
    return f"{leader} leads with {area}, {others}{found['verdict']}"


def labels_table(table: pd.DataFrame, references: Sequence[str] = REFERENCES) -> pd.DataFrame:
    """The labeled images that each strategy needs to be as accurate as a reference in the end.

    Columns: the setting, reference, strategy; target (the reference's final accuracy, percent,
    mean over the pairs); needed, saved (labeled images of all clients, medians over the pairs; see
    ``statistics.labels_saved``); reached (pairs in which the target was reached); seeds (pairs);
    missing (seeds that are none). A pair that does not reach its target counts as needing more than
    any that does; a median among such is NaN. References that a setting does not have are left out.
    """
    rows: list[dict[str, Any]] = []
    for setting, own in table.groupby(_GROUP):
        curves = dict(iter(complete_runs(own).groupby(["strategy", "seed"])))
        seeds_of = _seeds(own)
        for reference in (name for name in references if name in seeds_of):
            for strategy in sorted(seeds_of):
                tried = sorted(seeds_of[strategy] | seeds_of[reference])
                pairs = [
                    (curves[strategy, seed], curves[reference, seed])
                    for seed in tried
                    if (strategy, seed) in curves and (reference, seed) in curves
                ]
                rows.append(
                    {
                        **_names(setting),
                        "reference": reference,
                        "strategy": strategy,
                        **_needs(pairs),
                        "missing": len(tried) - len(pairs),
                    }
                )
    columns = ["reference", "strategy", "target", "needed", "saved", "reached", "seeds", "missing"]
    return pd.DataFrame(rows, columns=[*_GROUP, *columns])


def _needs(pairs: Sequence[tuple[pd.DataFrame, pd.DataFrame]]) -> dict[str, Any]:
    targets = [reference["accuracy"].iloc[-1] for _, reference in pairs]
    needed = [
        statistics.labels_to_reach(run["labeled"], run["accuracy"], target)
        for (run, _), target in zip(pairs, targets, strict=True)
    ]
    saved = [
        statistics.labels_saved(
            run["labeled"], run["accuracy"], reference["labeled"], reference["accuracy"]
        )
        for run, reference in pairs
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
