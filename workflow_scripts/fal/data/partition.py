"""Who holds which training example, as an array with the client of each example."""

from collections.abc import Iterator, Sequence

import numpy as np

from fal.data.partitions.dirichlet import dirichlet_partition
from fal.errors import InputError

__all__ = [
    "class_counts",
    "client_of_parts",
    "client_parts",
    "describe_sizes",
    "dirichlet_partition",
    "from_sites",
    "split_clients",
]


def client_of_parts(parts: Sequence[np.ndarray]) -> np.ndarray:
    """The client int64 [N] of each example, from the examples of each client."""
    client = np.empty(sum(map(len, parts)), dtype=np.int64)
    for k, index in enumerate(parts):
        client[index] = k
    return client


def from_sites(site: np.ndarray, clients: int) -> np.ndarray:
    """The client int64 [N] of each example where each site is one.

    site: int64 [N], site of each example. Raises InputError if there are not ``clients`` sites.
    """
    if site.max() + 1 != clients:
        raise InputError(
            f"the data set has {site.max() + 1} sites, but {clients} were found before it was read;"
            " run the same command again"
        )
    return site


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
