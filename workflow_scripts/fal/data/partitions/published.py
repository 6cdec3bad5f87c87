"""The partition of the authors' published code (dir_balance), step by step with our generators.

The Dirichlet draws are scaled until clients and classes weigh the same, which makes them shares of
a client (alpha below 10) or of a class (from 10 on). A cell's share of its class, rounded up, is
what a client asks for; where that is one image at most, it asks for none.

* alpha < 10: clients ask one after the other, class by class, for one image more than that, until
  they are full; passes are repeated until nothing is left, a hundred times at most. What is then
  left goes to clients that are not full, in the order of the classes.
* alpha >= 10: each class is cut along the clients. The last client gets what is left over, which
  the published code gives to nobody.

Differences to shares are largest where classes are many and small: of CIFAR-100 a client gets 35
classes at alpha 0.1 where exact rounding gives it 52.
"""

from __future__ import annotations

import numpy as np

from fal.data.partitions.balancing import log_dirichlet, log_sum

LARGE_ALPHA = 10
PASSES = 100
MAX_BALANCINGS = 10_000


def published_partition(
    labels: np.ndarray, clients: int, alpha: float, rng: np.random.Generator
) -> list[np.ndarray]:
    """The examples of each client, as ascending arrays of indices into ``labels`` int64 [N].

    Clients are filled up to N / clients, rounded up; the last ones may stay smaller, even empty.
    """
    classes, sizes = np.unique(labels, return_counts=True)
    shares = balanced_shares(log_dirichlet(rng, alpha, clients, len(classes)), alpha)
    wanted = np.ceil(shares * sizes).astype(np.int64)
    pools = [rng.permutation(np.flatnonzero(labels == label)) for label in classes]
    if alpha < LARGE_ALPHA:
        parts = _deal_in_passes(pools, np.where(wanted <= 1, 0, wanted + 1), len(labels))
    else:
        parts = _cut(pools, np.where(wanted <= 1, 0, wanted))
    return [np.sort(part) for part in parts]


def balanced_shares(log_mix: np.ndarray, alpha: float) -> np.ndarray:
    """Scale [clients, classes] until rows and columns are within a thousandth of equal sums.

    Rows sum to 1 where ``alpha`` is below 10, otherwise columns do.
    """
    clients, classes = log_mix.shape
    rows_last = alpha < LARGE_ALPHA
    tolerance = min(1, clients / classes, classes / clients) / 1000
    targets = (clients / classes, 1) if rows_last else (1, classes / clients)
    for _ in range(MAX_BALANCINGS):
        # Below LARGE_ALPHA the published code looks at what lacks, otherwise at what differs.
        gaps = [t - np.exp(log_sum(log_mix, axis=axis)) for axis, t in enumerate(targets)]
        if all(((gap if rows_last else np.abs(gap)) < tolerance).all() for gap in gaps):
            break
        for axis in (0, 1) if rows_last else (1, 0):
            log_mix = log_mix - log_sum(log_mix, axis=axis)
    return np.exp(log_mix)


def _deal_in_passes(pools: list[np.ndarray], wanted: np.ndarray, examples: int) -> list[np.ndarray]:
    clients = len(wanted)
    room = -(-examples // clients)
    used = np.zeros(len(pools), dtype=np.int64)
    held: list[list[np.ndarray]] = [[] for _ in range(clients)]
    size = np.zeros(clients, dtype=np.int64)

    def give(client: int, position: int, count: int) -> None:
        count = min(count, room - size[client], len(pools[position]) - used[position])
        held[client].append(pools[position][used[position] : used[position] + count])
        used[position] += count
        size[client] += count

    for _ in range(PASSES):
        if size.sum() == examples:
            break
        for client, position in np.argwhere(wanted):
            give(client, position, wanted[client, position])
    for client in range(clients):
        for position in range(len(pools)):
            give(client, position, room)
    return [np.concatenate(parts) for parts in held]


def _cut(pools: list[np.ndarray], wanted: np.ndarray) -> list[np.ndarray]:
    cuts = [
        np.split(pool, np.cumsum(of_clients)[:-1])
        for pool, of_clients in zip(pools, wanted.T, strict=True)
    ]
    return [np.concatenate(parts) for parts in zip(*cuts, strict=True)]
