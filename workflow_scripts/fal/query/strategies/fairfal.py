"""FairFAL: equally many images of each class, under class imbalance (Zong and Huang, CVPR 2026).

"Federated Active Learning Under Extreme Non-IID and Global Class Imbalance", arXiv 2603.10341. The
abstract names the three parts; every formula here is that of the authors' code, commit ca14e07 of
github.com/chenchenzong/FairFAL (fairfal_sampling.py and strategy.py in query_strategies). The
equations of the paper's text were not compared.

What differs from that code:

* Its local model is trained on the client's labels alone, for up to 50 epochs. Here it is the one
  that all strategies use; see ``local_model``.
* It evens out the labeled classes by drawing images again at random; here each class has the same
  weight, which is what that comes to on average.
* A class that neither model ever predicts counts as equally likely in both; there it gives 0 / 0.
* Distances between gradients are not changed by rounding to single precision.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from annotated_types import Ge

from fal.query.ranking import to_numpy, top
from fal.query.strategies.base import Scores, Strategy
from fal.query.strategies.uncertainty import entropy

if TYPE_CHECKING:
    from torch import Tensor

    from fal.query.pool import Pool

LIMIT = 0.5
"""Below it, imbalance (and, for uncertainty, imbalance and divergence together) speak for the
global model."""


@dataclass(frozen=True, kw_only=True)
class FairFAL(Strategy):
    """Of each predicted class equally many: the most uncertain, spread out by their gradients."""

    reports_once: ClassVar[bool] = True
    local_model: Literal["local", "kd"] = "local"
    """What stands against the global model: the client's local model, or its distilled one, which
    with ``distillation: {weight: 0}`` is trained on the client's labels alone, as in the authors'
    code."""
    oversampling: Annotated[float, Ge(1)] = 4.0
    """Candidates of a class, the most uncertain ones, for each image that is queried of it."""

    @property
    def needs(self) -> tuple[str, ...]:
        return ("global", self.local_model)

    def report(self, pool: Pool) -> dict[str, float]:
        """How balanced the global model's view is, and how far from it the local one is.

        Of the mean predictions p of both models on the labeled images, each class with the same
        weight: imbalance is min(p) / max(p) of the global model over the client's classes, 1 if
        it is balanced; divergence is the mean over all classes of |p - q| / (p + q), from 0 to 1.
        """
        seen = np.unique(pool.labels)
        if not len(seen):
            return {"imbalance": 1.0, "divergence": 0.0}
        p, q = (balanced_mean(pool, role) for role in self.needs)
        apart = (p - q).abs() / (p + q).clamp(min=1e-300)
        return {
            "imbalance": float(p[seen].min() / p[seen].max()),
            "divergence": float(apart.mean()),
        }

    def score(self, pool: Pool) -> Scores:
        """score: entropy of the chosen model as a share of log C. pseudo_label: see there."""
        imbalance = self.reported(pool)["imbalance"]
        balanced = imbalance + self.report(pool)["divergence"] >= LIMIT
        logits = pool.logits(self.local_model if balanced else "global").double()
        return {
            "score": entropy(logits) / math.log(max(2, pool.num_classes)),
            "pseudo_label": pseudo_labels(pool),
        }

    def pick(self, pool: Pool, scores: Scores, budget: int, seed: int) -> np.ndarray:
        """Within each class k-center among the candidates, from the labeled ones of that class."""
        uncertainty, predicted = to_numpy(scores["score"]), to_numpy(scores["pseudo_label"])
        by_uncertainty = top(uncertainty, pool.size, seed)
        unlabeled, labeled = self._gradients(pool)
        quotas = class_quotas(np.bincount(predicted, minlength=pool.num_classes), budget)
        chosen = []
        for c in np.flatnonzero(quotas):
            of_class = by_uncertainty[predicted[by_uncertainty] == c]
            candidates = of_class[: math.floor(self.oversampling * quotas[c])]
            anchors = labeled[np.flatnonzero(pool.labels == c)]
            spread = k_center(unlabeled[candidates], anchors, quotas[c])
            chosen.append(candidates[spread])
        return np.concatenate(chosen)

    def _gradients(self, pool: Pool) -> tuple[Gradients, Gradients]:
        """Of the unlabeled images under their prediction, of the labeled ones under their label."""
        import torch

        balanced = self.reported(pool)["imbalance"] >= LIMIT
        logits = pool.outputs[self.local_model if balanced else "global"].logits.double()
        errors, features = logits.softmax(1), pool.all_features("global").double()
        known = torch.as_tensor(pool.labels, device=logits.device)
        target = torch.cat([known, logits[pool.num_labeled :].argmax(1)])
        errors[torch.arange(len(errors)), target] -= 1
        gradients = Gradients(errors, features)
        return gradients[pool.num_labeled :], gradients[: pool.num_labeled]


@dataclass(frozen=True)
class Gradients:
    """Gradients of the last layer, errors outer inputs, as in BADGE: never made themselves.

    errors: p - e_y, float64 [n, C]. inputs: features, float64 [n, D].
    """

    errors: Tensor
    inputs: Tensor

    def __len__(self) -> int:
        return len(self.errors)

    def __getitem__(self, where: slice | np.ndarray) -> Gradients:
        return Gradients(self.errors[where], self.inputs[where])

    def distances(self, other: Gradients, i: int) -> Tensor:
        """Squared Euclidean distance [n] of each to number ``i`` of ``other``."""
        error, features = other.errors[i], other.inputs[i]
        inner = (self.errors @ error) * (self.inputs @ features)
        norms = self.errors.square().sum(1) * self.inputs.square().sum(1)
        return norms + error.square().sum() * features.square().sum() - 2 * inner


def balanced_mean(pool: Pool, role: str) -> Tensor:
    """Mean softmax output [C] on the labeled images, each class of them with the same weight."""
    import torch

    p = pool.outputs[role].logits[: pool.num_labeled].double().softmax(1).cpu()
    _, which, counts = np.unique(pool.labels, return_inverse=True, return_counts=True)
    weights = 1 / (len(counts) * counts[which])
    return torch.from_numpy(weights) @ p


def pseudo_labels(pool: Pool) -> Tensor:
    """The class [U] whose labeled images' mean direction in the global features is the nearest.

    Classes without labeled images are nobody's; without any labeled image all are of class 0.
    """
    import torch
    from torch.nn.functional import normalize, one_hot

    features = normalize(pool.all_features("global").double(), dim=1)
    labeled, unlabeled = features[: pool.num_labeled], features[pool.num_labeled :]
    known = one_hot(torch.as_tensor(pool.labels, device=features.device).long(), pool.num_classes)
    prototypes = normalize(known.double().T @ labeled, dim=1)
    return (unlabeled @ prototypes.T).masked_fill(~known.any(0), -torch.inf).argmax(1)


def class_quotas(sizes: np.ndarray, budget: int) -> np.ndarray:
    """How many images [C] of each class are queried, given how many [C] there are.

    All classes get the same; what is left over, or what a class cannot give, goes round the others
    one by one, the largest class first. budget: at most sizes.sum().
    """
    by_size = np.argsort(-sizes, kind="stable")
    quotas = np.full(len(sizes), budget // len(sizes))
    quotas[by_size[: budget % len(sizes)]] += 1
    quotas = np.minimum(quotas, sizes)
    while (lack := budget - quotas.sum()) > 0:
        growing = by_size[quotas[by_size] < sizes[by_size]]
        quotas[growing[:lack]] += 1
    return quotas


def k_center(candidates: Gradients, anchors: Gradients, count: int) -> np.ndarray:
    """Again and again the candidate farthest from the anchors and those picked: [count] positions.

    Without anchors the first candidate is picked first.
    """
    import torch

    if count >= len(candidates):
        return np.arange(len(candidates))
    distance = torch.full_like(candidates.errors[:, 0], torch.inf)
    for i in range(len(anchors)):
        distance = distance.minimum(candidates.distances(anchors, i))
    chosen: list[int] = []
    while len(chosen) < count:
        chosen.append(int(distance.argmax()))
        distance = distance.minimum(candidates.distances(candidates, chosen[-1]))
        distance[chosen] = -torch.inf
    return np.array(chosen)
