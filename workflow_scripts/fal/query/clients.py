"""Scores and queries of all clients in one cycle."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from fal.errors import InputError
from fal.query.pool import Pool
from fal.query.strategies.base import Strategy, check_scores
from fal.rng import seed_for

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Queries:
    """What all clients query in one cycle.

    scores: one row per unlabeled image: client, index (into the training set) and the columns of
    ``Strategy.score``. queried: one row per queried image: client, index, score (NaN where the
    strategy has none) and, where the data set knows its files, file.
    explanations: by client, what ``Strategy.explain`` gave, and local_model: global where that
    model stood in for the local one.
    warnings: what is doubtful about the strategy's options, in sentences.
    """

    scores: pd.DataFrame
    queried: pd.DataFrame
    explanations: dict[int, dict[str, Any]]
    warnings: list[str]

    def save(self, scores: str | Path, queried: str | Path, explanations: str | Path) -> None:
        """Write the tables to a .parquet and a .csv file and the explanations to a .json file.

        The .json file holds {"clients": {"0": {...}, ...}}. File names that are no valid UTF-8 are
        written as they are.
        """
        self.scores.to_parquet(scores, index=False)
        self.queried.to_csv(queried, index=False, errors="surrogateescape")
        Path(explanations).write_text(json.dumps({"clients": self.explanations}, indent=2) + "\n")


def query_clients(
    strategy: Strategy,
    pools: Iterable[Pool],
    budget: int,
    seed: int,
    name: str,
    files: Sequence[str] = (),
    never_trained: Collection[int] = (),
) -> Queries:
    """Score every client's unlabeled images and query at most ``budget`` of each.

    seed: of the run. name: what the strategy is called in sentences. files: of the training
    images, in their order, or none. never_trained: clients for whose local model the global one
    stands in, which is told where the strategy looks at local models.

    Raises InputError, naming strategy, client and cycle, if the strategy fails or returns anything
    else than it must.
    """
    scores, queried, explanations = [], [], {}
    stand_ins = never_trained if "local" in strategy.needs else ()
    for pool in pools:
        own_seed = seed_for(seed, "query", cycle=pool.cycle, client=pool.client)
        with _named(name, pool):
            columns = check_scores(strategy.score(pool), pool.size)
            positions = strategy.select(pool, columns, budget, own_seed)
            explanations[pool.client] = strategy.explain(columns, budget)
            if pool.client in stand_ins:
                explanations[pool.client] |= {"local_model": "global"}
            json.dumps(explanations[pool.client], allow_nan=False)
        table = pd.DataFrame({"client": pool.client, "index": pool.index, **columns})
        scores.append(table)
        queried.append(table.iloc[positions].reindex(columns=["client", "index", "score"]))
    picked = pd.concat(queried, ignore_index=True)
    if files:
        names = [files[index] for index in picked["index"]]
        picked["file"] = pd.Series(names, dtype=object)
    warnings = strategy.warnings(min(map(len, scores)), budget)
    return Queries(
        pd.concat(scores, ignore_index=True),
        picked,
        explanations,
        [f"strategy '{name}': {sentence}" for sentence in warnings],
    )


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
