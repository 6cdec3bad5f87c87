"""Distances between class distributions, row by row of two [n, C] tensors."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from fal.errors import InputError, suggest


def divergence(
    p: Tensor, q: Tensor, kind: str = "wasserstein", ground: str = "values", **options: Tensor
) -> Tensor:
    """The divergence named ``kind`` between each row of p and of q, both [n, C]: [n].

    kind: wasserstein (with ``ground`` and its options, see there), kl or js.

    Raises InputError for an unknown kind or ground.
    """
    if kind == "wasserstein":
        return wasserstein(p, q, ground, **options)
    if kind not in DIVERGENCES:
        raise InputError(
            f"divergence '{kind}' is unknown{suggest(kind, [*DIVERGENCES, 'wasserstein'])}"
        )
    return DIVERGENCES[kind](p, q)


def wasserstein(p: Tensor, q: Tensor, ground: str = "values", **options: Tensor) -> Tensor:
    """Wasserstein-1 distance between each row of p and of q, both [n, C]: [n].

    ground says how far apart the classes are:
      values     the rows are two sets of C numbers on the real line, blind to their classes
      discrete   any two classes are 1 apart: total variation
      index      classes i and j are |i - j| apart, as if they were ordered
      prototype  cosine distance between the classes' mean features, ``prototypes`` [C, D]

    Raises InputError for an unknown ground, and for prototype without ``prototypes``.
    """
    if ground not in GROUNDS:
        raise InputError(f"ground '{ground}' is unknown{suggest(ground, GROUNDS)}")
    return GROUNDS[ground](p, q, **options)


def _values(p: Tensor, q: Tensor) -> Tensor:
    return (p.sort(1).values - q.sort(1).values).abs().mean(1)


def _discrete(p: Tensor, q: Tensor) -> Tensor:
    return (p - q).abs().sum(1) / 2


def _index(p: Tensor, q: Tensor) -> Tensor:
    return (p - q).cumsum(1).abs().sum(1)


def _prototype(p: Tensor, q: Tensor, prototypes: Tensor | None = None) -> Tensor:
    """Exact optimal transport by POT's network simplex, on the mass that has to move.

    Mass that p and q have in common at a class may stay there, unless a detour over this class is
    shorter than the direct path (cosine distance is no metric): then transport may pass it on.
    """
    if prototypes is None:
        raise InputError("ground 'prototype' needs prototypes, the classes' mean features [C, D]")
    from ot import emd2

    cost = cosine_distances(prototypes.double()).cpu()
    p64, q64 = p.double().cpu(), q.double().cpu()
    p64, q64 = p64 / p64.sum(1, keepdim=True), q64 / q64.sum(1, keepdim=True)
    common = torch.minimum(p64, q64) * ~shortcuts(cost)
    supply, demand, costs = (x.numpy() for x in (p64 - common, q64 - common, cost))

    def transport(row: int) -> float:
        sources, targets = np.flatnonzero(supply[row]), np.flatnonzero(demand[row])
        if len(sources) == 0 or len(targets) == 0:
            return 0.0
        a, b = supply[row, sources], demand[row, targets]
        b *= a.sum() / b.sum()
        options = {"center_dual": False, "check_marginals": False, "numItermax": 10_000_000}
        return float(emd2(a, b, costs[np.ix_(sources, targets)], **options))

    workers = torch.get_num_threads()
    shares = np.array_split(np.arange(len(p)), workers)
    with ThreadPoolExecutor(workers) as threads:
        results = threads.map(lambda rows: [transport(row) for row in rows], shares)
        return p.new_tensor([distance for share in results for distance in share])


def cosine_distances(prototypes: Tensor) -> Tensor:
    """1 - cosine similarity between all pairs of rows, [C, C], 0 on the diagonal.

    A zero row is at distance 1 from all others.
    """
    unit = normalize(prototypes, dim=1)
    return (1 - unit @ unit.T).clamp(min=0).fill_diagonal_(0)


def shortcuts(cost: Tensor) -> Tensor:
    """Bool [C]: whether the path over this class is shorter than the direct one for some pair."""
    return torch.stack([(via[:, None] + via < cost).any() for via in cost])


def kl_divergence(p: Tensor, q: Tensor) -> Tensor:
    """KL(p || q) of each row, natural logarithm: [n]. 0 log 0 = 0.

    Zeros of q are taken as the smallest normal number, so that the result is finite.
    """
    tiny = torch.finfo(q.dtype).tiny
    terms = torch.xlogy(p, p) - torch.xlogy(p, q.clamp(min=tiny))
    return terms.sum(1).clamp(min=0)


def js_divergence(p: Tensor, q: Tensor) -> Tensor:
    """Jensen-Shannon divergence of each row, natural logarithm: [n], at most log 2."""
    middle = (p + q) / 2
    return (kl_divergence(p, middle) + kl_divergence(q, middle)) / 2


def class_prototypes(features: Tensor, labels: Tensor, num_classes: int) -> Tensor:
    """Mean feature vector of each class: [num_classes, D], zero for a class without examples.

    features: float [n, D]; labels: int64 [n].
    """
    sums = features.new_zeros(num_classes, features.shape[1]).index_add_(0, labels, features)
    sizes = torch.bincount(labels, minlength=num_classes).clamp(min=1)
    return sums / sizes[:, None]


GROUNDS: dict[str, Callable[..., Tensor]] = {
    "values": _values,
    "discrete": _discrete,
    "index": _index,
    "prototype": _prototype,
}
DIVERGENCES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "kl": kl_divergence,
    "js": js_divergence,
}
