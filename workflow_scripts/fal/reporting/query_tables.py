"""What the strategies queried: reading queries, their classes, candidates and fall-backs."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from fal.data.labeled import Labeled
from fal.errors import InputError
from fal.layout import RUN, parse_path
from fal.reporting.formats import Measured
from fal.reporting.tables import by_setting, setting_title

ROUTES = {
    "otsu": "Otsu on inter x intra",
    "fraction": "top fraction",
    "inter": "Otsu on inter",
    "top": "highest scores",
    "all": "whole pool",
}
"""How a client came to its candidates, as IFAL's explanation names it, and in words."""


PARTS = ("inter", "intra", "ratio")
"""What IFAL's total is made of."""


@dataclass(frozen=True)
class Query:
    """One cycle's query of all clients of a run.

    run: the factors, as ``fal.layout.parse_path`` gives them.
    pool: one row per unlabeled image before the query: client, index, and score columns.
    queried: one row per queried image: client, index.
    routes: how many clients took each route to their candidates (IFAL only, otherwise empty).
    thresholds: the threshold of each client that has one (IFAL only, otherwise empty).
    given: int64 [queried], the label that the oracle gave each queried image, -1 for none; or None
    while people have not answered.
    pool_accuracy: by role, how many percent of the pool each model is right about.
    """

    run: Mapping[str, Any]
    pool: pd.DataFrame
    queried: pd.DataFrame
    routes: Mapping[str, int]
    thresholds: Mapping[int, float]
    given: np.ndarray | None = None
    pool_accuracy: Mapping[str, float] = field(default_factory=dict)

    @property
    def candidates(self) -> float:
        """Share of the pool that passed the threshold, or NaN where there are no candidates."""
        return self.pool["candidate"].mean() if "candidate" in self.pool else float("nan")


def read_query(folder: str | Path) -> Query:
    """Read query.csv, scores.parquet and explanation.json of one cycle's folder.

    Raises InputError if an image was queried that is not in the pool.
    """
    folder = Path(folder)
    pool = pd.read_parquet(folder / "scores.parquet")
    queried = pd.read_csv(folder / "query.csv", usecols=["client", "index"])
    if not queried["index"].isin(pool["index"]).all():
        raise InputError(f"'{folder}': query.csv has images that scores.parquet does not know")
    explanation = json.loads((folder / "explanation.json").read_text())
    clients = explanation["clients"]
    thresholds = {int(k): found.get("threshold") for k, found in clients.items()}
    return Query(
        run=parse_path(folder),
        pool=pool,
        queried=queried,
        routes=Counter(found["route"] for found in clients.values() if "route" in found),
        thresholds={k: tau for k, tau in thresholds.items() if tau is not None},
        given=given_labels(folder, queried["index"]),
        pool_accuracy=explanation.get("pool_accuracy", {}),
    )


def class_shares(frame: pd.DataFrame, labels: np.ndarray, num_classes: int) -> np.ndarray:
    """Share of each class [num_classes] among the images of ``frame`` (column index).

    labels: int64 [N], true labels of the training set (known to the oracle; for reporting only);
    images with a label below 0, which nobody knows, do not count. NaN if none is known.
    """
    found = labels[frame["index"]]
    counts = np.bincount(found[found >= 0], minlength=num_classes)
    return counts / counts.sum() if counts.any() else np.full(num_classes, np.nan)


def given_labels(folder: Path, index: pd.Series) -> np.ndarray | None:
    """What the oracle said of the queried images: ``Query.given``. folder: of the cycle."""
    if not (answers := folder / "labeled.npz").exists():
        return None
    labeled = Labeled.open(answers)
    return labeled.labels(max(labeled.index.max(), index.max()) + 1)[index]


def queried_labels(labels: np.ndarray, index: pd.Series, given: np.ndarray | None) -> np.ndarray:
    """``labels`` int64 [N], and for images ``index`` that have none (below 0) what was given."""
    if given is None:
        return labels
    known = np.array(labels)
    known[index] = np.where(known[index] < 0, given, known[index])
    return known


def _queried_shares(query: Query, labels: np.ndarray, num_classes: int) -> np.ndarray:
    known = queried_labels(labels, query.queried["index"], query.given)
    return class_shares(query.queried, known, num_classes)


