"""Who holds which training example, as an array with the client of each example."""

from collections.abc import Iterator

import numpy as np

from fal.data.partitions.dirichlet import dirichlet_partition

__all__ = [
    "class_counts",
    "client_parts",
    "describe_sizes",
    "dirichlet_partition",
    "split_clients",
]


def client_parts(client: np.ndarray) -> list[np.ndarray]:
    """The examples of each client, ascending; client: int64 [N], client of each example."""
    return [np.flatnonzero(client == k) for k in range(client.max() + 1)]


def describe_sizes(sizes: np.ndarray) -> str:
    """How many images clients have, in words; sizes: int64 [N]."""
    if sizes.min() == sizes.max():
        return f"{sizes[0]} images per client"
    return f"{sizes.min()} to {sizes.max()} images per client (median {np.median(sizes):g})"


def class_counts(client: np.ndarray, labels: np.ndarray, num_classes: int) -> np.ndarray:
    """How many examples of each class each client holds: int64 [clients, num_classes].

    client: int64 [N], client of each training example; labels: int64 [N], below 0 if unknown.
    """
    counts = np.zeros((client.max() + 1, num_classes), dtype=np.int64)
    known = labels >= 0
    np.add.at(counts, (client[known], labels[known]), 1)
    return counts


def split_clients(client: np.ndarray, labeled: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yield each client's number and its examples, the labeled ones first, both ascending.

    client: int64 [N], client of each training example; labeled: bool [N].
    """
    for k in range(client.max() + 1):
        index = np.flatnonzero(client == k)
        yield k, index[np.argsort(~labeled[index], kind="stable")]
