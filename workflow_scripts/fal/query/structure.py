"""Structural probabilities: what the neighbourhoods in feature space say of an example (Eq. 1-4).

Every example of a client sends one arrow to each of its nearest unlabeled examples; an unlabeled
example's structural probability of class c is the share of its arrows sent by examples of class c.
"""

import torch
from torch import Tensor
from torch.nn.functional import normalize

from fal.errors import InputError

BLOCK_BYTES = 2**24
TILE = 512  # receivers at a time
ROUNDING = 4e-6  # float32 cosine similarities are off by less than half of this
DECIMALS = 9


def arrow_counts(
    labeled: Tensor, unlabeled: Tensor, labels: Tensor, num_classes: int, k: float
) -> Tensor:
    """Arrows that each unlabeled example receives from the examples of each class (Eq. 1-3).

    labeled: float [L, D] and unlabeled: float [U, D], features of one model.
    labels: int64 [L+U], labeled examples first: true labels, then pseudo-labels.
    k: arrows per sender, see ``num_arrows``.

    Returns int64 [U, num_classes]. Raises InputError as ``neighbors`` and
    ``counts_from_neighbors`` do.
    """
    nearest = neighbors(labeled, unlabeled, k)
    return counts_from_neighbors(nearest, labels, len(unlabeled), num_classes)


def num_arrows(k: float, num_unlabeled: int) -> int:
    """Arrows per sender: k, or that fraction of the unlabeled examples if k is below 1.

    At most num_unlabeled - 1, as an unlabeled example has no more neighbours, so that labeled and
    unlabeled examples have equally many votes. Of a single unlabeled example nothing can be said.

    Raises InputError if k is neither a whole number from 1 up nor between 0 and 1.
    """
    if 0 < k < 1:
        k = max(1, round(k * num_unlabeled))
    elif not (k >= 1 and float(k).is_integer()):
        raise InputError(f"k is {k}: it must be a whole number from 1 up or a fraction below 1")
    return max(0, min(int(k), num_unlabeled - 1))


def neighbors(labeled: Tensor, unlabeled: Tensor, k: float) -> Tensor:
    """The nearest unlabeled examples of every example, by cosine distance, itself left out.

    labeled: float [L, D]; unlabeled: float [U, D]; k: see ``num_arrows``.

    Returns int64 [L+U, K], positions 0..U-1 in no particular order. Of equally distant examples
    those of lower position are taken; distances are equal if they agree to ``DECIMALS``.
    Time grows with (L+U) U D; the similarities are made in blocks of ``BLOCK_BYTES``.
    """
    size = len(unlabeled)
    arrows = num_arrows(k, size)
    senders = torch.cat([labeled, unlabeled])
    nearest = torch.empty(len(senders), arrows, dtype=torch.int64, device=senders.device)
    if arrows == 0:
        return nearest
    rows = max(1, BLOCK_BYTES // (4 * size))
    unit = normalize(senders.float(), dim=1)
    for own in torch.arange(len(senders), device=senders.device).split(rows):
        similarity = _similarity(unit[own], unit[len(labeled) :])
        inside = own >= len(labeled)
        similarity[inside, own[inside] - len(labeled)] = -torch.inf
        nearest[own], weakest, doubtful = _most_similar(similarity, arrows)
        if doubtful.any():
            refined = _refine(
                similarity[doubtful], weakest[doubtful], senders[own[doubtful]], unlabeled
            )
            nearest[own[doubtful]] = _first_most_similar(refined, arrows)
    return nearest


def _similarity(senders: Tensor, receivers: Tensor) -> Tensor:
    """Inner products [n, U], made in tiles that stay in the cache."""
    return torch.cat([senders @ tile.T for tile in receivers.split(TILE)], dim=1)


def _most_similar(similarity: Tensor, arrows: int) -> tuple[Tensor, Tensor, Tensor]:
    """Columns [n, arrows] of each row's highest entries, the least of these entries [n], and
    whether rounding may have chosen."""
    values, columns = similarity.topk(arrows + 1, sorted=False)
    lowest, place = values.topk(2, largest=False)
    columns = columns.scatter(1, place[:, :1], columns[:, -1:])
    return columns[:, :arrows], lowest[:, 1], lowest[:, 1] - lowest[:, 0] < ROUNDING


def _refine(similarity: Tensor, weakest: Tensor, senders: Tensor, receivers: Tensor) -> Tensor:
    """The similarities [n, U] in double precision, exact wherever they are near the weakest.

    Exact ones are rounded to ``DECIMALS``. The others stay on their side of the weakest.
    """
    near = (similarity - weakest[:, None]).abs() < ROUNDING
    columns = near.any(0).nonzero().squeeze(1)
    exact = normalize(senders.double(), dim=1) @ normalize(receivers[columns].double(), dim=1).T
    refined = similarity.double()
    refined[:, columns] = torch.where(
        near[:, columns], exact.round(decimals=DECIMALS), refined[:, columns]
    )
    return refined


def _first_most_similar(similarity: Tensor, arrows: int) -> Tensor:
    """Columns [n, arrows] of each row's highest entries; of equal ones the first."""
    weakest = similarity.topk(arrows, sorted=False).values.amin(1, keepdim=True)
    higher, tied = similarity > weakest, similarity == weakest
    open_places = arrows - higher.sum(1, keepdim=True)
    chosen = higher | (tied & (tied.cumsum(1) <= open_places))
    return chosen.nonzero()[:, 1].view(-1, arrows)


def counts_from_neighbors(
    neighbors: Tensor, labels: Tensor, num_unlabeled: int, num_classes: int
) -> Tensor:
    """Arrows received, by the sender's class: int64 [num_unlabeled, num_classes].

    neighbors: int64 [L+U, K] as ``neighbors`` returns them; labels: int64 [L+U].

    Raises InputError if there is not one label in 0..num_classes-1 for each sender.
    """
    labels = torch.as_tensor(labels, device=neighbors.device)
    if len(labels) != len(neighbors):
        raise InputError(f"labels: {len(labels)} given, one for each of {len(neighbors)} examples")
    if len(labels) and not 0 <= labels.min() <= labels.max() < num_classes:
        raise InputError(
            f"labels run from {labels.min()} to {labels.max()}: they must be 0..{num_classes - 1}"
        )
    cells = neighbors * num_classes + labels[:, None]
    counts = torch.bincount(cells.flatten(), minlength=num_unlabeled * num_classes)
    return counts.view(num_unlabeled, num_classes)


def structural_probabilities(counts: Tensor, smoothing: float = 1.0) -> Tensor:
    """Share of each class in the arrows received, float32 [U, C] (Eq. 4).

    counts: int64 [U, C]. smoothing is added to every count; an example without arrows gets the
    uniform distribution, with smoothing 0 too.

    Raises InputError if smoothing is negative.
    """
    if smoothing < 0:
        raise InputError(f"smoothing is {smoothing}: it must not be negative")
    weights = counts.double() + smoothing
    total = weights.sum(1, keepdim=True)
    uniform = torch.full_like(weights, 1 / weights.shape[1])
    return torch.where(total > 0, weights / total.clamp(min=1e-300), uniform).float()
