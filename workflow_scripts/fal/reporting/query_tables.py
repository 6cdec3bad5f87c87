"""What the strategies asked for: reading queries, their classes, candidates and fall-backs."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from fal.errors import InputError
from fal.reporting.formats import mean_and_spread
from fal.reporting.tables import RUN, SETTING, parse_path, setting_title

ROUTES = {
    "otsu": "Otsu on inter x intra",
    "fraction": "top fraction",
    "inter": "Otsu on inter",
    "top": "highest scores",
    "all": "whole pool",
}
"""Ways in which a client comes to its candidates, as IFAL names them, in words."""


@dataclass(frozen=True)
class Query:
    """One cycle's query of all clients of a run.

    run: the factors, as ``fal.reporting.tables.parse_path`` gives them.
    pool: one row per unlabeled image before the query: client, index, and score columns.
    asked: one row per queried image: client, index.
    routes: how many clients took each route to their candidates (IFAL only, otherwise empty).
    thresholds: Otsu's threshold of each client that has one (IFAL only, otherwise empty).
    """

    run: Mapping
    pool: pd.DataFrame
    asked: pd.DataFrame
    routes: Mapping[str, int]
    thresholds: Mapping[int, float]

    @property
    def candidates(self) -> float:
        """Share of the pool that passed the threshold, or NaN where there are no candidates."""
        return self.pool["candidate"].mean() if "candidate" in self.pool else float("nan")


def read_query(folder: str | Path) -> Query:
    """Read query.csv, scores.parquet and query_provenance.json of one cycle's folder.

    Raises InputError if an image was asked for that is not in the pool.
    """
    folder = Path(folder)
    pool = pd.read_parquet(folder / "scores.parquet")
    asked = pd.read_csv(folder / "query.csv", usecols=["client", "index"])
    if not asked["index"].isin(pool["index"]).all():
        raise InputError(f"'{folder}': query.csv has images that scores.parquet does not know")
    provenance = json.loads((folder / "query_provenance.json").read_text())
    thresholds = provenance.get("thresholds") or {}
    return Query(
        run=parse_path(folder),
        pool=pool,
        asked=asked,
        routes=provenance.get("routes") or {},
        thresholds={int(k): tau for k, tau in thresholds.items() if tau is not None},
    )


def class_shares(frame: pd.DataFrame, labels: np.ndarray, num_classes: int) -> np.ndarray:
    """Share of each class [num_classes] among the images of ``frame`` (column index).

    labels: int64 [N], true labels of the training set (known to the oracle; for reporting only).
    """
    counts = np.bincount(labels[frame["index"]], minlength=num_classes)
    return counts / max(1, counts.sum())


def share_tables(
    queries: Iterable[Query], labels: np.ndarray, num_classes: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Class shares of what was asked and of the pools: one row per (seed, cycle)."""
    asked, pool = {}, {}
    for query in queries:
        key = (query.run["seed"], query.run["cycle"])
        asked[key] = class_shares(query.asked, labels, num_classes)
        pool[key] = class_shares(query.pool, labels, num_classes)
    frames = [pd.DataFrame.from_dict(shares, orient="index") for shares in (asked, pool)]
    for frame in frames:
        frame.index = pd.MultiIndex.from_tuples(frame.index, names=["seed", "cycle"])
    return frames[0].sort_index(), frames[1].sort_index()


def query_row(query: Query, labels: np.ndarray, num_classes: int) -> dict:
    """One query in numbers.

    Columns: the run, pool and queried (images), classes (how many were asked for), imbalance
    (total variation distance, 0..1, between the classes asked for and the pool's), candidates
    (share of the pool, IFAL only), and per route how many clients took it, clients_otsu ... (IFAL
    only).
    """
    asked = class_shares(query.asked, labels, num_classes)
    pool = class_shares(query.pool, labels, num_classes)
    return {
        **{column: query.run[column] for column in RUN},
        "pool": len(query.pool),
        "queried": len(query.asked),
        "classes": int(np.count_nonzero(asked)),
        "imbalance": float(np.abs(asked - pool).sum() / 2),
        "candidates": query.candidates,
        **{f"clients_{route}": query.routes.get(route, 0) for route in ROUTES if query.routes},
    }


def query_table(rows: Iterable[Mapping]) -> pd.DataFrame:
    """All rows of ``query_row``, sorted by run; empty where a strategy has no such number."""
    columns = [*RUN, "pool", "queried", "classes", "imbalance", "candidates"]
    routes = [f"clients_{route}" for route in ROUTES]
    table = pd.DataFrame(list(rows), columns=[*columns, *routes])
    table = table.astype(dict.fromkeys(routes, "Int64"))
    return table.sort_values(RUN, ignore_index=True)


def query_summary(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Per setting (its title) one row per strategy: means over seeds and cycles, to read.

    Standard deviations are over all queries; routes are percent of the clients' queries, and those
    that nobody took are left out.
    """
    tables = {}
    for setting, group in table.groupby(SETTING):
        rows = []
        for strategy, queries in group.groupby("strategy"):
            routes = queries[[f"clients_{route}" for route in ROUTES]].sum()
            row = {"strategy": strategy, "images per query": f"{queries['queried'].mean():.0f}"}
            for name, column, factor in _MEASURES:
                values = factor * queries[column]
                row[name] = mean_and_spread(values.mean(), values.std())
            for route, name in ROUTES.items():
                share = 100 * routes[f"clients_{route}"] / max(1, routes.sum())
                row[f"{name} (%)"] = f"{share:.1f}" if routes.sum() else ""
            rows.append(row)
        frame = pd.DataFrame(rows)
        title = setting_title(dict(zip(SETTING, setting, strict=True)))
        tables[title] = frame.loc[:, ~frame.isin(["", "0.0"]).all()]
    return tables


_MEASURES = [
    ("classes per query", "classes", 1),
    ("imbalance (%)", "imbalance", 100),
    ("candidates (% of pool)", "candidates", 100),
]
