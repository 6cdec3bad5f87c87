"""Which strategies ask alike: how far two of them agree on the same pools under the same models."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

import pandas as pd

from fal.layout import SETTING, setting_title
from fal.reporting import query_tables
from fal.reporting.formats import Measured
from fal.reporting.query_tables import Query
from fal.reporting.tables import by_setting

COLUMNS = (*SETTING, "seed", "strategy", "other", "rank_correlation", "overlap")


def agreement_rows(queries: Sequence[Query]) -> list[dict[str, Any]]:
    """One row for each pair of strategies, by name, that queried the same pools in cycle 0.

    After it, pools and models differ. rank_correlation: Spearman's, of the two scores of a client's
    unlabeled images, mean over the clients; NaN if one of the strategies gives no scores. overlap:
    images queried by both, as a share of those queried by either (Jaccard's index).

    queries: of one setting and seed, each of another strategy, in cycle 0.
    """
    ordered = sorted(queries, key=lambda query: query.run["strategy"])
    return [
        {
            **{factor: one.run[factor] for factor in (*SETTING, "seed")},
            "strategy": one.run["strategy"],
            "other": other.run["strategy"],
            "rank_correlation": rank_correlation(one.pool, other.pool),
            "overlap": overlap(one.queried["index"], other.queried["index"]),
        }
        for one, other in combinations(ordered, 2)
    ]


def rank_correlation(one: pd.DataFrame, other: pd.DataFrame) -> float:
    """Spearman's rank correlation of two score columns, mean over the clients.

    one, other: pools (client, index, score) of the same images. NaN if either has no scores.
    """
    if "score" not in one or "score" not in other:
        return float("nan")
    both = one[["client", "index", "score"]].merge(other[["index", "score"]], on="index")
    if both[["score_x", "score_y"]].isna().any(axis=None):
        return float("nan")
    return query_tables.rank_correlation(both, "score_x", "score_y")


def overlap(one: Iterable[int], other: Iterable[int]) -> float:
    """Jaccard's index of two sets of images; NaN if both are empty."""
    first, second = set(one), set(other)
    return len(first & second) / len(first | second) if first | second else float("nan")


def agreement_summary(table: pd.DataFrame, references: Sequence[str]) -> dict[str, Measured]:
    """Per setting (its title) how far each strategy agrees with the references, to read.

    table: as ``agreement_table`` gives it. Means over the seeds and their standard deviations.
    """
    settings = by_setting(table)
    return {setting_title(setting): _summary(rows, references) for setting, rows in settings}


def _summary(table: pd.DataFrame, references: Sequence[str]) -> Measured:
    turned = table.rename(columns={"strategy": "other", "other": "strategy"})
    pairs = pd.concat([table, turned])
    mean, std = {}, {}
    for what in ("rank_correlation", "overlap"):
        for name in references:
            found = pairs[pairs["other"] == name].groupby("strategy")[what]
            title = f"{what.replace('_', ' ')} with {name}"
            mean[title], std[title] = found.mean(), found.std()
    means = pd.DataFrame(mean).dropna(axis=1, how="all")
    return Measured(means, pd.DataFrame(std)[list(means)])


def agreement_table(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """All rows of ``agreement_rows``, sorted."""
    table = pd.DataFrame(list(rows), columns=[*COLUMNS])
    return table.sort_values([*SETTING, "seed", "strategy", "other"], ignore_index=True)
