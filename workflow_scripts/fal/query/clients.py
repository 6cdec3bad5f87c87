"""Scores and queries of all clients in one cycle."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pandas as pd

from fal import storage
from fal.errors import InputError
from fal.query.pool import Pool
from fal.query.strategies.base import Strategy, check_report, check_scores
from fal.rng import seed_for

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Queries:
    """What all clients query in one cycle.

    scores: one row per unlabeled image: client, index (into the training set) and the columns of
    ``Strategy.score``. queried: one row per queried image: client, index, score (NaN where the
    strategy has none) and, where the data set knows its files, file.
    explanations: by client, what ``Strategy.explain`` gave, and local_model: global where that
    model stood in for the local one; and what the client reported, if the strategy asks for that.
    mean_reports: the clients' means that the strategy went by, none if it asks for none.
    warnings: what is doubtful about the strategy's options, in sentences.
    """

    scores: pd.DataFrame
    queried: pd.DataFrame
    explanations: dict[int, dict[str, Any]]
    mean_reports: Mapping[str, float]
    warnings: list[str]

    def save(
        self,
        scores: str | Path,
        queried: str | Path,
        explanations: str | Path,
        pool_accuracy: Mapping[str, float] | None = None,
    ) -> None:
        """Write the tables to a .parquet and a .csv file and the explanations to a .json file.

        pool_accuracy: by role, how good the models are on the unlabeled images, which no strategy
        knew. The .json file holds {"clients": {"0": {...}, ...}} and, where there are any,
        mean_reports and pool_accuracy. File names that are no valid UTF-8 are written as they are.
        """
        with storage.replacing(scores) as path:
            self.scores.to_parquet(path, index=False)
        storage.save_text(queried, storage.without_formulas(self.queried).to_csv(index=False))
        explained: dict[str, Any] = {"clients": self.explanations}
        if self.mean_reports:
            explained["mean_reports"] = dict(self.mean_reports)
        if pool_accuracy:
            explained["pool_accuracy"] = dict(pool_accuracy)
        storage.save_text(explanations, json.dumps(explained, indent=2) + "\n")


def load_mean_reports(explanations: str | Path) -> dict[str, float]:
    """The clients' means that a query went by, from the .json file that it saved."""
    return json.loads(Path(explanations).read_text()).get("mean_reports", {})


def query_clients(
    strategy: Strategy,
    pools: Iterable[Pool],
    budget: int | np.ndarray,
    seed: int,
    name: str,
    files: Sequence[str] = (),
    never_trained: Collection[int] = (),
    mean_reports: Mapping[str, float] | None = None,
) -> Queries:
    """Score every client's unlabeled images and query at most ``budget`` of each.

    budget: the same for all, or int64 [N], one for each client. A client that has no unlabeled
    images left queries nothing.

    seed: of the run. name: what the strategy is called in sentences. files: of the training
    images, in their order, or none. never_trained: clients for whose local model the global one
    stands in, which is told where the strategy looks at local models. mean_reports: the clients'
    means to go by, if they are not to be taken of these pools' own reports.

    Raises InputError, naming strategy, client and cycle, if the strategy fails or returns anything
    else than it must.
    """
    scores, queried, explanations = [], [], {}
    stand_ins = never_trained if "local" in strategy.needs else ()
    pools, reports = _collect_reports(strategy, (pool for pool in pools if pool.size), name)
    if reports and mean_reports is None:
        told = list(reports.values())
        mean_reports = {key: fmean(report[key] for report in told) for key in told[0]}
    smallest = None
    for pool in pools:
        own_budget = budget if isinstance(budget, int) else int(budget[pool.client])
        if smallest is None or pool.size < smallest[0]:
            smallest = pool.size, own_budget
        if mean_reports:
            pool = replace(pool, mean_reports=mean_reports)
        own_seed = seed_for(seed, "query", cycle=pool.cycle, client=pool.client)
        with _named(name, pool):
            columns = check_scores(strategy.score(pool), pool.size)
            positions = strategy.select(pool, columns, own_budget, own_seed)
            why = {**reports.get(pool.client, {}), **strategy.explain(columns, own_budget)}
            if pool.client in stand_ins:
                why["local_model"] = "global"
            json.dumps(why, allow_nan=False)
            explanations[pool.client] = why
        table = pd.DataFrame({"client": pool.client, "index": pool.index, **columns})
        scores.append(table)
        queried.append(table.iloc[positions].reindex(columns=["client", "index", "score"]))
    if smallest is None:
        raise InputError("no client has an unlabeled image left to query; lower labeling.cycles")
    picked = pd.concat(queried, ignore_index=True)
    if files:
        names = [files[index] for index in picked["index"]]
        picked["file"] = pd.Series(names, dtype=object)
    warnings = strategy.warnings(*smallest)
    return Queries(
        pd.concat(scores, ignore_index=True),
        picked,
        explanations,
        mean_reports or {},
        [f"strategy '{name}': {sentence}" for sentence in warnings],
    )


def _collect_reports(
    strategy: Strategy, pools: Iterable[Pool], name: str
) -> tuple[Iterable[Pool], dict[int, dict[str, float]]]:
    """The pools, and by client what each reports; nothing if the strategy asks for no reports.

    Raises InputError if a report is anything else than it must be.
    """
    if type(strategy).report is Strategy.report:
        return pools, {}
    pools = list(pools)
    reports: dict[int, dict[str, float]] = {}
    for pool in pools:
        with _named(name, pool):
            reports[pool.client] = check_report(strategy.report(pool), reports.values())
    return pools, reports


@contextmanager
def _named(name: str, pool: Pool) -> Iterator[None]:
    """Errors of a strategy become one InputError each that names strategy, client and cycle.

    The traceback of what is no InputError goes to the log.
    """
    where = f"strategy '{name}', client {pool.client}, cycle {pool.cycle}"
    try:
        yield
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
    except Exception as error:
        log.exception("%s failed", where)
        text = " ".join(str(error).split())
        reason = f"{type(error).__name__}: {text}" if text else type(error).__name__
        raise InputError(f"{where} failed ({reason}); the log has the traceback") from error