def share_tables(
    queries: Iterable[Query], labels: np.ndarray, num_classes: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Class shares of what was queried and of the pools: one row per (seed, cycle).

    NaN where no class is known, such as in the pools of images that only people label.
    """
    queried, pool = {}, {}
    for query in queries:
        key = (query.run["seed"], query.run["cycle"])
        queried[key] = _queried_shares(query, labels, num_classes)
        pool[key] = class_shares(query.pool, labels, num_classes)
    frames = [pd.DataFrame.from_dict(shares, orient="index") for shares in (queried, pool)]
    for frame in frames:
        frame.index = pd.MultiIndex.from_tuples(frame.index, names=["seed", "cycle"])
    return frames[0].sort_index(), frames[1].sort_index()


def query_row(query: Query, labels: np.ndarray, num_classes: int) -> dict:
    """One query in numbers.

    Columns: the run, pool and queried (images), classes (how many were queried),
    effective_classes and coverage (see there), imbalance (total variation distance, 0..1, between
    the classes queried and the pool's), wrong (share of the labels that the oracle gave),
    global_accuracy, local_accuracy and kd_accuracy (percent of the pool that the models are right
    about, of those that the strategy looked at); and of IFAL candidates (share of the pool),
    rank_inter, rank_intra and rank_ratio (see ``rank_correlations``), and per route how many
    clients took it, clients_otsu ....
    """
    queried = _queried_shares(query, labels, num_classes)
    pool = class_shares(query.pool, labels, num_classes)
    known = queried_labels(labels, query.queried["index"], query.given)
    clients = np.unique(query.pool["client"])
    of_clients = client_counts(query.queried, clients, known, num_classes)
    pools = client_counts(query.pool, clients, labels, num_classes)
    return {
        **{column: query.run[column] for column in RUN},
        "pool": len(query.pool),
        "queried": len(query.queried),
        "classes": None if np.isnan(queried).all() else np.count_nonzero(queried),
        "effective_classes": effective_classes(of_clients),
        "coverage": coverage(of_clients, pools),
        "imbalance": float(np.abs(queried - pool).sum() / 2),
        "wrong": _wrong(query, labels),
        **{f"{role}_accuracy": value for role, value in query.pool_accuracy.items()},
        "candidates": query.candidates,
        **rank_correlations(query.pool),
        **{f"clients_{route}": query.routes.get(route, 0) for route in ROUTES if query.routes},
    }


def client_counts(
    frame: pd.DataFrame, clients: np.ndarray, labels: np.ndarray, num_classes: int
) -> np.ndarray:
    """Images of each class that each client has in ``frame`` (client, index): [clients, C].

    clients: int [clients], in increasing order. labels: int64 [N]; images with a label below 0,
    which nobody knows, do not count.
    """
    found = labels[frame["index"]]
    position = np.searchsorted(clients, frame["client"])
    counts = np.zeros((len(clients), num_classes), dtype=int)
    np.add.at(counts, (position[found >= 0], found[found >= 0]), 1)
    return counts


def effective_classes(queried: np.ndarray) -> float:
    """How many equally frequent classes a client's query is worth, mean over the clients.

    The exponential of the entropy of its class shares (Hill's number of order 1), from 1 to C. NaN
    if no class is known.

    queried: [clients, C], as ``client_counts`` gives them; clients without any do not count.
    """
    known = queried[queried.any(axis=1)]
    if not len(known):
        return float("nan")
    shares = known / known.sum(axis=1, keepdims=True)
    return float(np.exp(special.entr(shares).sum(axis=1)).mean())


def coverage(queried: np.ndarray, pool: np.ndarray) -> float:
    """Share of the classes in a client's pool that its query has, mean over the clients.

    NaN if no class is known.

    queried, pool: [clients, C], as ``client_counts`` gives them; clients without any in either do
    not count.
    """
    known = queried.any(axis=1) & pool.any(axis=1)
    if not known.any():
        return float("nan")
    held = pool[known] > 0
    return float((((queried[known] > 0) & held).sum(axis=1) / held.sum(axis=1)).mean())


def rank_correlations(pool: pd.DataFrame) -> dict[str, float]:
    """Spearman's rank correlation of IFAL's total with its parts, mean over the clients.

    With the inter- and the intra-model inconsistency (Eq. 7) and, of the former, with the ratio of
    the distances to the distilled model (Eq. 6): what decides which images rank first. None for
    parts that the scores do not have.
    """
    scores = pool.copy()
    if {"inter", "d_local_kd", "d_global_kd"} <= set(pool):
        scores["ratio"] = pool["inter"] / (pool["d_local_kd"] + pool["d_global_kd"])
    parts = [part for part in PARTS if part in scores and scores[part].notna().any()]
    if "total" not in pool or "inter" not in parts or "intra" not in parts:
        return {}
    return {f"rank_{part}": rank_correlation(scores, "total", part) for part in parts}


def rank_correlation(pool: pd.DataFrame, one: str, other: str) -> float:
    """Spearman's rank correlation of two columns of scores, mean over the clients."""
    clients = pool.groupby("client")[[one, other]]
    return float(pd.Series([own[one].rank().corr(own[other].rank()) for _, own in clients]).mean())


def _wrong(query: Query, labels: np.ndarray) -> float:
    """The share of wrong labels among those that were given and whose truth is known."""
    if query.given is None:
        return float("nan")
    true = labels[query.queried["index"]]
    known = (query.given >= 0) & (true >= 0)
    return float((query.given != true)[known].mean()) if known.any() else float("nan")


def query_table(rows: Iterable[Mapping]) -> pd.DataFrame:
    """All rows of ``query_row``, sorted by run; empty where a strategy has no such number."""
    accuracies = [f"{role}_accuracy" for role in ("global", "local", "kd")]
    classes = ["classes", "effective_classes", "coverage", "imbalance"]
    ranks = [f"rank_{part}" for part in PARTS]
    columns = [*RUN, "pool", "queried", *classes, "wrong", *accuracies, "candidates", *ranks]
    routes = [f"clients_{route}" for route in ROUTES]
    table = pd.DataFrame(list(rows), columns=[*columns, *routes])
    table = table.astype(dict.fromkeys(["classes", *routes], "Int64"))
    return table.sort_values(list(RUN), ignore_index=True)


def query_summary(table: pd.DataFrame) -> dict[str, Measured]:
    """Per setting (its title) one row per strategy: means over seeds and cycles, to read.

    Standard deviations are over all queries; routes are percent of the clients' queries. Columns
    that are empty or, for routes, those that nobody took are left out.
    """
    return {setting_title(setting): _summary(rows) for setting, rows in by_setting(table)}


def _summary(table: pd.DataFrame) -> Measured:
    strategies = table.groupby("strategy")
    measures = table[list(_MEASURES)].astype(float).groupby(table["strategy"])
    mean, std = measures.mean().mul(_FACTORS), measures.std().mul(_FACTORS)
    mean, std = mean.rename(columns=_MEASURES), std.rename(columns=_MEASURES)
    images = strategies["queried"].mean()
    counts = strategies[[f"clients_{route}" for route in ROUTES]].sum().astype(float)
    if not mean[_MEASURES["wrong"]].any():
        mean[_MEASURES["wrong"]] = np.nan
    routes = 100 * counts.div(counts.sum(axis=1).replace(0, np.nan), axis=0)
    routes.columns = pd.Index([f"{name} (%)" for name in ROUTES.values()])
    taken = routes.loc[:, routes.round(1).fillna(0).any()]
    whole = pd.concat([images.rename(_IMAGES), mean, taken], axis=1).dropna(axis=1, how="all")
    decimals = {_IMAGES: 0, **dict.fromkeys(routes.columns, 1)}
    return Measured(whole, std.reindex(columns=whole.columns), decimals)


_IMAGES = "images per query"
_MEASURES = {
    "classes": "classes per query",
    "effective_classes": "effective classes per client",
    "coverage": "classes covered (%)",
    "imbalance": "imbalance (%)",
    "wrong": "wrong labels (%)",
    "global_accuracy": "global model right (%)",
    "local_accuracy": "local model right (%)",
    "kd_accuracy": "distilled model right (%)",
    "candidates": "candidates (% of pool)",
    "rank_inter": "rank correlation with inter",
    "rank_intra": "with intra",
    "rank_ratio": "with the ratio",
}
_SHARES = ("coverage", "imbalance", "wrong", "candidates")
_FACTORS = pd.Series({name: 100 if name in _SHARES else 1 for name in _MEASURES})
