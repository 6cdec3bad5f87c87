"""IFAL with ranks in the place of products and quotas in the place of a threshold: not published.

Three reasons, each seen in runs of IFAL (docs/reproduction.md):

* Eq. 6 divides by a distance that is often almost 0, and then chance decides; in Eq. 7 the part
  that varies more decides alone. The product of both parts' ranks knows neither.
* Otsu's threshold follows outliers: some clients have hardly more candidates than are queried, so
  that the diverse selection has nothing to choose from. Here there are ``oversampling`` candidates
  for each image that is queried.
* A client holds mostly images of one class, and so queries mostly these. Here the classes that are
  rare among its labeled images are filled up, by the predictions of the global model, which alone
  knows classes that the client has hardly seen.

Judged once on data that had no say in its making, it was no improvement (CIFAR-100: a third of a
point below IFAL).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Ge

from fal.query.ranking import to_numpy, top
from fal.query.strategies.base import Scores
from fal.query.strategies.inconsistent import Inconsistent

if TYPE_CHECKING:
    from fal.query.pool import Pool


@dataclass(frozen=True, kw_only=True)
class BalancedIFAL(Inconsistent):
    """Of rare classes, diverse examples among those that rank high by both inconsistencies."""

    oversampling: Annotated[float, Ge(1)] = 3.0
    """Candidates of a class, the highest ranked ones, for each image that is queried of it."""
    restarts: Annotated[int, Ge(1)] = 10
    """Starts of k-means, of which the best clusters are taken."""

    def score(self, pool: Pool) -> Scores:
        """Columns score (= total, the product of the ranks, 0..1, of inter and intra), the columns
        of ``parts``, and pseudo_label, the global model's class."""
        from scipy.stats import rankdata

        parts = self.parts(pool)
        ranks = [rankdata(to_numpy(parts[part])) / pool.size for part in ("inter", "intra")]
        total = ranks[0] * ranks[1]
        return {
            "score": total,
            **parts,
            "total": total,
            "pseudo_label": pool.pseudo_labels("global"),
        }

    def pick(self, pool: Pool, scores: Scores, budget: int, seed: int) -> np.ndarray:
        """Per class k-means representatives, by direction of the local features, of candidates."""
        from torch.nn.functional import normalize

        from fal.query.selection import kmeans_representatives

        total, predicted = to_numpy(scores["total"]), to_numpy(scores["pseudo_label"])
        best_first = top(total, pool.size, seed)
        unit = normalize(pool.features("local").cpu(), dim=1)
        held, found = (np.bincount(c, minlength=pool.num_classes) for c in (pool.labels, predicted))
        quotas = filling_quotas(held, found, budget)
        chosen = []
        for c in np.flatnonzero(quotas):
            of_class = best_first[predicted[best_first] == c]
            candidates = of_class[: math.ceil(self.oversampling * quotas[c])]
            spread = kmeans_representatives(unit[candidates], quotas[c], seed, self.restarts)
            chosen.append(candidates[spread.numpy()])
        return np.concatenate(chosen)


def filling_quotas(held: np.ndarray, available: np.ndarray, budget: int) -> np.ndarray:
    """How many images of each class to query, [C], so that what is held becomes as even as it can.

    Again and again one of the class of which there are the fewest, held and queried together, and
    still some available; ties: the class with the most available, then the first.

    held, available: images of each class, int [C]. budget: at most available.sum().
    """
    quotas = np.zeros(len(held), dtype=int)
    for _ in range(budget):
        order = np.lexsort((-available, held + quotas, quotas >= available))
        quotas[order[0]] += 1
    return quotas
