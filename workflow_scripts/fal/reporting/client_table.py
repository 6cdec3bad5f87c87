"""How many images each client has, of how many classes, and how many of them are labeled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from fal.data.dataset import UNLABELED, Dataset
from fal.data.labeling import Labeling
from fal.data.partition import client_parts, describe_sizes

PARTITION = ("dataset", "alpha", "clients", "seed")
COLUMNS = [*PARTITION, "client", "site", "images", "classes", "initial", "budget"]


def client_rows(
    factors: Mapping[str, Any], client: np.ndarray, dataset: Dataset, labeling: Labeling
) -> Iterator[dict[str, Any]]:
    """One row for each client of a partition, with the columns ``COLUMNS``.

    factors: dataset, alpha, clients and seed. client: int64 [N], client of each training image.
    site: its name, where each site is a client. images: its training images. classes: of how many
    classes they are. initial: how many are labeled at the start. budget: how many it queries in a
    cycle while there are so many.
    """
    parts = client_parts(client)
    sizes = np.array([len(part) for part in parts])
    by_site = dataset.sites is not None and np.array_equal(client, dataset.sites.train)
    for k, (part, initial, budget) in enumerate(
        zip(parts, labeling.initial_counts(sizes), labeling.budgets(sizes), strict=True)
    ):
        classes = np.unique(dataset.train_labels[part])
        yield {
            **factors,
            "client": k,
            "site": dataset.sites.names[k] if by_site and dataset.sites else "",
            "images": len(part),
            "classes": np.count_nonzero(classes != UNLABELED),
            "initial": int(initial),
            "budget": int(budget),
        }


def client_table(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """All rows of ``client_rows``, sorted."""
    table = pd.DataFrame(list(rows), columns=COLUMNS)
    return table.sort_values([*PARTITION, "client"], ignore_index=True)


def spreads(table: pd.DataFrame) -> Iterator[str]:
    """A sentence on the spread of sizes in each partition."""
    for (dataset, _, clients, seed), rows in table.groupby(list(PARTITION)):
        sizes = describe_sizes(rows["images"].to_numpy())
        yield f"{dataset}, {clients} clients, seed {seed}: {sizes}"
